// What a policy says of tenants, bands, classes, limits and profiles, and what the router is told of it. For policy.
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { checkReport } from '../../src/policy/check.ts';
import { compilePolicy } from '../../src/policy/compile.ts';
import { lines, load, policyOf, problemsOf } from './load-texts.ts';

const BASE = `version: 1
pools: { a: { workers: [ { url: "http://a" } ] } }
models: { m: { ladder: [ { pool: a } ] } }
`;

describe('what is accepted', () => {
  test('a policy that says nothing has limits that learn, sticky placement and shares for the lower bands', async () => {
    const policy = await policyOf(BASE);
    const [pool] = policy.pools;
    expect(pool!.concurrencyPerWorker.kind).toBe('gradient2');
    expect(pool!.profile).toMatchObject({ name: 'sticky', sticky: { holds: 0.8 } });
    expect(policy.reserved).toEqual({ critical: 0, interactive: 0.2, batch: 0.05, background: 0.02 });
    expect(compilePolicy(policy).tenant('anybody')).toMatchObject({ weight: 1, priority: 'interactive', zones: null });
    const { queue, share, slo, priority } = policy.classes.chat;
    expect({ queue, share, slo, priority }).toEqual({
      queue: { max: 256, waitMs: 10_000, maxBytes: 256 * 1024 ** 2 },
      share: 1,
      slo: { firstContentMs: null, totalMs: null, objective: 0.99 },
      priority: 'interactive',
    });
    expect(policy.classes.batch.priority).toBe('background');
  });

  test('every key of tenants, fairness, classes and scheduling reaches the router', async () => {
    const policy = await policyOf(`${BASE}
tenants: { acme: { weight: 4, priority: critical, zones: [eu] }, beta: { priority: batch } }
fairness: { reserved: { critical: 10%, interactive: 30%, batch: 12.5%, background: 0% } }
scheduling: { profiles: { mine: { filters: [zone], scorers: { first-content: 1, queue: 0.5 }, picker: p2c, sticky: { holds: 50%, breakAfter: 2s, rest: 3s } } } }
classes: { chat: { priority: batch, share: 3, queue: { maxBytes: 1MiB }, slo: { ttft: 2s, total: 1m, objective: 95% } } }
`);
    const catalog = compilePolicy(policy);
    expect(catalog.tenant('acme')).toMatchObject({ weight: 4, priority: 'critical', zones: new Set(['eu']) });
    expect(catalog.tenant('beta')).toMatchObject({ weight: 1, priority: 'batch', zones: null });
    expect(catalog.reserved).toEqual({ critical: 0.1, interactive: 0.3, batch: 0.125, background: 0 });
    expect(policy.classes.chat).toMatchObject({
      priority: 'batch',
      share: 3,
      queue: { maxBytes: 1024 ** 2 },
      slo: { firstContentMs: 2000, totalMs: 60_000, objective: 0.95 },
    });
  });

  test('a profile of the policy is what its pools choose by', async () => {
    const policy = await policyOf(`version: 1
pools: { a: { schedule: mine, workers: [ { url: "http://a" } ] } }
models: { m: { ladder: [ { pool: a } ] } }
scheduling: { profiles: { mine: { filters: [zone], scorers: { first-content: 1, queue: 0.5 }, picker: p2c } } }
`);
    const [{ profile }] = policy.pools as unknown as [
      { profile: { scorers: readonly { kind: string; weight: number }[] } },
    ];
    expect(profile).toMatchObject({ name: 'mine', picker: { kind: 'p2c' }, sticky: null });
    expect(profile.scorers.map(({ kind, weight }) => [kind, weight])).toEqual([
      ['first-content', 1],
      ['queue', 0.5],
    ]);
  });

  test.each([
    ['7', 'fixed', { limit: 7 }, '1 x 7 calls'],
    ['auto', 'gradient2', {}, '1 x auto calls'],
    ['{ kind: aimd, max: 64 }', 'aimd', { max: 64 }, '1 x aimd calls'],
  ])('a concurrency of %s is a limit of kind %s', async (written, kind, options, said) => {
    const text = BASE.replace('{ workers', `{ concurrencyPerWorker: ${written}, workers`);
    const result = await load(text);
    expect(result.ok).toBe(true);
    const policy = await policyOf(text);
    expect(policy.pools[0]!.concurrencyPerWorker).toMatchObject({ kind, options });
    expect(checkReport(result)).toContain(said);
  });

  test('one pool may serve several classes, each with its own line', async () => {
    const policy = await policyOf(
      `${BASE.replace('models: { m', 'models: { v: { class: rerank, ladder: [ { pool: a } ] }, m').replace('{ workers', '{ engine: vllm, workers')}`,
    );
    expect(compilePolicy(policy).models.map(({ rules }) => rules.class)).toEqual(['rerank', 'chat']);
  });
});

