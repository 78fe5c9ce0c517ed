// Decides what each error code looks like to a client: status, type, when to come back, and when that is no use.
// For SDKs, which decide by status and headers alone.

import { describe, expect, it } from 'vitest';
import type { Dialect } from '../../src/core/dialect.ts';
import { ERROR_CODES, type ErrorCode, RouterError, toRouterError } from '../../src/core/errors.ts';
import { DEFAULT_HTTP_LIMITS } from '../../src/core/limits.ts';
import { retryAfterExactly, retryAfterSeconds } from '../../src/core/retry-after.ts';
import { dialects } from '../../src/dialects/index.ts';
import { createAdminApp } from '../../src/http/admin.ts';
import { errorReply } from '../../src/http/errors.ts';
import type { Router } from '../../src/router/create.ts';
import { verdict } from '../../src/router/verdict.ts';
import { bytesOf } from '../dialects/json-bodies.ts';
import { parseCall, toward } from '../fakes/call-parts.ts';
import { strictJsonEvents } from '../fakes/raw-client.ts';

const BAD = 'invalid_request_error';
const OVER = 'service_unavailable_error';

/** Status, type, whether waiting cures it; written out by hand, so that a change of the code shows. */
const EXPECTED: Record<ErrorCode, [status: number, type: string, waits: boolean]> = {
  invalid_json: [400, BAD, false],
  invalid_value: [400, BAD, false],
  missing_field: [400, BAD, false],
  duplicate_key: [400, BAD, false],
  forbidden_key: [400, BAD, false],
  too_deep: [400, BAD, false],
  too_complex: [400, BAD, false],
  too_many: [400, BAD, false],
  invalid_header: [400, BAD, false],
  malformed_request: [400, BAD, false],
  chunk_overhead: [400, BAD, false],
  no_eligible_target: [400, BAD, false],
  context_length_exceeded: [400, BAD, false],
  content_refused: [400, BAD, false],
  refused_by_target: [400, BAD, false],
  conflicting_keys: [400, BAD, false],
  idempotency_in_flight: [409, BAD, true],
  idempotency_mismatch: [422, BAD, false],
  store_unavailable: [503, OVER, true],
  invalid_api_key: [401, BAD, false],
  host_not_allowed: [403, 'permission_error', false],
  origin_not_allowed: [403, 'permission_error', false],
  not_allowed: [403, 'permission_error', false],
  not_found: [404, BAD, false],
  model_not_found: [404, BAD, false],
  method_not_allowed: [405, BAD, false],
  body_timeout: [408, BAD, false],
  request_too_large: [413, BAD, false],
  unsupported_media_type: [415, BAD, false],
  expectation_failed: [417, BAD, false],
  upgrade_required: [426, BAD, false],
  headers_too_large: [431, BAD, false],
  above_limit: [400, BAD, false],
  project_spend_limit_exceeded: [429, 'insufficient_quota', false],
  rate_limit_exceeded: [429, 'rate_limit_error', true],
  capacity_contended: [429, 'rate_limit_error', true],
  worker_full: [503, OVER, true],
  server_is_overloaded: [503, OVER, true],
  model_warming: [503, OVER, true],
  draining: [503, OVER, true],
  upstream_error: [502, 'api_error', true],
  upstream_refused_key: [502, 'api_error', true],
  upstream_unfunded: [502, 'api_error', false],
  upstream_timeout: [504, 'api_error', true],
  internal_error: [500, 'api_error', false],
  client_gone: [499, BAD, false],
};
const CLOSES = new Set<ErrorCode>([
  'request_too_large',
  'malformed_request',
  'chunk_overhead',
  'headers_too_large',
  'body_timeout',
  'expectation_failed',
]);
const CODES = Object.keys(ERROR_CODES) as ErrorCode[];
const OPENAI: readonly Dialect[] = [
  dialects['openai-chat'],
  dialects['openai-completions'],
  dialects['openai-embeddings'],
];
const CALL = '{"model":"m","messages":[],"prompt":"x","input":"x","stream":true}';
const ID = 'req_0123456789abcdef0123456789abcdef';

