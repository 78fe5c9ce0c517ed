// Decides what a test of upstream faults stands on: a ladder of pools, the production entry, a clock that counts its timers,
// and the proof that nothing is left behind. For all suites over sockets in this folder.
import { expect } from 'vitest';
import type { Clock } from '../../src/core/runtime.ts';
import type { NodeOptions } from '../../src/entry/node.ts';
import type { RouterStatus } from '../../src/router/status.ts';
import { nodeClock } from '../../src/runtime/node/machine.ts';
import { eventuallyHolds } from '../fakes/eventually.ts';
import type { FaultUpstream } from '../fakes/fault-upstream.ts';
import { postBytes, RawConnection, type RawResponse, rawRequest } from '../fakes/raw-client.ts';
import { startTestRouter, type TestRouter } from '../fakes/running-router.ts';

export interface PoolShape {
  /** One worker each. */
  readonly urls: readonly string[];
  /** Every worker so many times, so that no breaker hides a later fault. */
  readonly copies?: number;
  readonly slots?: number;
  readonly same?: boolean;
}

/** For tests that wait for a timer; long enough for a healthy rung on a busy machine. */
export const SHORT = { connect: '500ms', headers: '500ms', firstContent: '500ms', idle: '500ms', total: '10s' };
/** For all others: no timer shall fire. */
export const CALM = { connect: '5s', headers: '15s', firstContent: '15s', idle: '15s', total: '18s' };

/** A policy as JSON, which is YAML: pools `rung-1`, `rung-2`, … in one ladder, asked for as `asked`; as `vectors` too. */
export function ladderOf(pools: readonly PoolShape[], chat: object = {}): string {
  const named = pools.map(({ urls, copies = 1, slots }, at) => {
    const workers = Array.from({ length: copies }, () => urls.map((url) => ({ url }))).flat();
    const limit = slots === undefined ? {} : { concurrencyPerWorker: slots };
    return [`rung-${at + 1}`, { serves: `served-${at + 1}`, workers, ...limit }];
  });
  // A pool has one class, so embeddings have pools of their own at the same addresses.
  const vectors = pools.map(({ urls }, at) => [`vectors-${at + 1}`, { workers: urls.map((url) => ({ url })) }]);
  const models = {
    asked: {
      class: 'chat',
      ladder: pools.map(({ same }, at) => ({ pool: `rung-${at + 1}`, ...(same === undefined ? {} : { same }) })),
    },
    vectors: { class: 'embed', ladder: vectors.map(([pool]) => ({ pool, same: true })) },
  };
  return JSON.stringify({ version: 1, pools: Object.fromEntries([...named, ...vectors]), models, classes: { chat } });
}

/** Until it closes a router looks for new keys and tenants, meters workers by the minute, and drops old records by the hour. */
const STANDING_TIMERS = 4;

export interface CountingClock extends Clock {
  /** Timers set and neither run nor cancelled. */
  readonly pending: number;
}

export function countingClock(): CountingClock {
  let pending = 0;
  return {
    ...nodeClock,
    get pending() {
      return pending;
    },
    after(delayMs, fn) {
      let over = false;
      const finish = () => {
        if (over) return;
        over = true;
        pending--;
      };
      pending++;
      const timer = nodeClock.after(delayMs, () => {
        finish();
        fn();
      });
      return {
        cancel() {
          finish();
          timer.cancel();
        },
      };
    },
  };
}

export const CHAT = '/v1/chat/completions';
export const chat = (more: object = {}) => ({ model: 'asked', messages: [{ role: 'user', content: 'Hi' }], ...more });
export const streamed = (more: object = {}) => chat({ stream: true, stream_options: { include_usage: true }, ...more });

export interface Routed extends TestRouter {
  readonly clock: CountingClock;
  status(): RouterStatus;
  /** One request on a connection of its own. */
  ask(
    body: object,
    options?: { path?: string; headers?: Record<string, string>; deadlineMs?: number },
  ): Promise<RawResponse>;
  open(body: object, path?: string): Promise<RawConnection>;
  /** Closes, after showing that no call, permit, waiter, timer or running exchange is left. */
  closeClean(...upstreams: FaultUpstream[]): Promise<void>;
  nothingOpen(...upstreams: FaultUpstream[]): Promise<void>;
}

export const startRouted = (pools: readonly PoolShape[], rules: object = {}): Promise<Routed> =>
  routedBy(ladderOf(pools, rules));

export async function routedBy(policy: string, more: Partial<NodeOptions> = {}): Promise<Routed> {
  const clock = countingClock();
  // Bodies are swept at a tenth of their idle limit: a short one lets the last timer end soon.
  const limits = { bodyIdleMs: 1_000, ...more.limits };
  const router = await startTestRouter({ policy, limits, more: { clock, ...more, limits } });
  const status = () => router.running.router.status();
  const nothingOpen = (...upstreams: FaultUpstream[]) =>
    eventuallyHolds(() => {
      const { openCalls, pools: now } = status();
      const held = now.map(({ inFlight, waiting, workers }) => [inFlight, waiting, sum(workers)]);
      expect({ openCalls, held }).toEqual({ openCalls: 0, held: now.map(() => [0, 0, 0]) });
      expect(clock.pending).toBe(STANDING_TIMERS);
      for (const upstream of upstreams) expect(upstream.requests.filter(isRunning)).toEqual([]);
    });
  return {
    ...router,
    clock,
    status,
    ask: (body, { path = CHAT, headers = {}, deadlineMs = 15_000 } = {}) =>
      rawRequest(router.port, postBytes(path, body, headers), { deadlineMs }),
    async open(body, path = CHAT) {
      const connection = await RawConnection.connect(router.port);
      connection.write(postBytes(path, body));
      return connection;
    },
    nothingOpen,
    async closeClean(...upstreams) {
      await nothingOpen(...upstreams);
      await router.close();
      expect(clock.pending).toBe(0);
    },
  };
}

const sum = (workers: readonly { inFlight: number }[]) => workers.reduce((all, { inFlight }) => all + inFlight, 0);

const isRunning = (request: { finished: boolean; cut: boolean; abortedByRouterAtMs?: number }) =>
  !request.finished && !request.cut && request.abortedByRouterAtMs === undefined;

/** Runs `work` over all items, `width` at a time. The first failure ends it. */
export async function inParallel<T>(
  items: readonly T[],
  width: number,
  work: (item: T, lane: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async (number: number) => {
    while (next < items.length) await work(items[next++]!, number);
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, (_, number) => lane(number)));
}

/** Keep-alive connections, one a lane, opened again where the other side closed them. */
export function lanes(port: number) {
  const open = new Map<number, RawConnection>();
  return {
    async ask(lane: number, body: object, path = CHAT): Promise<RawResponse> {
      let connection = open.get(lane);
      if (connection === undefined || connection.closed !== undefined) {
        connection = await RawConnection.connect(port);
        open.set(lane, connection);
      }
      // A connection keeps all it ever received: after many replies that would be most of the memory.
      connection.write(postBytes(path, body));
      return await connection.readResponse(15_000);
    },
    close() {
      for (const connection of open.values()) connection.destroy();
      open.clear();
    },
  };
}
