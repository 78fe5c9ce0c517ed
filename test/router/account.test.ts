// Limits, money and records over a call's whole way: what is held, given back, charged and written. For src/router/account.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CallSignal } from '../../src/core/signal.ts';
import { CALLER } from '../fakes/call-parts.ts';
import { A, B, PRICE_A, PRICE_B, PRICES, staged, yaml } from './account-stage.ts';
import { ladder } from './scripted-router.ts';
import { plays, type Script } from './scripted-transport.ts';

describe('the record of a call', () => {
  it('says who asked, what answered, what was used, and what it cost', async () => {
    const r = await staged(yaml('weight: 2'));
    r.transport.play(A, plays.reply(40));
    const got = await r.get({ run: { run: 'r1', agent: 'a1', parent: null, source: 'declared' }, step: 'background' });
    expect(got.disclosure).toMatchObject({ charge: PRICE_A, quota: null });
    expect(r.records).toHaveLength(1);
    expect(r.records[0]).toMatchObject({
      id: 'req_1',
      tenant: CALLER.tenant,
      class: 'chat',
      dialect: 'openai-chat',
      stream: false,
      priority: 'background',
      step: 'background',
      run: 'r1',
      agent: 'a1',
      runSource: 'declared',
      asked: 'm',
      served: 'a/a',
      rung: 1,
      degraded: null,
      how: 'complete',
      code: null,
      firstContentMs: 40,
      totalMs: 40,
      usage: { uncachedTokens: 12, cachedTokens: 0, outputTokens: 2, reasoningTokens: 0 },
      estimated: false,
      cost: PRICE_A,
      charge: PRICE_A,
      attempts: [
        {
          target: 'a',
          worker: 'a/1',
          model: 'a',
          outcome: 'won',
          code: null,
          beganMs: 0,
          durationMs: 40,
          cost: PRICE_A,
        },
      ],
    });
    expect(JSON.stringify(r.records)).not.toContain('Hello');
    await r.closed();
  });

  it('holds every attempt, and charges the one that answered', async () => {
    const r = await staged(yaml('weight: 1'));
    r.transport.play(A, plays.status(500));
    r.transport.play(B, plays.stream(5));
    const got = await r.get({ stream: true });
    expect(got.disclosure).toMatchObject({ degraded: 'failing', charge: null });
    const [record] = r.records;
    expect(record!.attempts.map(({ target, outcome }) => [target, outcome])).toEqual([
      ['a', 'failed'],
      ['a', 'failed'],
      ['b', 'won'],
    ]);
    expect(record).toMatchObject({ charge: PRICE_B, cost: PRICE_B, how: 'complete', served: 'b/b' });
    await r.closed();
  });

  it('F105 a stream that its target cuts costs its caller nothing', async () => {
    const r = await staged(yaml('usd: { perDay: 1 }, uncachedTokensPerMinute: 1M'));
    r.transport.play(A, plays.cut(3, 5));
    const got = await r.get({ stream: true });
    expect(got.end).toMatchObject({ how: 'failed' });
    expect(r.records[0]).toMatchObject({ how: 'failed', charge: 0, usage: null, attempts: [{ outcome: 'failed' }] });
    expect(r.spent(1)).toBe(0);
    await r.closed();
  });

  it('a caller who leaves pays for what it had, which is said to be an estimate', async () => {
    const r = await staged(yaml('usd: { perDay: 1 }, uncachedTokensPerMinute: 1M, inFlight: 1'));
    r.transport.play(A, plays.stream(5, 1_000));
    const signal = new CallSignal();
    const asking = r.ask({ stream: true, signal, body: { messages: [{ role: 'user', content: 'x'.repeat(4_000) }] } });
    await r.clock.advanceSettling(2_500);
    signal.abort();
    const got = await r.settle(asking);
    expect(got.end).toMatchObject({ how: 'client_gone' });
    const [record] = r.records;
    expect(record).toMatchObject({
      how: 'client_gone',
      estimated: true,
      attempts: [{ outcome: 'ignored', estimated: true }],
    });
    const { uncachedTokens, outputTokens } = record!.usage!;
    expect(uncachedTokens).toBeGreaterThan(500);
    expect(outputTokens).toBeGreaterThan(0);
    expect(record!.charge).toBe(uncachedTokens * 2_000 + outputTokens * 10_000);
    expect(r.spent(1)).toBe(record!.charge);
    await r.closed();
  });

  it('a call that nobody served has no attempts and no charge', async () => {
    const r = await staged(yaml('weight: 1', ['a']));
    r.transport.play(A, plays.fault('refused'));
    await r.get();
    expect(r.records[0]).toMatchObject({ how: 'failed', code: 'upstream_error', served: null, charge: 0, cost: 0 });
    await r.closed();
  });

  it('a list that goes in parts is one record and one charge', async () => {
    const r = await staged(
      [
        'version: 1',
        'pools: { e: { maxItems: 2, workers: [ { url: "http://e1" } ] } }',
        'models: { m: { class: embed, ladder: [ { pool: e } ] } }',
        'prices: { models: { e/e: { input: 2, output: 0, asOf: 2026-01-01 } } }',
      ].join('\n'),
    );
    const { dialects } = await import('../../src/dialects/index.ts');
    const vectors = {
      object: 'list',
      model: 'e',
      data: [0, 1].map((index) => ({ object: 'embedding', index, embedding: [0.5] })),
      usage: { prompt_tokens: 6, total_tokens: 6 },
    };
    r.transport.play('http://e1', [
      { afterMs: 0, is: 'sent' },
      { afterMs: 0, is: 'head', status: 200, headers: { 'content-type': 'application/json' } },
      { afterMs: 0, is: 'data', bytes: new TextEncoder().encode(JSON.stringify(vectors)) },
      { afterMs: 0, is: 'end' },
    ]);
    const got = await r.get({ dialect: dialects['openai-embeddings'], body: { input: ['a', 'b', 'c', 'd'] } });
    expect(got.disclosure).toMatchObject({ attempts: 2, charge: 2 * 6 * 2_000 });
    expect(r.records).toHaveLength(1);
    expect(r.records[0]).toMatchObject({ usage: { uncachedTokens: 12 }, charge: 24_000, how: 'complete' });
    expect(r.records[0]!.attempts).toHaveLength(2);
    await r.closed();
  });
});

