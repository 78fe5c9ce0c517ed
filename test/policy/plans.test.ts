// What plans and tenants may say, what wins, and what is refused with file, line and key. For policy/tenants and tenant-check.
import { describe, expect, test } from 'vitest';
import { DEFAULT_TENANT, type TenantRules } from '../../src/core/plan.ts';
import { checkJson, checkReport } from '../../src/policy/check.ts';
import { compilePolicy } from '../../src/policy/compile.ts';
import { savedPolicy } from '../../src/policy/last-good.ts';
import { lines, load, policyOf, problemsOf } from './load-texts.ts';

const BASE = `version: 1
pools: { a: { zone: eu, contextTokens: 128000, workers: [ { url: "http://a", usdPerGpuHour: 2 } ] } }
models: { m: { aliases: [mm], ladder: [ { pool: a } ] }, "gpt-*": { ladder: [ { pool: a } ] } }
`;
const PLANS = `${BASE}plans:
  standard: { requestsPerMinute: 600, uncachedTokensPerMinute: 400k, inFlight: 32, usd: { perDay: 50 }, models: ["m*"], zones: [eu], priority: batch, weight: 2 }
`;

async function rulesOf(text: string, name = 'acme'): Promise<TenantRules> {
  return compilePolicy(await policyOf(text)).tenant(name);
}
const limitsOf = async (entry: string) => (await rulesOf(`${BASE}tenants: { acme: ${entry} }`)).limits;
const warningsOf = async (text: string, wallMs?: number) => {
  const result = await load(text, undefined, wallMs);
  if (!result.ok) throw new Error(lines(result.problems).join('\n'));
  return lines(result.warnings);
};

describe('how limits are written', () => {
  test.each([
    ['600', { perMinute: 600, burst: 600, dryRun: false }],
    ['400k', { perMinute: 400_000, burst: 400_000, dryRun: false }],
    ['5M', { perMinute: 5_000_000, burst: 5_000_000, dryRun: false }],
    ['1.5M', { perMinute: 1_500_000, burst: 1_500_000, dryRun: false }],
    ['"250"', { perMinute: 250, burst: 250, dryRun: false }],
    ['{ limit: 10k, burst: 128k }', { perMinute: 10_000, burst: 128_000, dryRun: false }],
    ['{ limit: 200k, dryRun: true }', { perMinute: 200_000, burst: 200_000, dryRun: true }],
    ['none', null],
  ])('%s a minute', async (written, limit) => {
    const { requests, uncachedTokens } = await limitsOf(
      `{ requestsPerMinute: ${written}, uncachedTokensPerMinute: ${written} }`,
    );
    expect([requests, uncachedTokens]).toEqual([limit, limit]);
  });

  test.each([
    ['7', { limit: 7, dryRun: false }],
    ['{ limit: 7, dryRun: true }', { limit: 7, dryRun: true }],
    ['none', null],
  ])('%s in flight', async (written, limit) => {
    expect((await limitsOf(`{ inFlight: ${written} }`)).inFlight).toEqual(limit);
  });

  test.each([
    ['{ perDay: 50 }', { hour: null, day: 50e9, month: null, warnAt: [0.8], dryRun: false }],
    ['{ perHour: 0.5, warnAt: 90% }', { hour: 5e8, day: null, month: null, warnAt: [0.9], dryRun: false }],
    [
      '{ perMonth: 1000, warnAt: [95%, 80%, 80%], dryRun: true }',
      { hour: null, day: null, month: 1e12, warnAt: [0.8, 0.95], dryRun: true },
    ],
    ['{ perDay: 0 }', { hour: null, day: 0, month: null, warnAt: [0.8], dryRun: false }],
    ['none', null],
  ])('usd: %s', async (written, spend) => {
    expect((await limitsOf(`{ usd: ${written} }`)).spend).toEqual(spend);
  });

  test.each([
    ['2027-01-31', '2027-01-31T00:00:00.000Z'],
    ['2027-01-31T12:00:00Z', '2027-01-31T12:00:00.000Z'],
    ['"2027-01-31T12:00:00+02:00"', '2027-01-31T10:00:00.000Z'],
    ['2028-02-29', '2028-02-29T00:00:00.000Z'],
  ])('expires: %s', async (written, at) => {
    const { expiresMs } = await rulesOf(`${BASE}tenants: { acme: { expires: ${written} } }`);
    expect(new Date(expiresMs!).toISOString()).toBe(at);
  });
});

