// A router over its life: reload, drain, interrupt, close; what it says of itself and what it writes down. For src/router.
import { describe, expect, it } from 'vitest';
import { CallSignal } from '../../src/core/signal.ts';
import { compiled, ladder, scriptedRouter } from './scripted-router.ts';
import { plays } from './scripted-transport.ts';

const A = 'http://a1';
const one = (options = {}) => ladder({ a: ['a1'] }, undefined, options);

describe('a reload', () => {
  it('keeps workers and calls in flight, and holds for the next call', async () => {
    const r = await scriptedRouter(one());
    r.transport.play(A, (n) => (n === 0 ? plays.stream(0, 100) : plays.reply()));
    const running = r.ask({ stream: true });
    await r.clock.advanceSettling(250);
    r.router.reload(await compiled(ladder({ a: ['a1'], b: ['b1'] }, ['b', 'a'])));
    expect(r.router.status().pools.map(({ name, inFlight }) => [name, inFlight])).toEqual([
      ['a', 1],
      ['b', 0],
    ]);
    r.transport.play('http://b1', plays.reply());
    expect((await r.get()).disclosure).toMatchObject({ served: 'b/b', rung: 1 });
    expect((await r.settle(running)).end).toMatchObject({ how: 'complete' });
    expect(r.worker('a/1').state).toBe('unknown');
    await r.atRest();
  });

  it('a call in flight ends well on a pool that is gone; a waiting one is refused', async () => {
    const r = await scriptedRouter(one({ perWorker: 1 }));
    r.transport.play(A, plays.stream(0, 100));
    const running = r.ask({ stream: true });
    await r.clock.advanceSettling(50);
    const waiting = r.ask();
    await r.clock.advanceSettling(50);
    r.router.reload(await compiled(ladder({ z: ['z1'] })));
    expect((await r.settle(waiting)).error).toMatchObject({ status: 503 });
    expect((await r.settle(running)).end).toMatchObject({ how: 'complete' });
    expect(r.router.status().pools.map(({ name }) => name)).toEqual(['z']);
    await r.atRest();
  });

  it('models come and go', async () => {
    const r = await scriptedRouter(one());
    expect(r.router.models(null)).toEqual([{ id: 'm', class: 'chat' }]);
    r.router.reload(
      await compiled(
        one().replace('models: { m:', 'models: { "gpt-*": { aliases: [four], ladder: [ { pool: a } ] }, n:'),
      ),
    );
    expect(r.router.models(null).map(({ id }) => id)).toEqual(['four', 'n']);
    expect(r.router.model('gpt-9', null)).toEqual({ id: 'gpt-9', class: 'chat' });
    expect(r.router.model('m', null)).toBe(null);
    await r.atRest();
  });

  it('a pool that changes its engine is asked that engine’s health question', async () => {
    const r = await scriptedRouter(one());
    await r.clock.advanceSettling(10_000);
    expect(r.transport.sent).toEqual([]);
    r.router.reload(await compiled(one().replace('a: {', 'a: { engine: vllm,')));
    await r.clock.advanceSettling(0);
    expect(r.transport.sent[0]!.request).toMatchObject({ method: 'GET', path: '/health' });
    await r.router.close();
    expect(r.clock.pending).toBe(0);
  });
});

describe('the end', () => {
  it('F099 drain refuses new calls and lets those in flight finish', async () => {
    const r = await scriptedRouter(one());
    r.transport.play(A, plays.stream(0, 100));
    const running = r.ask({ stream: true });
    await r.clock.advanceSettling(250);
    r.router.drain();
    expect(r.router.status().draining).toBe(true);
    expect((await r.get()).error).toMatchObject({ status: 503, code: 'draining', detail: { retryAfterSeconds: 1 } });
    expect((await r.settle(running)).end).toMatchObject({ how: 'complete' });
    await r.atRest();
  });

  it('F099 interrupt ends what is open in each phase: in line, before content, in the middle of a stream', async () => {
    const r = await scriptedRouter(ladder({ a: ['a1', 'a2'] }, undefined, { perWorker: 1 }));
    r.transport.play(A, plays.stream(0, 100));
    r.transport.play('http://a2', plays.silent());
    const begun = r.ask({ stream: true });
    const silent = r.ask({ stream: true });
    const waiting = r.ask();
    await r.clock.advanceSettling(250);
    r.router.interrupt();
    const { end, calls } = await r.settle(begun);
    expect(end).toMatchObject({ how: 'failed', error: { code: 'draining' } });
    expect(calls).toEqual(['head', 'write', 'fail draining']);
    expect((await r.settle(silent)).error).toMatchObject({ status: 503, code: 'draining' });
    expect((await r.settle(waiting)).error).toMatchObject({ status: 503 });
    expect(r.transport.sent.every(({ aborted }) => aborted)).toBe(true);
    expect(r.worker('a/1').breaker).toBe('closed');
    await r.atRest();
  });
});

