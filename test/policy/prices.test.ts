// How prices are written, which one a call has, and what is refused or warned of. For policy/prices, price-list and price-check.
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fitsPattern } from '../../src/core/pattern.ts';
import { checkJson, checkReport } from '../../src/policy/check.ts';
import { compilePolicy } from '../../src/policy/compile.ts';
import { covers, mayMeet } from '../../src/policy/price-list.ts';
import { lines, load, policyOf, problemsOf } from './load-texts.ts';

const BASE = `version: 1
pools: { own: { serves: acme/x, workers: [ { url: "http://a" } ] } }
providers: { eu: { kind: openai, apiKey: $KEY, zone: eu }, spare: { kind: openai, apiKey: $KEY, zone: us } }
models: { m: { ladder: [ { pool: own }, { provider: eu/gpt-6.1-sol } ] }, "gpt-*": { ladder: [ { provider: spare } ] } }
`;
const TODAY = Date.parse('2026-11-29T12:00:00Z');
const priceOf = async (entry: string) =>
  (await policyOf(`${BASE}prices: { models: { "eu/x": ${entry} } }`)).prices.models[0]!.price;

describe('what a price becomes', () => {
  test('USD per million tokens are nano-USD per token, in every key', async () => {
    const written =
      '{ input: 2, output: 10, cachedRead: 0.10, cacheWrite: 2.5, cacheWriteLong: 4, perCall: 0.002, perItem: 0.0001, batch: 50%, serviceTiers: { flex: 50%, priority: 200% }, tiers: [ { above: 100k, input: 4, output: 15, cachedRead: 0.4 } ], asOf: 2026-09-30, source: "list price" }';
    expect(await priceOf(written)).toEqual({
      uncached: 2000,
      output: 10_000,
      cachedRead: 100,
      cacheWrite: 2500,
      cacheWriteLong: 4000,
      perCall: 2_000_000,
      perItem: 100_000,
      batchFactor: 0.5,
      serviceTiers: { flex: 0.5, priority: 2 },
      tiers: [
        {
          abovePromptTokens: 100_000,
          uncached: 4000,
          output: 15_000,
          cachedRead: 400,
          cacheWrite: 5000,
          cacheWriteLong: 8000,
        },
      ],
      asOf: '2026-09-30',
      source: 'list price',
    });
  });

  test('a cache without a price of its own costs what reading does', async () => {
    expect(
      await priceOf(
        '{ input: 0.1, output: 0.5, tiers: [ { above: 100000, input: 0.5, output: 2.5 } ], asOf: 2026-09-30 }',
      ),
    ).toMatchObject({
      cachedRead: 100,
      cacheWrite: 100,
      cacheWriteLong: 100,
      batchFactor: 1,
      serviceTiers: {},
      tiers: [{ uncached: 500, cachedRead: 500, cacheWrite: 500, cacheWriteLong: 500 }],
      source: null,
    });
    expect(await priceOf('{ input: 4, output: 20, cacheWrite: 5, asOf: 2026-09-30 }')).toMatchObject({
      cacheWrite: 5000,
      cacheWriteLong: 5000,
    });
  });
});

describe('which price a target and model have', () => {
  const prices = `prices:
  models:
    "eu/gpt-6.1-sol": { input: 1, output: 1, asOf: 2026-11-01 }
    "eu/gpt-*": { input: 2, output: 1, asOf: 2026-11-01 }
    "openai/gpt-6.1-sol": { input: 3, output: 1, asOf: 2026-11-01 }
    "openai/gpt-6.1-*": { input: 4, output: 1, asOf: 2026-11-01 }
    "openai/*": { input: 5, output: 1, asOf: 2026-11-01 }
    "own/acme/x": { input: 6, output: 1, asOf: 2026-11-01 }
`;
  test.each([
    ['provider', 'eu', 'gpt-6.1-sol', 1],
    ['provider', 'eu', 'gpt-4', 2],
    ['provider', 'eu', 'o3', 5],
    ['provider', 'spare', 'gpt-6.1-sol', 3],
    ['provider', 'spare', 'gpt-6.1-luna', 4],
    ['provider', 'spare', 'gpt-6', 5],
    ['provider', 'openai', 'gpt-6', 5],
    ['pool', 'own', 'acme/x', 6],
    ['pool', 'own', 'acme/y', null],
    ['provider', 'nobody', 'gpt-6', null],
    ['provider', 'constructor', 'toString', null],
  ] as const)('%s %s, %s', async (kind, name, model, input) => {
    const { tokenPrice } = compilePolicy(await policyOf(BASE + prices));
    expect(tokenPrice({ kind, name }, model)?.uncached ?? null).toBe(input === null ? null : input * 1000);
  });

  test('without prices nothing has one', async () => {
    expect(compilePolicy(await policyOf(BASE)).tokenPrice({ kind: 'provider', name: 'eu' }, 'gpt-4')).toBeNull();
  });
});

