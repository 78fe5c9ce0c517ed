// That nobody has a limit in money over what has no price, wherever the limit and the target stand. For policy/tenant-check.
import { describe, expect, test } from 'vitest';
import { compilePolicy } from '../../src/policy/compile.ts';
import { lines, load, policyOf, problemsOf } from './load-texts.ts';

const BASE = `version: 1
pools: { own: { zone: eu, workers: [ { url: "http://a" }, { url: "http://b", usdPerGpuHour: 2 } ] }, small: { zone: eu, workers: [ { url: "http://c", usdPerGpuHour: 1 } ] } }
providers: { api: { kind: openai, apiKey: $KEY, zone: us } }
ladders: { help: [ { pool: small }, { provider: api/gpt-6.1-sol } ] }
models: { m: { aliases: [mm], ladder: [ { pool: own }, { ladder: help } ] }, "gpt-*": { aliases: [fast], ladder: [ { provider: api } ] } }
`;
const PRICES = 'prices: { models: { "openai/gpt-6.1-sol": { input: 2, output: 10, asOf: 2026-09-30 } } }\n';
const spend = (entry: string) => `tenants: { acme: { usd: { perDay: 5 }, ${entry} } }\n`;
const OWN =
  'limits money, and rung 1 of m (own), which acme can reach, has no price: give its workers gpu or usdPerGpuHour, or give prices.models."own/own"';

async function saidOf(text: string): Promise<readonly string[]> {
  const result = await load(text);
  const found = lines(result.ok ? result.warnings : result.problems);
  return found.flatMap((line) => (line.includes('is asked for aliases') ? [] : [line.replace('policies/x.yaml:', '')]));
}

describe('a limit in money is refused over a target without a price', () => {
  test('it names tenant, model and rung, and what would mend it, for every target', async () => {
    expect(await problemsOf(`${BASE}${spend('')}`)).toEqual([
      `policies/x.yaml:6:20 tenants.acme.usd: ${OWN}`,
      'policies/x.yaml:6:20 tenants.acme.usd: limits money, and rung 3 of m (api/gpt-6.1-sol), which acme can reach, has no price: give prices.models."api/gpt-6.1-sol"',
      'policies/x.yaml:6:20 tenants.acme.usd: limits money, and rung 1 of gpt-* (api/*), which acme can reach, has no price: give prices.models."api/gpt-*"',
    ]);
  });

  test('a limit of the plan is told at the tenant, which can reach the target', async () => {
    const text = `${BASE}${PRICES}plans: { p: { usd: { perMonth: 9 } } }\ntenants: { "*": { plan: p, models: [m] } }\n`;
    expect(await problemsOf(text)).toEqual([
      `policies/x.yaml:8:19 tenants.*.plan: ${OWN.replace('which acme can', 'which whoever has no entry can')}`,
    ]);
    expect(await saidOf(`${BASE}plans: { p: { usd: { perMonth: 9 } } }\n`)).toEqual([]);
  });

  test('a limit that only counts is warned of', async () => {
    const dry = `${BASE}${PRICES}tenants: { acme: { models: [m], usd: { perDay: 5, dryRun: true } } }\n`;
    expect(await saidOf(dry)).toEqual([`7:33 tenants.acme.usd: ${OWN}`]);
  });
});

describe('only what the tenant can reach counts', () => {
  test.each([
    ['by zone', 'zones: [us], models: [m]'],
    ['by model', 'models: [gpt-6.1-sol]'],
    ['by several names', 'models: [gpt-6.1-sol, "gpt-6.1-sol"], zones: [us]'],
  ])('%s', async (_what, entry) => {
    expect(await saidOf(`${BASE}${PRICES}${spend(entry)}`)).toEqual([]);
  });

  test.each([
    ['an alias leads to its model', 'models: [mm]', OWN],
    [
      'a pattern may ask for all that fits',
      'models: ["gpt-6*"]',
      'rung 1 of gpt-* (api/*), which acme can reach, has no price: give prices.models."api/gpt-6*"',
    ],
    [
      'one priced name does not price another',
      'models: [gpt-6.1-sol, gpt-4]',
      'has no price: give prices.models."api/gpt-4"',
    ],
    ['an alias of a pattern is asked as it is', 'models: [fast]', 'has no price: give prices.models."api/fast"'],
  ])('%s', async (_what, entry, text) => {
    expect(await saidOf(`${BASE}${PRICES}${spend(entry)}`)).toEqual([expect.stringContaining(text)]);
  });
});

