// Who gets a slot, who waits and who is sent away, case by case. For src/flow/gate.
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

describe('with room', () => {
  it('answers at once, without a promise or a timer', () => {
    const permit = take();
    expect(permit.worker).toBe(worker);
    expect(permit.waitedMs).toBe(0);
    expect([worker.inFlight, gate.inFlight, clock.pending]).toEqual([1, 1, 0]);
    permit.close('won');
    atRest();
  });

  it('a second close gives nothing back twice', () => {
    const first = take();
    first.close('won');
    const second = take();
    first.close('failed');
    first.close('won');
    expect([worker.inFlight, gate.inFlight]).toEqual([1, 1]);
    expect(gate.acquire(call(0), on(worker))).toBe('waited');
    second.close('won');
    atRest();
  });
});

describe('in line', () => {
  it('is served first come, first served, and told how long it waited', async () => {
    const running = take();
    const order: number[] = [];
    const waits = [1, 2, 3].map((number) => {
      const answer = gate.acquire(call(), on(worker)) as Promise<Permit>;
      void answer.then((permit) => {
        order.push(number);
        return permit;
      });
      clock.advance(10);
      return answer;
    });
    expect(gate.waiting).toBe(3);
    let open: Permit = running;
    for (const wait of waits) {
      open.close('won');
      open = await wait;
    }
    expect(order).toEqual([1, 2, 3]);
    expect(open.waitedMs).toBe(10);
    open.close('won');
    atRest();
  });

  it('F079 a full line and an unwillingness to wait are told at once', () => {
    const small = new FifoGate({ clock, maxWaiting: 1 });
    const permit = held(small.acquire(call(), on(worker)) as Permit);
    expect(small.acquire(call(0), on(worker))).toBe('waited');
    const waiting = small.acquire(call(), on(worker));
    expect(waiting).toBeInstanceOf(Promise);
    expect(small.acquire(call(), on(worker))).toBe('queue_full');
    small.resize(2);
    expect(small.acquire(call(), on(worker))).toBeInstanceOf(Promise);
    small.resize(0);
    expect(small.waiting).toBe(2);
    small.close();
    permit.close('won');
    expect([small.inFlight, small.waiting, clock.pending]).toEqual([0, 0, 0]);
  });

  it('its deadline takes it out at the millisecond, and its slot goes to the next', async () => {
    const running = take();
    const short = gate.acquire(call(50), on(worker));
    const long = gate.acquire(call(500), on(worker));
    clock.advance(49);
    expect(await settled(short)).toBe('pending');
    clock.advance(1);
    expect(await short).toBe('waited');
    expect(gate.waiting).toBe(1);
    running.close('won');
    held(await long).close('won');
    atRest();
  });

  it('F078 a caller that is gone leaves the line at once, and never holds a slot', async () => {
    const gone = new CallSignal();
    gone.abort();
    expect(gate.acquire(call(1000, gone), on(worker))).toBe('client_gone');
    const running = take();
    const signal = new CallSignal();
    const waiting = gate.acquire(call(1000, signal), on(worker));
    signal.abort();
    expect(gate.waiting).toBe(0);
    expect(await waiting).toBe('client_gone');
    running.close('won');
    atRest();
  });

  it('leaves no listener on its caller once it is served', async () => {
    const running = take();
    const signal = new CallSignal();
    const waiting = gate.acquire(call(1000, signal), on(worker));
    running.close('won');
    const permit = held(await waiting);
    signal.abort();
    expect(gate.inFlight).toBe(1);
    permit.close('won');
    atRest();
  });

  it('is told when no worker is left that could serve it', async () => {
    const running = take();
    const waiting = gate.acquire(call(), on(worker));
    worker.up = false;
    expect(gate.acquire(call(), on(worker))).toBe('none');
    gate.poke();
    expect(await waiting).toBe('none');
    running.close('won');
    atRest();
  });

  it('is served by a poke when a worker comes up or grows', async () => {
    const running = take();
    const waiting = gate.acquire(call(), on(worker));
    worker.limit = 2;
    gate.poke();
    held(await waiting).close('won');
    running.close('won');
    atRest();
  });

  it('is looked at by the clock too: a worker that is free again calls nobody', async () => {
    worker.limit = 0;
    const waiting = gate.acquire(call(), on(worker));
    worker.limit = 1;
    clock.advance(249);
    expect(await settled(waiting)).toBe('pending');
    clock.advance(1);
    const permit = held(await waiting);
    expect(permit.waitedMs).toBe(250);
    permit.close('won');
    atRest();
  });

  it('ends with the gate, and so does all that comes later', async () => {
    const running = take();
    const waiting = gate.acquire(call(), on(worker));
    gate.close();
    expect(await waiting).toBe('closed');
    expect(gate.acquire(call(), on(worker))).toBe('closed');
    running.close('won');
    atRest();
  });
});
