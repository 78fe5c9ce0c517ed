// Shows that a dead target costs a handful of tries and then only probes, that no caller notices, and that callers who
// err or leave never make a target look dead.

import { afterEach, describe, expect, it, vi } from 'vitest';
import { chatReply } from '../fakes/chat-fixtures.ts';
import { json, pauseMs, startFaultUpstream } from '../fakes/fault-upstream.ts';
import { postBytes, RawConnection } from '../fakes/raw-client.ts';
import { DEATHS, openLoop, startBeside } from './open-loop.ts';
import { CHAT, chat, inParallel, startRouted, streamed } from './routed.ts';

vi.setConfig({ testTimeout: 60_000 });

const closes: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closes.splice(0).reverse()) await close();
});

describe('F081 a dead worker beside a healthy one', () => {
  it.concurrent.each(DEATHS)('F081 %s: no caller notices, tries fall to probes within two seconds', async (death) => {
    const perSecond = death === 'silence' ? 30 : 100;
    // A silent worker holds one call at a time: five of them, which open its breaker, must fit into the first window.
    const beside = await startBeside(death, 'workers');
    const windows = await openLoop({ port: beside.routed.port, perSecond, seconds: 6, windowSeconds: 2 });
    const extra = windows.map((window) => window.extra);
    process.stdout.write(`F081 ${death}: tries at the dead worker per 2 s: ${extra.join(', ')}\n`);
    expect(windows.flatMap(({ failures }) => failures)).toEqual([]);
    const calls = windows.reduce((sum, window) => sum + window.calls, 0);
    expect(calls).toBe(perSecond * 6);
    expect(extra.reduce((sum, n) => sum + n, 0) / calls).toBeLessThanOrEqual(0.2);
    // Five open its breaker; calls that are alike may also stay with the healthy one from the beginning.
    expect(extra[0]).toBeLessThanOrEqual(0.2 * perSecond * 2);
    // Probes after about 1, 2 and 4 seconds.
    expect(extra[1]! + extra[2]!).toBeLessThanOrEqual(4);
    const breakers = beside.routed.status().pools[0]!.workers.map(({ breaker }) => breaker);
    expect(breakers[1]).toBe('closed');
    const tries = extra.reduce((sum, n) => sum + n, 0);
    if (tries >= 5) expect(breakers[0]).toMatch(/open/);
    await beside.close();
  });

  it('F081 a line in front of the pool does not turn one probe into many', async () => {
    const healthy = await startFaultUpstream();
    const dead = await startFaultUpstream();
    closes.push(
      () => healthy.close(),
      () => dead.close(),
    );
    dead.behave(() => [json(500, {})]);
    healthy.behave(() => [pauseMs(20), json(200, chatReply())]);
    const routed = await startRouted([{ urls: [dead.url, healthy.url], slots: 8 }], { queue: { max: 1_000 } });
    closes.push(() => routed.closeClean(healthy, dead));
    const call = async () => {
      expect(await routed.ask(chat(), { deadlineMs: 15_000 })).toMatchObject({ status: 200 });
    };
    // Closed loop of 40 callers on 8 slots: there is a line all the time, for well over the first pauses.
    await inParallel([...Array(1_200).keys()], 40, call);
    process.stdout.write(
      `F081 with a line: ${dead.served} tries at the dead worker in ${routed.log.of('call').length} calls\n`,
    );
    // Up to 8 slots and 4 more before it opens; then one probe each time.
    expect(dead.served).toBeLessThanOrEqual(8 + 5 + 4);
  });
});

describe('F081 every target dead', () => {
  it('F081 many failing workers and callers that insist: at most 1.2 tries a call, each refusal with a time to come back', async () => {
    const dead = await startFaultUpstream();
    closes.push(() => dead.close());
    dead.behave(() => [json(500, {})]);
    const routed = await startRouted([{ urls: [dead.url], copies: 20 }]);
    closes.push(() => routed.closeClean(dead));
    const calls = 1_000;
    let untried = 0;
    await inParallel([...Array(calls).keys()], 16, async () => {
      const { status, headers } = await routed.ask(chat());
      expect([502, 503]).toContain(status);
      expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(1);
      if (status === 503) untried++;
    });
    process.stdout.write(`F081 all dead: ${dead.served} tries in ${calls} calls\n`);
    // Twenty breakers that each take five failures to open, and as many calls in flight meanwhile.
    expect(dead.served).toBeGreaterThanOrEqual(100);
    expect(dead.served / calls).toBeLessThanOrEqual(0.2);
    // Where the calls take longer than the first pauses some worker may be tried again when they end; meanwhile none was.
    expect(untried).toBeGreaterThanOrEqual(calls * 0.8);
  });

  it('F081 tries are bounded by the retry budget where no breaker helps', async () => {
    const dead = await startFaultUpstream();
    closes.push(() => dead.close());
    // Every other try fails: never five in a row at one of 200 workers, never twenty in its window.
    dead.behave((_, n) => (n % 2 === 0 ? [json(200, chatReply())] : [json(500, {})]));
    const routed = await startRouted([{ urls: [dead.url], copies: 200 }], { retries: 5 });
    closes.push(() => routed.closeClean(dead));
    const calls = 600;
    const startMs = performance.now();
    await inParallel([...Array(calls).keys()], 16, async () => {
      expect([200, 502]).toContain((await routed.ask(chat())).status);
    });
    const seconds = (performance.now() - startMs) / 1_000;
    // A fifth of the calls, ten saved up, three a second.
    expect(dead.served - calls).toBeLessThanOrEqual(calls * 0.2 + 10 + seconds * 3 + 1);
    expect(dead.served - calls).toBeGreaterThan(50);
  });
});

describe('F081 callers never move shared health', () => {
  it('F081 a thousand callers that give up after a millisecond leave the worker as good as new', async () => {
    const upstream = await startFaultUpstream();
    closes.push(() => upstream.close());
    upstream.behave(() => [pauseMs(20), json(200, chatReply())]);
    const routed = await startRouted([{ urls: [upstream.url] }]);
    closes.push(() => routed.closeClean(upstream));
    await inParallel([...Array(1_000).keys()], 32, async (n) => {
      const connection = await RawConnection.connect(routed.port);
      connection.write(postBytes(CHAT, n % 2 === 0 ? chat() : streamed()));
      await new Promise((resolve) => setTimeout(resolve, 1));
      connection.destroy();
    });
    await routed.nothingOpen(upstream);
    const [worker] = routed.status().pools[0]!.workers;
    expect(worker).toMatchObject({ breaker: 'closed', breakerRetryMs: 0, pausedFor: null, inFlight: 0 });
    expect(await routed.ask(chat())).toMatchObject({ status: 200 });
  });

  it('F081 bad requests, refused by router or target, leave the worker as good as new', async () => {
    const upstream = await startFaultUpstream();
    closes.push(() => upstream.close());
    const refusals = [400, 413, 422].map((status) =>
      json(status, { error: { message: 'no', type: 'invalid_request_error' } }),
    );
    upstream.behave((_, n) => [refusals[n % refusals.length]!]);
    const routed = await startRouted([{ urls: [upstream.url] }]);
    closes.push(() => routed.closeClean(upstream));
    await inParallel([...Array(200).keys()], 16, async (n) => {
      const { status } = await routed.ask(n % 4 === 0 ? { model: 'asked' } : chat());
      expect(status).toBe(400);
    });
    const [worker] = routed.status().pools[0]!.workers;
    expect(worker).toMatchObject({ breaker: 'closed', pausedFor: null, inFlight: 0 });
    expect(upstream.served).toBe(150);
  });
});
