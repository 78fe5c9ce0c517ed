// What a start or reload is refused for as a whole: files, sizes, cycles, secrets shown. For policy/load.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { checkExitCode, checkReport } from '../../src/policy/check.ts';
import { compilePolicy } from '../../src/policy/compile.ts';
import { lines, load, POOLS, policyOf, problemsOf, SECRET } from './load-texts.ts';

const VALID = `${POOLS}  k: { workers: [ { url: "http://k/v1", gpu: g, gpus: 2, apiKey: $KEY, headers: { x-token: "$file:/run/secrets/key" } } ] }
providers:
  o: { kind: openai, apiKey: $KEY, replyHeaders: [x-a], optional: true }
  m: { kind: openai-compatible, baseUrl: "https://m/v1", auth: modal, modalKey: $KEY, modalSecret: "$file:/run/secrets/key", zone: eu }
ladders:
  help: [ { pool: b, when: [cold, failing] }, { provider: o/gpt-5 } ]
models:
  large: { aliases: [gpt-4o], ladder: [ { pool: a }, { pool: b, same: true }, { ladder: help, when: [cold] } ] }
  "small-*": { class: chat, ladder: [ { pool: b }, { pool: k }, { provider: m } ] }
  vectors: { class: embed, ladder: [ { pool: e } ] }
server: { listen: 127.0.0.1:0, drain: 5s, trustedProxies: [10.0.0.0/8], adminSecret: $KEY, allowedHosts: [a.b], allowedOrigins: ["https://a.b"] }
telemetry: { log: debug }
classes: { chat: { timeouts: { total: 5m }, queue: { max: 9, wait: 1s }, retries: 0 } }
plans: { p: { requestsPerMinute: { limit: 9, burst: 3 }, uncachedTokensPerMinute: 4k, inFlight: 2, usd: { perDay: 5, warnAt: [80%], dryRun: true } } }
tenants: { "*": { plan: p }, acme: { plan: p, models: [large], zones: [eu], expires: 2027-01-31 } }
prices: { models: { "o/gpt-5": { input: 1, output: 2, tiers: [ { above: 9k, input: 2, output: 3 } ], serviceTiers: { flex: 50% }, asOf: 2026-09-30 } }, gpus: { g: { usdPerHour: 1, minimum: 60s, asOf: 2026-09-30 } } }
`;