describe('limits of a tenant', () => {
  it('are told on replies, and refuse with the time to come back', async () => {
    const r = await staged(yaml('requestsPerMinute: { limit: 60, burst: 2 }'));
    r.transport.play(A, plays.reply());
    expect((await r.get()).disclosure?.quota?.requests).toMatchObject({ limit: 60, remaining: 1 });
    await r.get();
    const refused = (await r.get()).error!;
    expect(refused).toMatchObject({ status: 429, code: 'rate_limit_exceeded', detail: { retryAfterSeconds: 2 } });
    expect(refused.message).toContain('60 requests per minute');
    await r.clock.advanceSettling(1_000);
    expect((await r.get()).error).toBe(null);
    // A flood of refusals is no flood of records.
    expect(r.records.map(({ code }) => code)).toEqual([null, null, null]);
    expect(r.denied).toEqual(['requests']);
    await r.closed();
  });

  it('in dry run they only count', async () => {
    const r = await staged(
      yaml('requestsPerMinute: { limit: 60, burst: 1, dryRun: true }, usd: { perDay: 0.000000001, dryRun: true }'),
    );
    r.transport.play(A, plays.reply());
    for (let calls = 0; calls < 3; calls++) expect((await r.get()).error).toBe(null);
    expect(r.denied.filter((kind) => kind === 'dry requests')).toHaveLength(2);
    expect(r.denied.filter((kind) => kind === 'dry spend').length).toBeGreaterThan(0);
    await r.closed();
  });

  it('a call beyond those in flight waits for one of them, and no longer than it may', async () => {
    const r = await staged(yaml('inFlight: 1'));
    r.transport.play(A, plays.reply(1_000));
    const first = r.ask();
    await r.clock.advanceSettling(400);
    const second = r.ask();
    const third = r.ask({ wants: { maxWaitMs: 300 } });
    expect((await r.settle(third)).error).toMatchObject({ code: 'rate_limit_exceeded' });
    expect((await r.settle(second)).disclosure).toMatchObject({ queueMs: 600 });
    expect((await r.settle(first)).error).toBe(null);
    await r.closed();
  });

  it('who leaves that line is charged nothing and holds nothing', async () => {
    const r = await staged(yaml('inFlight: 1, usd: { perDay: 1 }'));
    r.transport.play(A, plays.reply(1_000));
    const first = r.ask();
    await r.clock.advanceSettling(100);
    const signal = new CallSignal();
    const second = r.ask({ signal });
    await r.clock.advanceSettling(100);
    signal.abort();
    expect((await r.settle(second)).error).toMatchObject({ code: 'client_gone' });
    await r.settle(first);
    expect(r.records.map(({ how, charge }) => [how, charge])).toEqual([['complete', PRICE_A]]);
    await r.closed();
  });

  it('F105 a spent budget goes down to the rung that takes such calls, else it is said so with no hope', async () => {
    const budget = 'usd: { perDay: 0.0002 }';
    const ask = { body: { max_tokens: 10 } };
    const down = await staged(yaml(budget, ['{ pool: a }', '{ pool: b, when: [budget] }']));
    const dead = await staged(yaml(budget, ['a', 'b']));
    for (const r of [down, dead]) {
      r.transport.play(A, plays.reply());
      r.transport.play(B, plays.reply());
    }
    const served: (string | undefined)[] = [];
    for (let calls = 0; calls < 6; calls++) served.push((await down.get(ask)).disclosure?.served);
    expect(new Set(served)).toEqual(new Set(['a/a', 'b/b']));
    expect(served.lastIndexOf('a/a')).toBeLessThan(served.indexOf('b/b'));
    expect(down.records.at(-1)).toMatchObject({ degraded: 'budget', charge: PRICE_B });
    await down.closed();

    let refused = null;
    for (let calls = 0; calls < 6 && refused === null; calls++) refused = (await dead.get(ask)).error;
    expect(refused).toMatchObject({ status: 429, code: 'project_spend_limit_exceeded', waits: false });
    expect(refused!.message).toMatch(/\$0\.000\d+ .*\(UTC\)/);
    expect(dead.records.every(({ charge }) => charge === PRICE_A)).toBe(true);
    await dead.closed();
  });

  it('F105 a call for many choices is held for all of them', async () => {
    const r = await staged(yaml('usd: { perDay: 1 }', ['a']));
    r.transport.play(A, plays.reply(100));
    const held: number[] = [];
    for (const n of [1, 50]) {
      const asking = r.ask({ body: { n, max_tokens: 100 } });
      await r.clock.advanceSettling(50);
      held.push(r.router.status().money!.reservedUsd);
      await r.settle(asking);
    }
    expect(held[1]! / held[0]!).toBeGreaterThan(40);
    await r.closed();
  });

  it('what parts of a list cost at a rung that failed is not charged', async () => {
    const r = await staged(
      [
        'version: 1',
        'pools: { e: { maxItems: 1, workers: [ { url: "http://e1" } ] }, f: { maxItems: 1, workers: [ { url: "http://f1" } ] } }',
        'models: { m: { class: embed, ladder: [ { pool: e }, { pool: f, same: true } ] } }',
        'prices: { models: { "e/*": { input: 2, output: 0, asOf: 2026-01-01 }, "f/*": { input: 4, output: 0, asOf: 2026-01-01 } } }',
        'classes: { embed: { retries: 0 } }',
      ].join('\n'),
    );
    const { dialects } = await import('../../src/dialects/index.ts');
    const vector = (model: string): Script => [
      { afterMs: 1, is: 'sent' },
      { afterMs: 0, is: 'head', status: 200, headers: { 'content-type': 'application/json' } },
      {
        afterMs: 0,
        is: 'data',
        bytes: new TextEncoder().encode(
          JSON.stringify({
            object: 'list',
            model,
            data: [{ object: 'embedding', index: 0, embedding: [0.5] }],
            usage: { prompt_tokens: 6, total_tokens: 6 },
          }),
        ),
      },
      { afterMs: 0, is: 'end' },
    ];
    r.transport.play('http://e1', (n) => (n === 1 ? plays.fault('reset', 20) : vector('e')));
    r.transport.play('http://f1', vector('f'));
    const got = await r.get({ dialect: dialects['openai-embeddings'], body: { input: ['a', 'b'] } });
    expect(got.disclosure).toMatchObject({ served: 'f/f' });
    expect(r.records[0]).toMatchObject({ charge: 2 * 6 * 4_000, cost: 2 * 6 * 4_000 + 6 * 2_000 });
    await r.closed();
  });

  it('models that are not a tenant’s are not there for it, and a tenant whose time is over may ask nothing', async () => {
    const none = await staged(
      yaml('models: [other, "x*"]').replace('models: { m:', 'models: { other: { ladder: [ { pool: b } ] }, m:'),
    );
    expect((await none.get()).error).toMatchObject({ status: 404, code: 'model_not_found' });
    expect(none.router.models(CALLER).map(({ id }) => id)).toEqual(['other']);
    await none.closed();
    const over = await staged(yaml('expires: 2020-01-01'));
    expect((await over.get()).error).toMatchObject({ status: 403, code: 'not_allowed' });
    await over.closed();
  });
});