describe('what holds for a tenant', () => {
  test('a plan in all its keys', async () => {
    expect(await rulesOf(`${PLANS}tenants: { acme: { plan: standard } }`)).toEqual({
      plan: 'standard',
      weight: 2,
      priority: 'batch',
      zones: new Set(['eu']),
      models: ['m*'],
      expiresMs: null,
      limits: {
        requests: { perMinute: 600, burst: 600, dryRun: false },
        uncachedTokens: { perMinute: 400_000, burst: 400_000, dryRun: false },
        inFlight: { limit: 32, dryRun: false },
        spend: { hour: null, day: 50e9, month: null, warnAt: [0.8], dryRun: false },
      },
    });
  });

  test('what it says itself wins, key by key, and none lifts what the plan says', async () => {
    const own =
      '{ plan: standard, weight: 4, priority: interactive, requestsPerMinute: none, usd: { perMonth: 9 }, models: ["*"] }';
    const rules = await rulesOf(`${PLANS}tenants: { acme: ${own} }`);
    expect(rules).toMatchObject({ plan: 'standard', weight: 4, priority: 'interactive', models: ['*'] });
    expect(rules.limits).toMatchObject({ requests: null, inFlight: { limit: 32 }, spend: { day: null, month: 9e9 } });
    expect(rules.zones).toEqual(new Set(['eu']));
  });

  test('whoever is not named has the entry *, which adds nothing to those that are', async () => {
    const catalog = compilePolicy(await policyOf(`${PLANS}tenants: { "*": { plan: standard }, acme: { weight: 3 } }`));
    expect(catalog.tenant('anybody')).toMatchObject({ plan: 'standard', weight: 2 });
    expect(catalog.tenant('acme')).toEqual({ ...DEFAULT_TENANT, weight: 3 });
    expect(catalog.namedTenant('acme')).toBe(catalog.tenant('acme'));
    for (const name of ['anybody', '*', 'constructor', '__proto__']) expect(catalog.namedTenant(name)).toBeNull();
    expect(compilePolicy(await policyOf(BASE)).tenant('anybody')).toBe(DEFAULT_TENANT);
  });

  test('names of built-in properties are plans and tenants like any other', async () => {
    const text = `${BASE}plans: { constructor: { weight: 3 } }\ntenants: { toString: { plan: constructor } }`;
    expect(await rulesOf(text, 'toString')).toMatchObject({ plan: 'constructor', weight: 3 });
    expect(await rulesOf(text, 'valueOf')).toBe(DEFAULT_TENANT);
    expect((await problemsOf(`${BASE}tenants: { a: { plan: toString } }`)).join()).toContain('unknown plan "toString"');
  });
});

test('plans and tenants of several files are one; a name of two files is refused with both places', async () => {
  const texts = (more: string) => ({
    'p/x.yaml': `${BASE}include: [more.yaml]\nplans: { one: { weight: 2 } }\ntenants: { acme: { plan: two } }\n`,
    'p/more.yaml': more,
  });
  const policy = await policyOf(texts('plans: { two: { weight: 5 } }\ntenants: { beta: { plan: one } }\n'));
  expect([...policy.tenants].map(([name, { weight }]) => [name, weight])).toEqual([
    ['acme', 5],
    ['beta', 2],
  ]);
  expect(await problemsOf(texts('plans: { two: {} }\ntenants: { acme: {} }\n'))).toEqual([
    'p/more.yaml:2:12 tenants.acme: is defined twice, first at p/x.yaml:6:12',
  ]);
});