describe('F114', () => {
  test('F114 an invalid policy at start is refused with path and reason, and exit code 2', async () => {
    const result = await load('version: 2');
    expect(result.ok).toBe(false);
    expect(checkExitCode(result)).toBe(2);
    expect(checkReport(result)).toBe('policies/x.yaml:1:1 version: must be 1\n1 problem. The policy is refused.\n');
  });

  test('F114 an oversized policy is refused', async () => {
    expect(await problemsOf(`version: 1\n# ${'x'.repeat(1024 * 1024)}`)).toEqual([
      'policies/x.yaml:1:1 is larger than 1048576 bytes',
    ]);
    const wide = Array.from({ length: 30_000 }, (_, at) => `  m${at}: 1`).join('\n');
    expect(await problemsOf(`version: 1\nmodels:\n${wide}`)).toEqual([
      'policies/x.yaml:1:1 holds more than 20000 values, aliases expanded',
    ]);
  });

  test('F114 a policy that grows when it is read is refused', async () => {
    const bomb = Array.from({ length: 9 }, (_, at) =>
      at === 0 ? 'a0: &a0 [x, x, x]' : `a${at}: &a${at} [${`*a${at - 1}, `.repeat(9)}]`,
    ).join('\n');
    expect(await problemsOf(bomb)).toEqual(['policies/x.yaml:1:1 uses more than 100 aliases']);
    expect((await problemsOf('a: &a [*a]'))[0]).toMatch(/^policies\/x\.yaml:1:1 is nested deeper than 24$/);
    expect((await problemsOf('['.repeat(200_000)))[0]).toMatch(/nested too deeply/);
  });

  test('F114 a cyclic ladder is refused, and the circle is named', async () => {
    const cyclic = `${POOLS}ladders:
  x: [ { pool: a }, { ladder: y } ]
  y: [ { ladder: z } ]
  z: [ { ladder: y } ]
  self: [ { ladder: self } ]
models: { m: { ladder: [ { ladder: x } ] } }`;
    expect(await problemsOf(cyclic)).toEqual([
      'policies/x.yaml:9:10 ladders.z[0].ladder: leads back to itself: y -> z -> y',
      'policies/x.yaml:10:13 ladders.self[0].ladder: leads back to itself: self -> self',
    ]);
  });

  test('F114 ladders of ladders that multiply are refused without being laid out', async () => {
    const levels = Array.from({ length: 40 }, (_, at) => {
      const inner = at === 0 ? '{ pool: a }' : `{ ladder: l${at - 1} }`;
      return `  l${at}: [ ${inner}, ${inner} ]`;
    });
    const text = `${POOLS}ladders:\n${levels.join('\n')}\nmodels: { m: { ladder: [ { ladder: l39 } ] } }`;
    expect(await problemsOf(text)).toEqual([
      'policies/x.yaml:47:16 models.m.ladder: has more than 32 rungs, those of its ladders counted',
    ]);
  });

  test('F114 a partial policy is refused or sound, wherever the file was cut', async () => {
    for (let end = 0; end < VALID.length; end++) {
      const result = await load(VALID.slice(0, end));
      if (result.ok) compilePolicy(result.policy);
      else for (const line of lines(result.problems)) expect(line).toMatch(/^policies\/x\.yaml:\d+:\d+ .+/);
    }
  });

  test('F114 any change to a valid policy is sound or refused at a line, and nothing is thrown', async () => {
    const junk = fc.oneof(
      fc.constantFrom(
        null,
        '',
        'a',
        'b',
        'large',
        '*',
        '0s',
        '9',
        -1,
        0,
        1.5,
        1e9,
        true,
        [],
        {},
        [[]],
        [null],
        '__proto__',
        'constructor',
      ),
      fc.string(),
      fc.jsonValue({ maxDepth: 2 }),
    );
    const places = pathsOf(parse(VALID), []);
    const edit = fc.record({
      path: fc.constantFrom(...places),
      junk,
      name: fc.option(fc.string(), { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 3 }), async (edits) => {
        const document: unknown = parse(VALID);
        for (const { path, junk: value, name } of edits)
          put(document, name === undefined ? path : [...path.slice(0, -1), name], value);
        const result = await load(stringify(document));
        if (result.ok) {
          for (const plan of compilePolicy(result.policy).models) expect(plan.rungs.length).toBeGreaterThan(0);
        } else {
          expect(result.problems.length).toBeGreaterThan(0);
          for (const problem of result.problems) expect(problem.line).toBeGreaterThan(0);
          expect(lines(result.problems).join()).not.toContain(SECRET);
        }
      }),
      { numRuns: 400 },
    );
  }, 60_000);

  test('F114 any text is refused at a line, and nothing is thrown', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.string({ unit: 'binary' })), async (text) => {
        const result = await load(text);
        if (result.ok) throw new Error('accepted');
        for (const problem of result.problems) expect(problem.line).toBeGreaterThan(0);
      }),
      { numRuns: 300 },
    );
  });
});

test('a secret is never shown, wherever it was put by mistake and whatever else is wrong', async () => {
  const entries = [
    `url: "http://a", apiKey: ${SECRET}`,
    `url: "http://a", apikey: ${SECRET}`,
    `url: "http://a", apiKey: [ ${SECRET} ]`,
    `url: "http://a", apiKey: "${SECRET}`,
    `url: "http://a", apiKey: ${SECRET}: x`,
    `url: "http://${SECRET}@a"`,
    `url: "http://a?key=${SECRET}"`,
    `url: "http://a", headers: { authorization: Bearer ${SECRET} }`,
    `url: "http://a", headers: [ ${SECRET} ]`,
    `url: "http://a", apiKey: *${SECRET}`,
    `url: "http://a", apiKey: !${SECRET} x`,
    `demo: chat, apiKey: ${SECRET}`,
    'url: "http://a", headers: { x-a: $BROKEN }',
  ];
  for (const entry of entries) {
    for (const rest of ['', 'models: 1\nserver: { listen: x }\n', '\tx']) {
      const text = `version: 1\npools: { p: { workers: [ { ${entry} } ] } }\n${rest}`;
      expect((await problemsOf(text)).join('\n')).not.toContain(SECRET);
    }
  }
});