describe('the table of errors', () => {
  it('holds exactly the codes that are described here', () => {
    expect([...CODES].sort()).toEqual(Object.keys(EXPECTED).sort());
  });

  for (const code of CODES) {
    const [status, type, waits] = EXPECTED[code];
    it(`${code} is a ${status} ${type}${waits ? ' that says when to come back' : ''}`, () => {
      const error = new RouterError(code, 'A text of ours.', { param: 'field' });
      for (const dialect of [undefined, ...OPENAI]) {
        const reply = errorReply(error, ID, dialect, 'asked');
        expect(reply.status).toBe(status);
        expect(JSON.parse(reply.body)).toEqual({ error: { message: 'A text of ours.', type, param: 'field', code } });
        expect(reply.headers).toMatchObject({
          'content-type': 'application/json',
          'x-request-id': ID,
          'cache-control': 'no-store',
          'x-content-type-options': 'nosniff',
          'x-spillway-asked': 'asked',
        });
        if (waits) expect(Number(reply.headers['retry-after'])).toBe(1);
        else expect(reply.headers).not.toHaveProperty('retry-after');
        expect(reply.headers['x-should-retry']).toBe(
          !waits && (error.blame === 'caller' || code === 'upstream_unfunded') ? 'false' : undefined,
        );
        expect(reply.headers['connection']).toBe(CLOSES.has(code) ? 'close' : undefined);
      }
    });
  }

  it('what waits never says that waiting is no use, and what blames the caller never descends', () => {
    for (const code of CODES) {
      const row = ERROR_CODES[code];
      if (row.waits) expect(errorReply(new RouterError(code, 'a'), ID).headers).not.toHaveProperty('x-should-retry');
      // What is spent at one price may go on at another.
      if (row.blame === 'caller' && code !== 'project_spend_limit_exceeded')
        expect([row.retryable, row.descends]).toEqual([false, false]);
    }
  });

  it('without a field the param is null, in a body as in a stream', () => {
    for (const dialect of OPENAI) {
      const upstream = toward(parseCall(dialect, bytesOf(CALL)), 'm');
      for (const code of CODES) {
        const error = new RouterError(code, 'A text\r\nof two lines\u2028.');
        const body = JSON.parse(dialect.errorBody(error, ID)) as { error: object };
        expect(body.error).toEqual({ message: error.message, type: EXPECTED[code][1], param: null, code });
        expect(strictJsonEvents(upstream.judge().failure(error, ID))).toEqual([{ error: body.error, request_id: ID }]);
      }
    }
  });

  it('what is known of a refusal stands in its headers', () => {
    const error = new RouterError('model_warming', 'a', {
      retryAfterSeconds: 55,
      readyInSeconds: 90,
      attempts: 2,
      headers: { allow: 'GET' },
    });
    const { headers } = errorReply(error, ID, undefined, 'モデル\u0007\ud800 x');
    expect(headers).toMatchObject({
      'retry-after': '55',
      'x-spillway-ready-in': '90',
      'x-spillway-attempts': '2',
      allow: 'GET',
      'x-spillway-asked': '%E3%83%A2%E3%83%87%E3%83%AB%07%EF%BF%BD x',
    });
  });
});

describe('when to come back', () => {
  const waits = [null, 0, 1, 999, 1_000, 1_001, 30_000, 45_000, 55_000, 10 ** 7, Number.MAX_SAFE_INTEGER];
  const dice = [0, 0.25, 0.5, 0.75, 1 - Number.EPSILON];

  it('is a whole number of seconds from 1 to 55, whatever the wait and the dice', () => {
    for (const waitMs of waits) {
      for (const die of dice) {
        const seconds = retryAfterSeconds(waitMs, () => die);
        expect(Number.isInteger(seconds)).toBe(true);
        expect(seconds).toBeGreaterThanOrEqual(1);
        expect(seconds).toBeLessThanOrEqual(55);
        const exact = retryAfterExactly(waitMs ?? 0, () => die);
        expect(exact >= 1 && exact <= 55 && Number.isInteger(exact)).toBe(true);
      }
    }
  });

  it('is spread by a fifth to either side, so that refused callers do not come back in step', () => {
    expect([0, 0.5, 1 - Number.EPSILON].map((die) => retryAfterSeconds(20_000, () => die))).toEqual([16, 20, 24]);
  });

  it('is never sooner than a time that is known', () => {
    expect([0, 0.5, 1 - Number.EPSILON].map((die) => retryAfterExactly(20_000, () => die))).toEqual([20, 22, 24]);
  });

  it('stands on every verdict over a spent ladder', () => {
    const failing: ErrorCode[] = [
      'worker_full',
      'model_warming',
      'upstream_error',
      'upstream_timeout',
      'upstream_refused_key',
    ];
    for (const code of failing) {
      for (const reason of ['saturated', 'cold', 'failing', 'slow'] as const) {
        for (const waitMs of waits) {
          for (const die of dice) {
            const error = new RouterError(code, 'a', { reason });
            const refusal = verdict([{ target: 'pool', error, waitMs }], 1, () => die);
            const { headers } = errorReply(refusal, ID);
            expect(headers['retry-after']).toMatch(/^([1-9]|[1-4]\d|5[0-5])$/);
            expect(headers).not.toHaveProperty('x-should-retry');
          }
        }
      }
    }
  });
});

describe('what nobody foresaw', () => {
  it('becomes internal_error without its text', () => {
    for (const thrown of [new Error('canary sk-1'), 'canary', { canary: 1 }, null, undefined, 7]) {
      const error = toRouterError(thrown);
      expect(error.code).toBe('internal_error');
      expect(error.message).not.toContain('canary');
    }
    const ours = new RouterError('too_deep', 'a');
    expect(toRouterError(ours)).toBe(ours);
  });

  it('a refusal costs no stack', () => {
    const before = Error.stackTraceLimit;
    expect(new RouterError('too_deep', 'a').stack).not.toContain('    at ');
    expect(Error.stackTraceLimit).toBe(before);
  });

  it('on the admin listener it is shaped like every other refusal', async () => {
    const broken = {
      models() {
        throw new Error('canary');
      },
    } as unknown as Router;
    const policy = () => ({ file: 'policy.yaml', loadedAt: '', refused: [] });
    const app = createAdminApp({
      router: broken,
      newId: () => ID,
      ingress: { headers: () => ({}), body: () => Promise.reject(new Error('canary')) },
      limits: DEFAULT_HTTP_LIMITS,
      tenants: {
        list: () => [],
        get: () => null,
        set: () => Promise.resolve({}),
        remove: () => Promise.resolve(false),
      },
      digest: (bytes) => bytes,
      secret: () => null,
      open: () => true,
      ready: () => true,
      policy,
      metrics: () => Promise.resolve({ contentType: 'text/plain', body: '' }),
    });
    const response = await app.fetch(new Request('http://localhost/status'));
    expect(response.status).toBe(500);
    expect(response.headers.get('x-request-id')).toBe(ID);
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({ error: { type: 'api_error', code: 'internal_error', param: null } });
    expect(text).not.toContain('canary');
  });
});