describe('what a worker costs', () => {
  const worker = async (entry: string, gpus = '') => {
    const text = BASE.replace('{ url: "http://a" }', entry);
    return (await policyOf(`${text}prices: { gpus: { ${gpus} } }`)).pools[0]!.workers[0]!;
  };
  test('by the name of a GPU, with its number and its own way of billing', async () => {
    const gpus =
      'h: { usdPerHour: 4.18, billed: per-second, minimum: 60s, term: spot, coldStartUsd: 0.02, egressUsdPerGiB: 0.1, asOf: 2026-11-01, source: s }';
    expect((await worker('{ url: "http://a", gpu: h, gpus: 2 }', gpus)).gpu).toEqual({
      usdPerGpuHour: 4.18,
      gpus: 2,
      billed: 'while-up',
      incrementMs: 1000,
      minimumMs: 60_000,
      term: 'spot',
      coldStart: 20_000_000,
      egressPerGiB: 100_000_000,
      asOf: '2026-11-01',
      source: 's',
    });
    expect((await worker('{ url: "http://a", gpu: h, billed: per-hour }', gpus)).gpu).toMatchObject({
      billed: 'while-up',
      incrementMs: 3_600_000,
      usdPerGpuHour: 4.18,
    });
  });

  test('inline, at an address or from a plug-in, whose own options never see it', async () => {
    const price = { usdPerGpuHour: 2.1, gpus: 1, billed: 'always', term: 'on-demand', minimumMs: 0, asOf: null };
    expect((await worker('{ url: "http://a", usdPerGpuHour: 2.1 }')).gpu).toMatchObject(price);
    const demo = await worker('{ demo: chat, usdPerGpuHour: 2.1, billed: per-minute, gpus: 4 }');
    expect(demo.gpu).toMatchObject({ ...price, gpus: 4, billed: 'while-up', incrementMs: 60_000 });
    expect(demo).toMatchObject({ kind: 'demo', options: { demo: 'chat' } });
    expect(Object.keys((demo as { options: object }).options)).toEqual(['demo']);
    expect((await worker('{ url: "http://a" }')).gpu).toBeNull();
  });

  test('another price makes no other worker', async () => {
    const key = async (entry: string) => (await worker(entry)).key;
    expect(await key('{ url: "http://a", usdPerGpuHour: 2, billed: per-second, gpus: 2 }')).toBe(
      await key('{ url: "http://a" }'),
    );
    expect(await key('{ url: "http://b" }')).not.toBe(await key('{ url: "http://a" }'));
    const two = BASE.replace('{ url: "http://a" }', '{ url: "http://a" }, { url: "http://a", usdPerGpuHour: 1 }');
    const keys = (await policyOf(two)).pools[0]!.workers.map((one) => one.key);
    expect(new Set(keys).size).toBe(2);
  });
});

test('prices of several files are one list; one of two files is refused with both places', async () => {
  const main = `${BASE}include: [p.yaml]\nprices: { models: { "eu/a": { input: 1, output: 1, asOf: 2026-11-01 } }, gpus: { g: { usdPerHour: 1, asOf: 2026-11-01 } } }\n`;
  const more =
    'prices: { models: { "eu/b": { input: 2, output: 1, asOf: 2026-11-01 } }, gpus: { h: { usdPerHour: 2, asOf: 2026-11-01 } } }\n';
  const { prices } = await policyOf({ 'p/x.yaml': main, 'p/p.yaml': more });
  expect(prices.models.map(({ model }) => model)).toEqual(['a', 'b']);
  expect([...prices.gpus.keys()]).toEqual(['g', 'h']);
  expect(
    await problemsOf({ 'p/x.yaml': main, 'p/p.yaml': more.replace('eu/b', 'eu/a').replace(' h:', ' g:') }),
  ).toEqual([
    'p/p.yaml:1:21 prices.models.eu/a: is defined twice, first at p/x.yaml:6:21',
    'p/p.yaml:1:82 prices.gpus.g: is defined twice, first at p/x.yaml:6:82',
  ]);
  const half = await policyOf({
    'p/x.yaml': `${BASE}include: [p.yaml]\nprices: { gpus: {} }\n`,
    'p/p.yaml': more.replace(/, gpus.*/, ' }'),
  });
  expect(half.prices.models).toHaveLength(1);
});

