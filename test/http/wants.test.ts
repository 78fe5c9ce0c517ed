// Decides what each x-spillway-* request header means and which values it takes. For callers who set them.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RouterError } from '../../src/core/errors.ts';
import { CAPABILITIES, PRIORITIES, REQUEST_HEADERS, RESPONSE_HEADERS } from '../../src/core/names.ts';
import { NO_WANTS, type Wants } from '../../src/core/request.ts';
import { MAX_DURATION_MS } from '../../src/core/units.ts';
import { readWants } from '../../src/http/wants.ts';

function refusal(headers: Record<string, string>): RouterError {
  try {
    readWants(headers);
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(RouterError);
    return thrown as RouterError;
  }
  throw new Error(`taken: ${JSON.stringify(headers)}`);
}

const good: [name: string, value: string, wants: Partial<Wants>][] = [
  ['degrade', 'allow', { degrade: 'allow' }],
  ['degrade', 'never', { degrade: 'never' }],
  ['degrade', ' never ', { degrade: 'never' }],
  ['max-wait', '0', { maxWaitMs: 0 }],
  ['max-wait', '0s', { maxWaitMs: 0 }],
  ['max-wait', '10', { maxWaitMs: 10_000 }],
  ['max-wait', '0.5', { maxWaitMs: 500 }],
  ['max-wait', '1.234', { maxWaitMs: 1_234 }],
  ['max-wait', '500ms', { maxWaitMs: 500 }],
  ['max-wait', '10s', { maxWaitMs: 10_000 }],
  ['max-wait', '2m', { maxWaitMs: 120_000 }],
  ['max-wait', '1h', { maxWaitMs: 3_600_000 }],
  ['min-rung', '1', { minRung: 1 }],
  ['min-rung', '999', { minRung: 999 }],
  ['require', 'tools', { require: ['tools'] }],
  ['require', 'tools,vision', { require: ['tools', 'vision'] }],
  ['require', ' tools , schema ', { require: ['tools', 'schema'] }],
  ['run', 'run-1', {}],
  ['run', 'a'.repeat(128), {}],
  ['agent', 'planner:sub/1@2+x=y.z_', {}],
  ['parent', '0', {}],
  ...PRIORITIES.map((one): [string, string, Partial<Wants>] => ['priority', one, { priority: one }]),
  ...CAPABILITIES.map((one): [string, string, Partial<Wants>] => ['require', one, { require: [one] }]),
];

const bad: [name: string, value: string, says: string][] = [
  ...['', 'Never', 'no', 'true', 'allow, never', 'never;'].map((v): [string, string, string] => [
    'degrade',
    v,
    'allow, never',
  ]),
  ...['', 'high', 'Interactive', '1', 'batch,batch'].map((v): [string, string, string] => [
    'priority',
    v,
    'critical, interactive',
  ]),
  ...[
    '',
    '-1',
    '1e3',
    'soon',
    '10 s',
    '1d',
    '10S',
    '0x10',
    '.5',
    '1.2345',
    '9999999',
    '999h',
    'Infinity',
    'NaN',
    '10, 20',
  ].map((v): [string, string, string] => ['max-wait', v, 'duration']),
  ...['', '0', '-1', '1.5', '01', '1000', 'two', '1, 2', '+1'].map((v): [string, string, string] => [
    'min-rung',
    v,
    'rung number',
  ]),
  ...['', ',', 'tools,', 'Tools', 'tools vision', 'everything', 'tools,,vision'].map((v): [string, string, string] => [
    'require',
    v,
    'tools, schema, vision',
  ]),
  ...['run', 'agent', 'parent'].flatMap((name) =>
    ['', ' ', 'a b', 'a, b', 'a'.repeat(129), 'é', 'a;b', '<a>', '"a"', 'a\\b', 'a?b'].map(
      (v): [string, string, string] => [name, v, '1 to 128 characters'],
    ),
  ),
];