test('a saved policy means the same', async () => {
  const result = await load(`${PLANS}tenants: { acme: { plan: standard, expires: 2027-01-31 } }`);
  if (!result.ok) throw new Error('refused');
  expect(await policyOf({ 'data/last-good.yaml': savedPolicy(result.sources)! })).toEqual(result.policy);
});

describe('what is refused, with the exact line', () => {
  const FORM = 'must be a whole number above 0, such as 600, 400k or 5M';
  test.each([
    ['plans: { p: { requestsPerMinute: 0 } }', `4:15 plans.p.requestsPerMinute: ${FORM}`],
    [
      'plans: { p: { requestsPerMinute: 4kk } }',
      `4:15 plans.p.requestsPerMinute: ${FORM}, none, or a mapping with limit`,
    ],
    [
      'plans: { p: { requestsPerMinute: 0.0001k } }',
      `4:15 plans.p.requestsPerMinute: ${FORM}, none, or a mapping with limit`,
    ],
    [
      'plans: { p: { requestsPerMinute: [1] } }',
      `4:15 plans.p.requestsPerMinute: ${FORM}, none, or a mapping with limit`,
    ],
    ['plans: { p: { requestsPerMinute: { burst: 3 } } }', '4:15 plans.p.requestsPerMinute.limit: is required'],
    ['plans: { p: { requestsPerMinute: { limit: 5, burst: 0 } } }', `4:46 plans.p.requestsPerMinute.burst: ${FORM}`],
    [
      'plans: { p: { requestsPerMinute: { limit: 5, bursts: 9 } } }',
      '4:46 plans.p.requestsPerMinute.bursts: unknown key. Valid: limit, burst, dryRun. Did you mean burst?',
    ],
    ['plans: { p: { inFlight: 0 } }', '4:15 plans.p.inFlight: must be a whole number of at least 1'],
    ['plans: { p: { usd: 5 } }', '4:15 plans.p.usd: must be none, or a mapping with perHour, perDay or perMonth'],
    ['plans: { p: { usd: {} } }', '4:15 plans.p.usd: needs at least one of perHour, perDay and perMonth'],
    ['plans: { p: { usd: { perDay: -1 } } }', '4:22 plans.p.usd.perDay: must be a number from 0 to 9000000'],
    [
      'plans: { p: { usd: { perDay: 5, warnAt: 0.8 } } }',
      '4:33 plans.p.usd.warnAt: must be a share such as 80%, or a list of shares',
    ],
    [
      'plans: { p: { run: { calls: 4 } } }',
      '4:15 plans.p.run: unknown key. Valid: requestsPerMinute, uncachedTokensPerMinute, inFlight, usd, models, zones, priority, weight.',
    ],
    ['plans: { p: { loopGuard: {} } }', '4:15 plans.p.loopGuard: unknown key. Valid: requestsPerMinute,'],
    ['plans: { p: { expires: 2027-01-01 } }', '4:15 plans.p.expires: unknown key.'],
    ['plans: { p: { models: [] } }', '4:15 plans.p.models: needs at least one model'],
    ['plans: { "*": {} }', '4:10 plans.*: is no name'],
    ['tenants: { "a b": {} }', '4:12 tenants."a b": is no name: use * for all that are not named'],
    ['tenants: { "a*": {} }', '4:12 tenants.a*: is no name: use * for all that are not named'],
    [
      'plans: { standard: {} }\ntenants: { acme: { plan: standrd } }',
      '5:20 tenants.acme.plan: unknown plan "standrd". Valid: standard. Did you mean standard?',
    ],
    ['tenants: { "*": { plan: x } }', '4:19 tenants.*.plan: unknown plan "x". There is none.'],
    [
      'tenants: { acme: { expires: 2027-02-30 } }',
      '4:20 tenants.acme.expires: must be a date such as 2027-01-31 (00:00 UTC)',
    ],
    [
      'tenants: { acme: { expires: tomorrow } }',
      '4:20 tenants.acme.expires: must be a date such as 2027-01-31 (00:00 UTC)',
    ],
    [
      'tenants: { acme: { expires: "2027-01-31T12:00" } }',
      '4:20 tenants.acme.expires: must be a date such as 2027-01-31 (00:00 UTC)',
    ],
  ])('%s', async (more, line) => {
    expect((await problemsOf(`${BASE}${more}\n`)).join('\n')).toContain(`policies/x.yaml:${line}`);
  });
});