describe('the books', () => {
  /** What a worker may do to a call. */
  const SCRIPTS: readonly (() => Script)[] = [
    () => plays.reply(20),
    () => plays.stream(20, 30),
    () => plays.cut(2, 10),
    () => plays.stall(3),
    () => plays.status(500),
    () => plays.status(429, { 'retry-after': '1' }),
    () => plays.status(400, {}, '{"error":{"message":"no"}}'),
    () => plays.fault('refused'),
    () => plays.fault('reset', 30),
    () => plays.inBand({ code: 'server_error' }),
  ];
  const call = fc.record({
    stream: fc.boolean(),
    atMs: fc.nat(400),
    leavesMs: fc.option(fc.nat(300), { nil: null }),
    discard: fc.boolean(),
    a: fc.nat(SCRIPTS.length - 1),
    b: fc.nat(SCRIPTS.length - 1),
  });

  it('F108 F109 add up after cuts, cancels, retries and failovers, and nothing stays held', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 24 }), async (calls) => {
        const limits = 'usd: { perDay: 1 }, inFlight: 3, requestsPerMinute: 10k, uncachedTokensPerMinute: 10M';
        const r = await staged(
          ladder({ a: ['a1'], b: ['b1'] }, undefined, {
            chat: '{ timeouts: { firstContent: 1s, idle: 1s, total: 5s } }',
            more: `${PRICES}\ntenants: { "*": { ${limits} } }`,
          }),
        );
        r.transport.play(A, (n) => SCRIPTS[calls[n % calls.length]!.a]!());
        r.transport.play(B, (n) => SCRIPTS[calls[n % calls.length]!.b]!());
        const asking = [...calls]
          .sort((one, other) => one.atMs - other.atMs)
          .map(async ({ stream, atMs, leavesMs, discard }) => {
            const signal = new CallSignal();
            await new Promise<void>((resolve) => r.clock.after(atMs, resolve));
            if (leavesMs !== null) r.clock.after(leavesMs, () => signal.abort());
            return r.ask({ stream, signal, discard });
          });
        await r.settle(Promise.all(asking));
        expect(r.records.every(({ attempts }) => attempts.length > 0)).toBe(true);
        const charges = r.records.reduce((sum, { charge }) => sum + charge, 0);
        expect(r.spent(1)).toBe(charges);
        for (const { how, usage, charge, cost, attempts } of r.records) {
          const [inputRate, outputRate] = attempts.at(-1)?.target === 'b' ? [100, 500] : [2_000, 10_000];
          const owed = usage === null ? 0 : usage.uncachedTokens * inputRate + usage.outputTokens * outputRate;
          expect(charge).toBe(how === 'failed' ? 0 : owed);
          expect(cost).toBeGreaterThanOrEqual(charge);
          if (how === 'complete') expect(charge).toBeGreaterThan(0);
        }
        await r.clock.advanceSettling(15_000);
        await r.closed();
      }),
      { numRuns: 60 },
    );
  });
});