test('a provider’s secret and the operator’s are never shown either', async () => {
  const sections = [
    `providers: { p: { kind: openai, apiKey: ${SECRET} } }`,
    `providers: { p: { kind: openai, apikey: ${SECRET} } }`,
    `providers: { p: { kind: openai, modalSecret: [ ${SECRET} ] } }`,
    `providers: { p: { kind: openai, auth: none, headers: { modal-key: ${SECRET} } } }`,
    `providers: { p: { kind: openai, apiKey: $KEY, headers: { modal-key: "x ${SECRET}" } } }`,
    `providers: { p: { kind: openai, baseUrl: "https://u:${SECRET}@h/v1" } }`,
    `providers: { p: { kind: openai, baseUrl: "https://h/v1?key=${SECRET}" } }`,
    `server: { adminSecret: ${SECRET} }`,
    `server: { adminSecrett: ${SECRET} }`,
  ];
  for (const section of sections) {
    for (const rest of ['', 'models: 1\n', '\tx'])
      expect((await problemsOf(`version: 1\n${section}\n${rest}`)).join('\n')).not.toContain(SECRET);
  }
});

describe('include', () => {
  const root = (include: string) => `${POOLS}include: ${include}\n`;

  test('adds named entries of other files, in the order of their names', async () => {
    const policy = await policyOf({
      'policies/x.yaml': root('[ "models/*.yaml" ]'),
      'policies/models/2.yaml': 'models: { two: { ladder: [ { pool: b } ] } }',
      'policies/models/1.yaml': 'version: 1\nmodels: { one: { ladder: [ { pool: a } ] } }\ntelemetry: { log: none }',
      'policies/models/deep/3.yaml': 'nonsense: true',
      'policies/models/read.me': 'nonsense: true',
    });
    expect(policy.models.map((model) => model.name)).toEqual(['one', 'two']);
    expect(policy.telemetry.log).toBe('none');
  });

  test('refuses a name that is defined twice and names both places', async () => {
    const problems = await problemsOf({
      'policies/x.yaml': `${root('[ y.yaml, z.yaml ]')}server: {}\n`,
      'policies/y.yaml': 'pools:\n  a: { workers: [ { demo: chat } ] }\nserver: {}\n',
      'policies/z.yaml': 'version: 2\ninclude: []\nmodels: { m: { ladder: [ { pool: c } ] } }\n',
    });
    expect(problems).toEqual([
      'policies/y.yaml:2:3 pools.a: is defined twice, first at policies/x.yaml:3:3',
      'policies/y.yaml:3:1 server: is defined twice, first at policies/x.yaml:7:1',
      'policies/z.yaml:1:1 version: must be 1',
      'policies/z.yaml:2:1 include: only the first file may include others',
      'policies/z.yaml:3:28 models.m.ladder[0].pool: unknown pool "c". Valid: a, b, e.',
    ]);
  });

  test('refuses files that are not there or lie elsewhere', async () => {
    const rule = 'must be a path below the folder of this file, with "/" between names and * in the last one only';
    expect(await problemsOf(root('[ gone.yaml, ../up.yaml, /etc/passwd, "*/x.yaml", "no/*.yaml" ]'))).toEqual([
      'policies/x.yaml:6:12 include[0]: cannot read policies/gone.yaml: there is no such file',
      `policies/x.yaml:6:23 include[1]: "../up.yaml" ${rule}`,
      `policies/x.yaml:6:35 include[2]: "/etc/passwd" ${rule}`,
      `policies/x.yaml:6:48 include[3]: "*/x.yaml" ${rule}`,
      'policies/x.yaml:6:60 include[4]: cannot list policies/no/: there is no such file',
    ]);
  });

  test('a first file that is not there is refused by its path', async () => {
    const result = await load({ 'policies/none.yaml': undefined as unknown as string });
    expect(result.ok ? [] : lines(result.problems)).toEqual([
      'policies/none.yaml:1:1 cannot read policies/none.yaml: there is no such file',
    ]);
  });
});

function pathsOf(value: unknown, path: readonly (string | number)[]): (readonly (string | number)[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  const inner = Object.entries(value).flatMap(([key, child]) =>
    pathsOf(child, [...path, Array.isArray(value) ? Number(key) : key]),
  );
  return path.length === 0 ? inner : [path, ...inner];
}

function put(document: unknown, path: readonly (string | number)[], value: unknown): void {
  let at = document as Record<string | number, unknown>;
  for (const part of path.slice(0, -1)) {
    const next = at[part];
    if (typeof next !== 'object' || next === null) return;
    at = next as Record<string | number, unknown>;
  }
  const name = path[path.length - 1]!;
  // The length of a list is no key that a file could hold.
  if (Array.isArray(at) && name === 'length') return;
  Object.defineProperty(at, name, { value, enumerable: true, configurable: true, writable: true });
}