describe('what is refused, with the exact line', () => {
  const price = (text: string) => `prices: { models: { "eu/x": ${text} } }`;
  test.each([
    [price('{ input: 1, output: 1 }'), '5:21 prices.models.eu/x.asOf: is required'],
    [
      price('{ input: 1, output: 1, asOf: 2026-02-30 }'),
      '5:52 prices.models.eu/x.asOf: must be a date such as 2026-09-30',
    ],
    [price('{ input: -1, asOf: 2026-11-01 }'), '5:31 prices.models.eu/x.input: must be a number from 0 to 1000000'],
    [
      price('{ asOf: 2026-11-01 }'),
      '5:21 prices.models.eu/x: names no price: give input and output, perCall or perItem',
    ],
    [
      price('{ input: 1, batch: 0.5, asOf: 2026-11-01 }'),
      '5:41 prices.models.eu/x.batch: must be a share such as 80%, from 0% to 1000%',
    ],
    [
      price('{ input: 1, tiers: [ { above: 100k, input: 1 } ], asOf: 2026-11-01 }'),
      'prices.models.eu/x.tiers[0].output: is required',
    ],
    [
      price(
        '{ input: 1, tiers: [ { above: 200k, input: 1, output: 1 }, { above: 100k, input: 1, output: 1 } ], asOf: 2026-11-01 }',
      ),
      '5:41 prices.models.eu/x.tiers: must stand in the order of `above`, each higher than the one before',
    ],
    [price('{ inputs: 1, asOf: 2026-11-01 }'), 'prices.models.eu/x.inputs: unknown key. Valid: input, output,'],
    [
      'prices: { models: { gpt-5: { input: 1, asOf: 2026-11-01 } } }',
      '5:21 prices.models.gpt-5: is no target and model: write TARGET/MODEL',
    ],
    [
      'prices: { gpus: { g: { usdPerHour: 1, billed: hourly, asOf: 2026-11-01 } } }',
      'prices.gpus.g.billed: unknown value "hourly". Valid: always, per-second, per-minute, per-hour.',
    ],
  ])('%s', async (more, line) => {
    expect((await problemsOf(`${BASE}${more}\n`)).join('\n')).toContain(line);
  });

  test.each([
    ['gpu: h200', 'pools.own.workers[0].gpu: unknown GPU "h200". Valid: h100. Did you mean h100?'],
    [
      'gpu: h100, usdPerGpuHour: 1',
      'pools.own.workers[0].usdPerGpuHour: stands beside gpu, which has a price; choose one',
    ],
    ['gpus: 2', 'pools.own.workers[0].gpus: says nothing without gpu or usdPerGpuHour'],
    ['billed: always', 'pools.own.workers[0].billed: says nothing without gpu or usdPerGpuHour'],
    ['gpu: h100, gpus: 0', 'pools.own.workers[0].gpus: must be a whole number of at least 1'],
  ])('a worker with %s', async (more, line) => {
    const text = BASE.replace('"http://a" }', `"http://a", ${more} }`);
    const gpus = 'prices: { gpus: { h100: { usdPerHour: 4, asOf: 2026-11-01 } } }';
    expect((await problemsOf(`${text}${gpus}\n`)).join('\n')).toContain(line);
  });
});

