// A head of the line whose eligible workers are full: who may pass it, and who may not. For src/flow/gate.
import { beforeEach, describe, expect, it } from 'vitest';
import type { GateRefusal, Permit, Pick } from '../../src/core/gate.ts';
import { CallSignal } from '../../src/core/signal.ts';
import { FifoGate } from '../../src/flow/gate.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { slotWorker, type TestWorker } from './slots.ts';

let clock: VirtualClock;
let gate: FifoGate;
let worker: TestWorker;

beforeEach(() => {
  clock = new VirtualClock();
  gate = new FifoGate({ clock, maxWaiting: 100 });
  worker = slotWorker('w', 1);
});

const on =
  (...workers: TestWorker[]): Pick =>
  () => {
    if (workers.every((one) => !one.up)) return 'none';
    return workers.find((one) => one.up && one.inFlight < one.limit) ?? 'full';
  };
const call = (maxWaitMs = 1000, signal = new CallSignal()) => ({ signal, maxWaitMs });
const take = (pick: Pick = on(worker)) => {
  const answer = gate.acquire(call(), pick);
  if (typeof answer === 'string' || answer instanceof Promise) throw new Error('no permit at once');
  return answer;
};
const held = (answer: Permit | GateRefusal): Permit => {
  if (typeof answer === 'string') throw new Error(answer);
  return answer;
};
/** What a promise has come to by now. */
async function settled<T>(promise: T | Promise<T>): Promise<T | 'pending'> {
  const pending = Symbol();
  const won = await Promise.race([promise, Promise.resolve().then(() => pending)]);
  return won === pending ? 'pending' : (won as T);
}
const atRest = () => expect([gate.inFlight, gate.waiting, clock.pending]).toEqual([0, 0, 0]);

describe('a head whose eligible workers are full', () => {
  it('is passed over by those behind it whose workers have room', async () => {
    const other = slotWorker('other', 1);
    const busy = take(on(worker));
    const alsoBusy = take(on(other));
    const head = gate.acquire(call(), on(worker));
    const behind = gate.acquire(call(), on(other));
    alsoBusy.close('won');
    const permit = held(await behind);
    expect(permit.worker).toBe(other);
    expect(await settled(head)).toBe('pending');
    busy.close('won');
    held(await head).close('won');
    permit.close('won');
    atRest();
  });

  it('does not hold up newcomers whose worker is idle', () => {
    const idle = slotWorker('idle', 2);
    const busy = take(on(worker));
    const head = gate.acquire(call(), on(worker));
    const first = take(on(worker, idle));
    expect(first.worker).toBe(idle);
    // Not even those who will not wait: the slot is of no use to the line.
    const second = gate.acquire(call(0), on(idle));
    expect(typeof second === 'object' && !(second instanceof Promise) && second.worker).toBe(idle);
    (second as Permit).close('won');
    first.close('won');
    gate.close();
    busy.close('won');
    void head;
    atRest();
  });

  it('is passed over by eight in line at most: beyond that the line’s order holds', async () => {
    const other = slotWorker('other', 1);
    const busy = take(on(worker));
    const alsoBusy = take(on(other));
    const heads = Array.from({ length: 9 }, () => gate.acquire(call(), on(worker)));
    const behind = gate.acquire(call(), on(other));
    alsoBusy.close('won');
    expect(await settled(behind)).toBe('pending');
    // One head fewer, and it is within the bound.
    busy.close('won');
    const served = held(await heads[0]!);
    expect(await settled(behind)).not.toBe('pending');
    served.close('won');
    gate.close();
    held(await behind).close('won');
    for (const head of heads.slice(1)) {
      const answer = await head;
      if (typeof answer !== 'string') answer.close('won');
    }
    atRest();
  });

  it('a free slot that the line can use goes to the line, not to a newcomer', async () => {
    const running = take();
    const head = gate.acquire(call(), on(worker));
    worker.limit = 2;
    const newcomer = gate.acquire(call(), on(worker));
    const permit = held(await head);
    expect(await settled(newcomer)).toBe('pending');
    running.close('won');
    held(await newcomer).close('won');
    permit.close('won');
    atRest();
  });
});