describe('what counts as a price', () => {
  const gpt = spend('models: ["gpt-*"]');
  test.each([
    [
      'a pattern that covers all that may be asked',
      '"api/gpt-*": { input: 1, output: 1, asOf: 2026-09-30 }, "api/fast": { input: 1, output: 1, asOf: 2026-09-30 }',
      gpt,
    ],
    ['a price of the kind', '"openai/*": { input: 1, output: 1, asOf: 2026-09-30 }', gpt],
    [
      'a price by tokens of an own pool',
      '"own/own": { input: 1, output: 1, asOf: 2026-09-30 }, "api/*": { input: 1, output: 1, asOf: 2026-09-30 }',
      spend(''),
    ],
  ])('%s', async (_what, prices, tenants) => {
    expect(await saidOf(`${BASE}prices: { models: { ${prices} } }\n${tenants}`)).toEqual([]);
  });

  test('each worker of the pool has one', async () => {
    const priced = BASE.replace('"http://a" }', '"http://a", gpu: g }');
    const gpus = 'prices: { gpus: { g: { usdPerHour: 1, asOf: 2026-09-30 } } }\n';
    expect(await saidOf(`${priced}${gpus}${spend('models: [m], zones: [eu]')}`)).toEqual([]);
  });

  test('a price of part of what may be asked is none', async () => {
    const part = 'prices: { models: { "api/gpt-5*": { input: 1, output: 1, asOf: 2026-09-30 } } }\n';
    expect(await saidOf(`${BASE}${part}${gpt}`)).toEqual([expect.stringContaining('give prices.models."api/gpt-*"')]);
  });
});

describe('an entry of a store, under a policy', () => {
  const catalog = async () =>
    compilePolicy(await policyOf(`${BASE}${PRICES}plans: { standard: { requestsPerMinute: 600, weight: 2 } }\n`));

  test('means what the same entry of the policy would mean', async () => {
    const entry = {
      plan: 'standard',
      inFlight: 3,
      expires: '2027-01-31',
      zones: ['eu'],
      uncachedTokensPerMinute: '400k',
    };
    const same = `${BASE}plans: { standard: { requestsPerMinute: 600, weight: 2 } }\ntenants: { t: ${JSON.stringify(entry)} }\n`;
    const rules = compilePolicy(await policyOf(same)).tenant('t');
    expect((await catalog()).readTenant(entry)).toEqual({ rules, warnings: [] });
  });

  test.each<[unknown, readonly string[]]>([
    [{ plan: 'gold' }, ['plan: unknown plan "gold". Valid: standard.']],
    [{ wieght: 2 }, [expect.stringMatching(/^wieght: unknown key\. Valid: plan, expires, .*Did you mean weight\?$/)]],
    [{ weight: 0 }, ['weight: must be a number from 0.001 to 1000']],
    [{ usd: { perDay: 5 }, models: ['m'] }, [`usd: ${OWN.replace('which acme can', 'which it can')}`]],
    [null, ['has no value: give it one or remove the key']],
    [[], ['must be a mapping of keys to values, not a list']],
    ['x', ['must be a mapping of keys to values, not text']],
    [JSON.parse('{"__proto__":{"weight":9}}'), [expect.stringMatching(/^"?__proto__"?: unknown key/)]],
  ])('%j is refused', async (entry, faults) => {
    expect((await catalog()).readTenant(entry)).toEqual({ faults });
  });

  test('what is odd and yet valid is told', async () => {
    expect((await catalog()).readTenant({ zones: ['mars'] })).toMatchObject({
      warnings: ['zones[0]: no target is in zone "mars". Valid: eu, us.'],
    });
  });
});