test('the example of tenants fits into any policy, and the check tells what each can never reach', async () => {
  const tenants = await readFile(new URL('../../policies/tenants.example.yaml', import.meta.url), 'utf8');
  const text = BASE.replace('version: 1', 'version: 1\ninclude: [tenants.example.yaml]').replace(
    '{ workers',
    '{ zone: us, workers',
  );
  const result = await load({ 'policies/x.yaml': text, 'policies/tenants.example.yaml': tenants });
  if (!result.ok) throw new Error('refused');
  expect(lines(result.warnings)).toEqual([
    expect.stringMatching(/tenants\.acme\.zones\[0\]: no target is in zone "eu"\. Valid: us\./),
  ]);
  const report = checkReport(result);
  expect(report).toContain(
    'tenant acme (plan standard, weight 4, up to interactive, zones eu, 600 requests a minute, 2000000 uncached tokens a minute, 32 in flight): can never reach rung 1 of m (zone us)\n',
  );
  expect(report).toContain('tenant reports (weight 0.5, up to batch, until 2027-12-31T00:00:00.000Z)\n');
});

describe('what is refused, with what would be right', () => {
  test.each([
    ['tenants: { acme: { weight: 0 } }', 'tenants.acme.weight: must be a number from 0.001 to 1000'],
    ['tenants: { acme: { priority: high } }', 'tenants.acme.priority: unknown value "high"'],
    ['fairness: { reserved: { batch: 0.1 } }', 'fairness.reserved.batch: must be a share such as 80%'],
    ['fairness: { reserved: { batch: 120% } }', 'fairness.reserved.batch: must be a share such as 80%'],
    ['fairness: { reserved: { batch: 50%, interactive: 60% } }', 'fairness.reserved: must be less than 100% in sum'],
    ['classes: { chat: { slo: { objective: 100% } } }', 'classes.chat.slo: objective must be below 100%'],
    ['classes: { chat: { queue: { maxBytes: 10 } } }', 'classes.chat.queue.maxBytes: must be a size with its unit'],
    ['scheduling: { profiles: { x: { picker: best } } }', 'scheduling.profiles.x.picker: unknown value "best"'],
    ['scheduling: { profiles: { x: { scorers: { speed: 1 } } } }', 'scheduling.profiles.x.scorers.speed: unknown key'],
  ])('%s', async (more, message) => {
    expect((await problemsOf(`${BASE}${more}\n`)).join('\n')).toContain(message);
  });

  test.each([
    ['concurrencyPerWorker: 0', 'pools.a.concurrencyPerWorker: must be a whole number of at least 1'],
    ['concurrencyPerWorker: many', 'must be auto, a whole number from 1 to 100000, or a mapping with a kind: '],
    [
      'concurrencyPerWorker: { kind: vegas }',
      'must be auto, a whole number from 1 to 100000, or a mapping with a kind: ',
    ],
    ['concurrencyPerWorker: { kind: aimd, most: 3 }', 'pools.a.concurrencyPerWorker.most: unknown key'],
    [
      'schedule: stick',
      'pools.a.schedule: unknown profile "stick". Valid: sticky, sticky-even, least-requests, round-robin, p2c. Did you mean sticky?',
    ],
  ])('a pool with %s', async (more, message) => {
    expect((await problemsOf(BASE.replace('{ workers', `{ ${more}, workers`))).join('\n')).toContain(message);
  });
});