describe('what the router says of itself', () => {
  it('F071 why a worker is left alone, and for how long yet', async () => {
    const r = await scriptedRouter(ladder({ a: ['a1'] }, undefined, { chat: '{ retries: 0 }' }));
    r.transport.play(A, plays.status(429, { 'retry-after': '20' }));
    await r.get();
    r.clock.advance(5_000);
    expect(r.worker('a/1')).toMatchObject({ pausedFor: 'saturated', pausedMs: 15_000, breaker: 'closed', inFlight: 0 });
    expect(r.router.status().pools[0]!.condition).toBe('saturated');
    r.clock.advance(15_000);
    expect(r.router.status().pools[0]!.condition).toBe('ready');
    r.transport.play(A, plays.status(500));
    for (let i = 0; i < 5; i++) await r.get();
    expect(r.worker('a/1')).toMatchObject({ breaker: 'open', breakerRetryMs: 1_000 });
    expect(r.router.status().pools[0]!.condition).toBe('failing');
    await r.atRest();
  });

  it('F071 one line a call: what was asked, served and used, and never a word of it', async () => {
    const canary = 'canary-7f3a';
    const r = await scriptedRouter(one());
    r.transport.play(A, (n) => {
      if (n === 0) return plays.stream();
      return plays.status(n === 1 ? 400 : 500, {}, `{"error":{"message":"${canary}","param":"x"}}`);
    });
    const body = { messages: [{ role: 'user', content: canary }], user: canary };
    await r.get({ stream: true, body });
    await r.get({ body });
    await r.get({ body });
    const gone = new CallSignal();
    gone.abort();
    await r.get({ signal: gone, body });
    const lines = r.log.of('call').map(({ fields }) => fields);
    expect(lines.map(({ how, code }) => [how, code])).toEqual([
      ['complete', undefined],
      ['failed', 'refused_by_target'],
      ['failed', 'upstream_error'],
      ['client_gone', 'client_gone'],
    ]);
    expect(lines[0]).toMatchObject({
      id: 'req_1',
      tenant: 'development',
      dialect: 'openai-chat',
      stream: true,
      asked: 'm',
      served: 'a/a',
      rung: 1,
      degraded: null,
      attempts: 1,
      uncachedTokens: 12,
      cachedTokens: 0,
    });
    expect(lines[0]!['bytes']).toBeGreaterThan(100);
    expect(lines[2]!['attempts']).toBe(2);
    expect(r.log.text()).not.toContain(canary);
    expect(JSON.stringify(r.router.status())).not.toContain(canary);
    await r.atRest();
  });
});

describe('cold workers', () => {
  const cold = (chat = '{}') =>
    ladder({ a: ['a1'], b: ['b1'] }, undefined, { chat }).replace('a: {', 'a: { engine: vllm,');

  it('F082 a call diverts from a cold pool to a rung that is warm, and says so', async () => {
    const r = await scriptedRouter(cold());
    r.transport.play('http://b1', plays.reply());
    await r.clock.advanceSettling(0);
    expect(r.worker('a/1').state).toBe('starting');
    expect((await r.get()).disclosure).toMatchObject({ rung: 2, degraded: 'cold', queueMs: 0, attempts: 1 });
    await r.atRest();
  });

  it('F082 with nowhere to divert to it waits for the start, and is told how long that took', async () => {
    const r = await scriptedRouter(cold());
    await r.clock.advanceSettling(0);
    const waiting = r.ask({ wants: { degrade: 'never' } });
    await r.clock.advanceSettling(3_000);
    expect(r.router.status().pools[0]!.waiting).toBe(1);
    r.transport.play(A, plays.reply());
    const { disclosure, error } = await r.settle(waiting);
    expect(error).toBe(null);
    expect(disclosure!.coldMs).toBeGreaterThanOrEqual(3_000);
    expect(disclosure!.coldMs).toBeLessThanOrEqual(3_400);
    expect(disclosure).toMatchObject({ rung: 1, degraded: null });
    await r.atRest();
  });

  it('F082 a start that takes longer than the class waits is a 503 with the time to ready', async () => {
    const r = await scriptedRouter(cold('{ queue: { wait: 2s } }'));
    await r.clock.advanceSettling(0);
    const got = await r.get({ wants: { degrade: 'never' } });
    expect(got.error).toMatchObject({ status: 503, code: 'model_warming' });
    expect(got.error!.detail.readyInSeconds).toBeGreaterThanOrEqual(1);
    // It says so as soon as the rest of the wait is shorter than the start may yet take.
    expect(r.clock.nowMs()).toBeLessThanOrEqual(2_000);
    await r.atRest();
  });
});