describe('what is warned of', () => {
  const warningsOf = async (text: string, wallMs: number | undefined = TODAY) => {
    const result = await load(text, undefined, wallMs);
    if (!result.ok) throw new Error(lines(result.problems).join('\n'));
    return lines(result.warnings).map((line) => line.replace(/^policies\/x\.yaml:/, ''));
  };
  const models = (text: string) => `${BASE}prices: { models: { ${text} } }\n`;

  test.each([
    [
      '"openai/gpt-6.1-sol": { input: 1, output: 1, asOf: 2026-09-29 }',
      '5:66 prices.models."openai/gpt-6.1-sol".asOf: is 61 days old: look the price up again, then give the new date',
    ],
    [
      '"eu/nobody-asks": { input: 1, output: 1, asOf: 2026-12-02 }',
      '5:62 prices.models.eu/nobody-asks.asOf: lies in the future: 2026-12-02',
    ],
    [
      '"openia/gpt-5": { input: 1, output: 1, asOf: 2026-11-01 }',
      '5:21 prices.models.openia/gpt-5: is of no target: "openia". Valid: own, eu, spare, ',
    ],
    [
      '"eu/gpt-6.1-sol": { input: 1, asOf: 2026-11-01 }',
      '5:21 prices.models."eu/gpt-6.1-sol": names no output price: replies of m cost nothing there',
    ],
  ])('%s', async (text, line) => {
    expect(await warningsOf(models(text))).toEqual([expect.stringContaining(line)]);
  });

  test('a GPU whose price is old, where a worker has it', async () => {
    const gpus =
      'prices: { gpus: { g: { usdPerHour: 1, asOf: 2026-01-01 }, unused: { usdPerHour: 1, asOf: 2026-01-01 } } }\n';
    const text = BASE.replace('"http://a" }', '"http://a", gpu: g }') + gpus;
    expect(await warningsOf(text)).toEqual([expect.stringContaining('prices.gpus.g.asOf: is 332 days old')]);
    const untold = await load(text);
    expect(untold.ok && untold.warnings).toEqual([]);
  });

  test.each([
    '"openai/gpt-6.1-sol": { input: 1, output: 1, asOf: 2026-09-30 }',
    '"eu/nobody-asks": { input: 1, output: 1, asOf: 2024-01-01 }',
    '"eu/gpt-6.1-sol": { input: 1, output: 1, asOf: 2026-11-30 }',
    '"eu/gpt-6.1-sol": { perCall: 1, asOf: 2026-11-29 }',
    '"eu/gpt-6.1-sol": { input: 0, output: 0, asOf: 2026-11-29 }',
  ])('and not of %s', async (text) => {
    expect(await warningsOf(models(text))).toEqual([]);
  });
});

test('covers and mayMeet agree with the names that fit, on any two patterns', () => {
  const seed = Date.now() & 0x7fffffff;
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*'), minLength: 1, maxLength: 5 });
  const name = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 7 });
  const fits = (text: string, glob: string) => fitsPattern(text, glob.split('*'));
  fc.assert(
    fc.property(pattern, pattern, name, (one, other, text) => {
      if (covers(one, other) && fits(text, other))
        expect(fits(text, one), `${one} covers ${other}: ${text}`).toBe(true);
      if (fits(text, one) && fits(text, other))
        expect(mayMeet(one, other), `${one} meets ${other} at ${text}`).toBe(true);
    }),
    { numRuns: 5000, seed, verbose: 1 },
  );
  expect([covers('gpt-*', 'gpt-5*'), covers('gpt-5*', 'gpt-*'), covers('*', 'x*y'), covers('gpt-5', 'gpt-5')]).toEqual([
    true,
    false,
    true,
    true,
  ]);
  expect([mayMeet('gpt-*', 'claude-*'), mayMeet('*-opus', 'claude-*'), mayMeet('a*', 'b')]).toEqual([
    false,
    true,
    false,
  ]);
});

test('the samples of the repository load beside any policy, and are told with their dates', async () => {
  const prices = await readFile(new URL('../../policies/prices.yaml', import.meta.url), 'utf8');
  const text = `${BASE}include: [prices.yaml]\n`.replace('"http://a" }', '"http://a", gpu: runpod-h100 }');
  const result = await load({ 'policies/x.yaml': text, 'policies/prices.yaml': prices }, undefined, TODAY);
  if (!result.ok) throw new Error(lines(result.problems).join('\n'));
  const { tokenPrice } = compilePolicy(result.policy);
  expect(tokenPrice({ kind: 'provider', name: 'eu' }, 'gpt-6.1-sol')).toMatchObject({
    uncached: 2000,
    cachedRead: 100,
    output: 10_000,
  });
  for (const { price } of result.policy.prices.models) expect(price.source).toBeTruthy();
  const report = checkReport(result);
  expect(report).toContain(
    'price openai/gpt-6.1-sol: $2 in, $0.1 cached, $10 out per million tokens, as of 2026-09-30\n',
  );
  expect(report).toContain('above 100000 tokens $0.5 in, $2.5 out');
  expect(report).toContain('price cohere/rerank-*: $0.002 a call, as of');
  expect(report).toContain('calls at http://a; $4.18 an hour, billed while up\n');
  const json = checkJson(result);
  expect(json.prices.models.find(({ model }) => model === 'gpt-6.1-sol')).toMatchObject({
    target: 'openai',
    input: 2,
    output: 10,
    cachedRead: 0.1,
    batch: 0.5,
    asOf: '2026-09-30',
  });
  expect(json.prices.gpus.find(({ name }) => name === 'modal-h100')).toMatchObject({
    usdPerGpuHour: 3.95,
    billed: 'while-up',
  });
  expect(json.pools[0]!.usdPerHour).toEqual([4.18]);
});