describe('what is warned of', () => {
  test.each([
    ['plans: { p: { zones: [eu, us] } }', '4:27 plans.p.zones[1]: no target is in zone "us". Valid: eu.'],
    [
      'tenants: { acme: { models: ["claude-*"] } }',
      '4:29 tenants.acme.models[0]: fits no model: "claude-*". Valid: m, mm, gpt-*.',
    ],
    [
      'plans: { p: { uncachedTokensPerMinute: 100k } }\ntenants: { acme: { plan: p } }',
      '5:20 tenants.acme.plan: lets no call through that needs more than 100000 tokens at once, and prompts of up to 128000 fit its models; say { limit, burst }',
    ],
    [
      'tenants: { acme: { uncachedTokensPerMinute: { limit: 1M, burst: 1k } } }',
      '4:20 tenants.acme.uncachedTokensPerMinute: lets no call through that needs more than 1000 tokens',
    ],
    ['tenants: { acme: { expires: 2020-01-01 } }', '4:20 tenants.acme.expires: is over: nothing more may be asked'],
  ])('%s', async (more, line) => {
    const found = await warningsOf(`${BASE}${more}\n`, Date.parse('2026-11-29'));
    expect(found).toEqual([expect.stringContaining(`policies/x.yaml:${line}`)]);
  });

  test.each([
    'tenants: { acme: { models: [gpt-5, "gpt-*", mm, "m", "*", "gpt*x"], zones: [eu] } }',
    'tenants: { acme: { uncachedTokensPerMinute: { limit: 10k, burst: 128k } } }',
    'tenants: { acme: { uncachedTokensPerMinute: { limit: 10k, dryRun: true } } }',
    'tenants: { acme: { expires: 2027-01-01 } }',
  ])('and not of %s', async (more) => {
    expect(await warningsOf(`${BASE}${more}\n`, Date.parse('2026-11-29'))).toEqual([]);
  });
});

test('the check prints plans and tenants with their limits, and tells programs the same', async () => {
  const result = await load(
    `${PLANS}tenants: { "*": { plan: standard }, acme: { requestsPerMinute: { limit: 9, burst: 3, dryRun: true }, expires: 2027-01-31 } }`,
  );
  const report = checkReport(result);
  expect(report).toContain(
    'plan standard (weight 2, up to batch, zones eu, models m*, 600 requests a minute, 400000 uncached tokens a minute, 32 in flight, $50.00 a day (warns at 80%))\n',
  );
  expect(report).toContain('any other tenant (plan standard, weight 2, up to batch, zones eu,');
  expect(report).toContain(
    'tenant acme (weight 1, up to interactive, until 2027-01-31T00:00:00.000Z, 9 requests a minute (3 at once) (dry run))\n',
  );
  const { plans, tenants } = checkJson(result);
  expect(plans).toEqual([expect.objectContaining({ name: 'standard', plan: 'standard', weight: 2, zones: ['eu'] })]);
  expect(plans[0]!.limits.usd).toEqual({ perHour: null, perDay: 50, perMonth: null, warnAt: [0.8], dryRun: false });
  expect(tenants.map(({ name, plan }) => [name, plan])).toEqual([
    ['*', 'standard'],
    ['acme', null],
  ]);
  expect(tenants[1]).toMatchObject({
    expires: '2027-01-31T00:00:00.000Z',
    limits: { requestsPerMinute: { limit: 9, burst: 3, dryRun: true }, inFlight: null, usd: null },
  });
});
