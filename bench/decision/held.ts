// What a call in line holds of memory beyond its body: before the gate alone, and in the whole router. For the decision bench.
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { DEFAULT_HTTP_LIMITS } from '../../src/core/limits.ts';
import { NO_WANTS } from '../../src/core/request.ts';
import type { Random } from '../../src/core/runtime.ts';
import { CallSignal } from '../../src/core/signal.ts';
import type { Transport } from '../../src/core/transport.ts';
import { openaiChat } from '../../src/dialects/openai-chat.ts';
import { newRequestId, nodeClock } from '../../src/runtime/node/machine.ts';
import { askers, placed } from '../pool/askers.ts';
import { CALLER, openRouter } from '../pool/router.ts';
import { openStand } from '../pool/stand.ts';
import { type Summary, summary } from '../statistics.ts';
import { workload } from '../workload.ts';
import type { CrowdSize } from './crowd.ts';

/** One slot, and as long a line as is asked for. */
const policy = (waiting: number) => `version: 1
pools: { bench: { serves: bench-model, workers: [ { url: "http://127.0.0.1:1" } ], concurrencyPerWorker: 1 } }
classes: { chat: { queue: { max: ${waiting}, wait: 1h }, timeouts: { total: 2h, firstContent: 1h } } }
models: { bench-model: { class: chat, ladder: [ { pool: bench } ] } }
`;
const HEAD = { path: openaiChat.routes[0]!, query: '', headers: {} };

/** Lets so many calls into line, and answers with what makes them leave and who is told. */
type Fill = (count: number) => { readonly waiting: () => number; leave(): Promise<void> };

/** Bytes of heap for one call in line, over rounds in which the line fills and empties. */
async function perCall(fill: Fill, count: number, rounds: number): Promise<Summary> {
  const bytes: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const before = await heapBytes();
    const line = fill(count);
    await setImmediate();
    if (line.waiting() !== count) throw new Error(`${line.waiting()} of ${count} are in line`);
    // The first round makes what stays: tenants, runs, compiled code.
    if (round > 0) bytes.push(((await heapBytes()) - before) / count);
    await line.leave();
    if (line.waiting() !== 0) throw new Error(`${line.waiting()} are still in line`);
  }
  return summary(bytes);
}

/** What gate and scheduler keep of a call, with the call as they see it. */
export async function heldByGate(size: CrowdSize, random: Random, rounds: number): Promise<Summary> {
  const stand = openStand({ workers: size.workers, slots: size.slots, maxWaiting: size.waiting, random });
  const ask = askers(size.tenants, stand, random);
  const enter = (at: number, signal: CallSignal) => {
    const call = Object.assign(placed(stand, ask(at % size.tenants), nodeClock.nowMs()), { signal });
    return stand.gate.acquire(call, (nowMs) => stand.choose(call, nowMs));
  };
  for (let at = 0; stand.gate.inFlight < size.workers * size.slots; at++) {
    const signal = new CallSignal();
    // Some would rather wait for the worker of their run.
    if (enter(at, signal) instanceof Promise) signal.abort();
  }
  const fill: Fill = (count) => {
    const signals = Array.from({ length: count }, () => new CallSignal());
    const answers = signals.map((signal, at) => enter(at, signal));
    return {
      waiting: () => stand.gate.waiting,
      async leave() {
        for (const signal of signals) signal.abort();
        await Promise.all(answers);
      },
    };
  };
  const held = await perCall(fill, size.waiting, rounds);
  await stand.close();
  return held;
}

/** What the router keeps of a call, its parsed request included; without socket and body. */
export async function heldByRouter(size: CrowdSize, rounds: number): Promise<Summary> {
  const body = workload('small').requestBody;
  const transport: Transport = {
    send(_request, handler) {
      // Never answered: a buffered reply may be silent for as long as its call may last.
      handler.sent();
      return { pause() {}, resume() {}, abort() {} };
    },
    connections: () => 0,
    close: async () => {},
  };
  const router = await openRouter(policy(size.waiting), transport);
  const callers = Array.from({ length: size.tenants }, (_, at) => ({ ...CALLER, tenant: `tenant-${at}` }));
  const enter = (at: number, signal: CallSignal) =>
    router
      .service({
        id: newRequestId(),
        dialect: openaiChat,
        body,
        call: openaiChat.parse(body, DEFAULT_HTTP_LIMITS, HEAD),
        caller: callers[at % callers.length]!,
        wants: NO_WANTS,
        run: null,
        signal,
        receivedMs: nodeClock.nowMs(),
      })
      .then(
        () => {},
        () => {},
      );
  const only = new CallSignal();
  void enter(0, only);
  const fill: Fill = (count) => {
    const signals = Array.from({ length: count }, () => new CallSignal());
    const ends = signals.map((signal, at) => enter(at, signal));
    return {
      waiting: () => router.status().pools[0]!.waiting,
      async leave() {
        for (const signal of signals) signal.abort();
        await Promise.all(ends);
      },
    };
  };
  const held = await perCall(fill, size.waiting, rounds);
  only.abort();
  await router.close();
  return held;
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

async function heapBytes(): Promise<number> {
  await setImmediate();
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}
