// Shows that a target which is full is left alone for as long as it asked (never longer than a minute), that this can be
// seen, and that being full is never taken for being broken.

import { afterEach, describe, expect, it } from 'vitest';
import { eventuallyHolds } from '../fakes/eventually.ts';
import * as faults from '../fakes/fault-replies.ts';
import { json } from '../fakes/fault-upstream.ts';
import { getBytes, rawRequest } from '../fakes/raw-client.ts';
import { always, isFromBelow, isRefusal, type Stage, startStage } from './faults.ts';
import { chat, inParallel, startRouted, streamed } from './routed.ts';

let stage: Stage;
afterEach(() => stage.close());

const worker = () => stage.routed.status().pools[0]!.workers[0]!;
const one = { shape: { copies: 1 } } as const;
/** Pauses in ms by hint: what the status may show right after the refusal, least and most. */
const pauses: Record<keyof ReturnType<typeof faults.retryHints>, [number, number]> = {
  none: [1, 250],
  seconds: [1_000, 2_000],
  'fraction of a second': [1, 400],
  // The date has whole seconds, and three of them were added.
  date: [500, 3_000],
  // What says "at once" names no time.
  'date in the past': [0, 250],
  absurd: [59_000, 60_000],
  negative: [1, 250],
  nonsense: [1, 250],
  milliseconds: [1, 300],
};

describe('F068 a target that is full', () => {
  for (const code of [429, 503, 529] as const) {
    it.each(Object.keys(pauses) as (keyof typeof pauses)[])(`F068 F071 ${code} with Retry-After: %s`, async (hint) => {
      stage = await startStage(one);
      always(stage.faulty, faults.busy(code, faults.retryHints(Date.now())[hint]));
      isFromBelow(await stage.routed.ask(chat()), 'saturated');
      const [least, most] = pauses[hint];
      const { pausedMs, pausedFor, breaker } = worker();
      expect(breaker).toBe('closed');
      // A slow machine may look late, so only the upper bound is exact for short pauses.
      expect(pausedMs).toBeLessThanOrEqual(most);
      if (most > 1_000) {
        expect(pausedMs).toBeGreaterThanOrEqual(least);
        expect(pausedFor).toBe('saturated');
        isFromBelow(await stage.routed.ask(streamed()), 'saturated', '1');
        expect(stage.faulty.served).toBe(1);
      }
    });
  }

  it('F068 the hint of a day freezes nothing for longer than a minute', async () => {
    stage = await startStage(one);
    always(stage.faulty, faults.busy(429, { 'retry-after': '86400' }));
    isFromBelow(await stage.routed.ask(chat()), 'saturated');
    expect(worker().pausedMs).toBeLessThanOrEqual(60_000);
  });

  it('F068 a pause that is over lets calls through again', async () => {
    stage = await startStage(one);
    stage.faulty.next(...faults.busy(429, { 'retry-after-ms': '150' }));
    isFromBelow(await stage.routed.ask(chat()), 'saturated');
    await eventuallyHolds(async () => {
      const { headers } = await stage.routed.ask(chat());
      expect(headers['x-spillway-rung']).toBe('1');
    });
    expect(worker().pausedFor).toBeNull();
  });

  it('F068 F069 only when all rungs are full the caller sees it: 429 with a time to come back from the soonest', async () => {
    stage = await startStage(one);
    always(stage.faulty, faults.busy(429, { 'retry-after': '40' }));
    always(stage.healthy, faults.busy(503, { 'retry-after': '20' }));
    for (let n = 0; n < 3; n++) {
      const response = isRefusal(await stage.routed.ask(chat()), 429, 'capacity_contended');
      const seconds = Number(response.headers['retry-after']);
      // The sooner of the two hints, 20 s, give or take a fifth.
      expect(seconds).toBeGreaterThanOrEqual(15);
      expect(seconds).toBeLessThanOrEqual(24);
    }
    expect([stage.faulty.served, stage.healthy.served]).toEqual([1, 1]);
  });

  it('F068 another worker of the pool answers before the next rung does', async () => {
    stage = await startStage({ shape: { copies: 2 }, rules: { retries: 1 } });
    stage.faulty.next(...faults.busy(429, { 'retry-after': '30' }));
    const { headers } = await stage.routed.ask(chat());
    expect(headers).toMatchObject({ 'x-spillway-rung': '1', 'x-spillway-attempts': '2' });
  });

  it('F068 a full worker is not asked again at once, whatever it says and whatever the retries', async () => {
    stage = await startStage({ ...one, below: 'none', rules: { retries: 5, queue: { wait: '200ms' } } });
    always(stage.faulty, faults.busy(429, { 'retry-after-ms': '0' }));
    isRefusal(await stage.routed.ask(chat()), 429, 'capacity_contended');
    expect(stage.faulty.served).toBe(1);
  });

  it('F068 F072 a call that met it waits in line for the pause that it named, and is answered', async () => {
    stage = await startStage({ ...one, below: 'none', rules: { retries: 0 } });
    stage.faulty.next(...faults.busy(429, { 'retry-after-ms': '150' }));
    const { status, headers } = await stage.routed.ask(chat());
    expect([status, headers['x-spillway-attempts']]).toEqual([200, '2']);
    expect(Number(headers['x-spillway-queue-ms'])).toBeGreaterThanOrEqual(100);
  });
});