describe('request headers', () => {
  for (const [name, value, wants] of good) {
    it(`x-spillway-${name}: ${JSON.stringify(value.slice(0, 40))} is taken`, () => {
      expect(readWants({ [`x-spillway-${name}`]: value })).toEqual({ ...NO_WANTS, ...wants });
    });
  }

  for (const [name, value, says] of bad) {
    it(`x-spillway-${name}: ${JSON.stringify(value.slice(0, 40))} is refused`, () => {
      const error = refusal({ [`x-spillway-${name}`]: value });
      expect(error.code).toBe('invalid_header');
      expect(error.status).toBe(400);
      expect(error.blame).toBe('caller');
      expect(error.message).toContain(`x-spillway-${name} must be`);
      expect(error.message).toContain(says);
    });
  }

  it('all are read together', () => {
    const headers = {
      host: 'localhost',
      'x-spillway-degrade': 'never',
      'x-spillway-max-wait': '3',
      'x-spillway-priority': 'batch',
      'x-spillway-min-rung': '2',
      'x-spillway-require': 'audio, logprobs',
      'x-spillway-run': 'r',
    };
    const wants = {
      degrade: 'never',
      maxWaitMs: 3_000,
      priority: 'batch',
      minRung: 2,
      require: ['audio', 'logprobs'],
      timeoutMs: null,
    };
    expect(readWants(headers)).toEqual(wants);
    expect(NO_WANTS).toEqual({
      degrade: 'allow',
      maxWaitMs: null,
      priority: null,
      minRung: null,
      require: [],
      timeoutMs: null,
    });
  });

  it('a call without them costs no object', () => {
    expect(readWants({ host: 'localhost', 'x-request-id': 'a', 'x-spill': 'b' })).toBe(NO_WANTS);
  });

  const waits: [headers: Record<string, string | string[]>, timeoutMs: number | null][] = [
    [{ 'x-stainless-timeout': '600' }, 600_000],
    [{ 'x-stainless-timeout': '300' }, 300_000],
    [{ 'x-stainless-timeout': '0' }, 1_000],
    [{ 'x-stainless-timeout': '86400' }, 3_600_000],
    [{ 'x-stainless-read-timeout': '600.0' }, 600_000],
    [{ 'x-stainless-read-timeout': '0.5' }, 1_000],
    [{ 'x-stainless-read-timeout': '2.5' }, 2_500],
    [{ 'x-stainless-timeout': '20', 'x-stainless-read-timeout': '600' }, 20_000],
    ...['', '-1', 'NaN', 'Infinity', '1e3', '600s', 'NOT_GIVEN', '99999999', '6 00', '.5', '0x10'].map(
      (value): [Record<string, string>, null] => [{ 'x-stainless-timeout': value }, null],
    ),
    [{ 'x-stainless-timeout': ['600', '1'] }, null],
    [{ 'x-stainless-retry-count': '0' }, null],
  ];
  it.each(waits)(
    '%j: how long the caller’s client waits is read where it is a number of seconds',
    (headers, timeoutMs) => {
      expect(readWants(headers)).toEqual({ ...NO_WANTS, timeoutMs });
      const both = readWants({ ...headers, 'x-spillway-max-wait': '3' });
      expect(both).toEqual({ ...NO_WANTS, maxWaitMs: 3_000, timeoutMs });
    },
  );

  it('F010 names that only replies carry are dropped with any value, other names are refused with the list', () => {
    for (const name of Object.values(RESPONSE_HEADERS)) expect(readWants({ [name]: '\u0000' })).toBe(NO_WANTS);
    for (const name of ['x-spillway-', 'x-spillway-runs', 'x-spillway-tenant', 'x-spillway-__proto__']) {
      const { code, message } = refusal({ [name]: 'a' });
      expect(code).toBe('invalid_header');
      for (const valid of REQUEST_HEADERS) expect(message).toContain(valid);
    }
  });

  it('property: whatever the value, it is taken within its bounds or refused, and never repeated', () => {
    const value = fc.oneof(
      fc.string({ maxLength: 200 }),
      fc.string({ unit: fc.constantFrom('0', '9', '.', 'm', 's', 'h', ' ') }),
    );
    fc.assert(
      fc.property(fc.constantFrom(...REQUEST_HEADERS), value, (name, text) => {
        try {
          const wants = readWants({ [name]: text });
          expect(wants.maxWaitMs ?? 0).toBeLessThanOrEqual(MAX_DURATION_MS);
          expect(wants.maxWaitMs ?? 0).toBeGreaterThanOrEqual(0);
          expect(wants.minRung ?? 1).toBeGreaterThanOrEqual(1);
          for (const one of wants.require) expect(CAPABILITIES).toContain(one);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(RouterError);
          const { code, message } = thrown as RouterError;
          expect(code).toBe('invalid_header');
          if (text.length > 60) expect(message).not.toContain(text);
        }
      }),
      { numRuns: 5_000 },
    );
  });
});