describe('F068 a key without money', () => {
  const empty = {
    '429': faults.outOfQuota(),
    '402': [json(402, { error: faults.quotaError })],
    '401': [json(401, { error: { message: 'Incorrect API key provided: sk-secret', type: 'invalid_request_error' } })],
  };
  it.each(Object.entries(empty))(
    'F068 %s: not retried at any worker, the next rung answers, the pause shows why',
    async (_, script) => {
      stage = await startStage({ shape: { copies: 3 }, rules: { retries: 5 } });
      always(stage.faulty, script);
      const response = await stage.routed.ask(chat());
      isFromBelow(response, 'failing');
      expect(stage.faulty.served).toBe(1);
      const paused = stage.routed.status().pools[0]!.workers.filter(({ pausedFor }) => pausedFor !== null);
      expect(paused).toMatchObject([{ pausedFor: 'failing', breaker: 'closed' }]);
      expect(paused[0]!.pausedMs).toBeGreaterThan(50_000);
    },
  );

  it('F068 without another rung: 502 that holds nothing of the target or its key', async () => {
    stage = await startStage({ ...one, below: 'none' });
    always(stage.faulty, empty['401']);
    const { body } = isRefusal(await stage.routed.ask(chat()), 502, 'upstream_refused_key');
    expect(body.toString()).not.toContain('sk-secret');
    expect(stage.routed.log.text()).not.toContain('sk-secret');
  });
});

describe('F070 F071 failover without any configuration', () => {
  it('F070 a bare 429 on the very first call moves on, with a policy that sets nothing', async () => {
    stage = await startStage(one);
    const routed = await startRouted([{ urls: [stage.faulty.url] }, { urls: [stage.healthy.url] }]);
    stage.faulty.next((x) => x.head(429, { 'content-length': '0' }));
    isFromBelow(await routed.ask(chat()), 'saturated');
    await routed.closeClean(stage.faulty, stage.healthy);
  });

  it('F071 the admin listener shows who is left alone, why, and for how long', async () => {
    stage = await startStage(one);
    always(stage.faulty, faults.busy(503, { 'retry-after': '30' }));
    isFromBelow(await stage.routed.ask(chat()), 'saturated');
    const { body } = await rawRequest(stage.routed.adminPort, getBytes('/status', { host: '127.0.0.1' }));
    const [pool] = JSON.parse(body.toString()).pools;
    expect(pool).toMatchObject({ name: 'rung-1', condition: 'saturated', workers: [{ pausedFor: 'saturated' }] });
    expect(pool.workers[0].pausedMs).toBeGreaterThan(25_000);
    expect(pool.workers[0].pausedMs).toBeLessThanOrEqual(30_000);
  });
});

describe('F072 full is not broken', () => {
  it.each([429, 503] as const)('F072 %i again and again never opens the breaker', async (code) => {
    stage = await startStage(one);
    always(stage.faulty, faults.busy(code, { 'retry-after-ms': '1' }));
    for (let n = 0; n < 40; n++) isFromBelow(await stage.routed.ask(chat()), 'saturated', expect.any(String));
    expect(stage.faulty.served).toBeGreaterThan(10);
    expect(worker()).toMatchObject({ breaker: 'closed', breakerRetryMs: 0 });
  });

  it('F072 a target never has more calls than its slots: the rest waits in line and is served', async () => {
    stage = await startStage({ below: 'none', shape: { copies: 1, slots: 2 } });
    let most = 0;
    let running = 0;
    const both = Promise.withResolvers<void>();
    stage.faulty.behave(() => [
      async (x) => {
        most = Math.max(most, ++running);
        // The first call's slot is not all there is: a second comes beside it.
        if (running === 2) both.resolve();
        await x.orGone(both.promise);
        await x.orGone(new Promise((resolve) => setImmediate(resolve)));
        running--;
      },
      json(200, { id: 'x', choices: [] }),
    ]);
    await inParallel([...Array(60).keys()], 60, async () => {
      expect(await stage.routed.ask(chat())).toMatchObject({ status: 200 });
    });
    expect(most).toBe(2);
    expect(running).toBe(0);
  });
});
