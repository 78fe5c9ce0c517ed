// Who gets a slot, who waits and who is sent away, case by case. For src/flow/gate.
import { beforeEach, describe, expect, it } from 'vitest';
import type { GateCall, Permit } from '../../src/core/gate.ts';
import { CallSignal } from '../../src/core/signal.ts';
import { FairGate } from '../../src/flow/gate.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { gateCall, gateRules, held, on, settled, told } from './calls.ts';
import { slotWorker, type TestWorker } from './slots.ts';

let clock: VirtualClock;
let gate: FairGate;
let worker: TestWorker;

beforeEach(() => {
  clock = new VirtualClock();
  worker = slotWorker('w', 1);
  gate = new FairGate({ clock, rules: gateRules(), capacity: () => worker.limit });
});

const enter = (more: Partial<GateCall> = {}, pick = on(worker)) => gate.acquire(gateCall(more), pick);
const atRest = () =>
  expect([gate.inFlight, gate.waiting, clock.pending, worker.backlogTokens, gate.lines()]).toEqual([0, 0, 0, 0, []]);

describe('with room', () => {
  it('answers at once, without a promise or a timer', () => {
    const permit = held(enter());
    expect(permit.worker).toBe(worker);
    expect(permit.waitedMs).toBe(0);
    expect([worker.inFlight, gate.inFlight, clock.pending]).toEqual([1, 1, 0]);
    permit.close('won');
    atRest();
  });

  it('a second close gives nothing back twice', () => {
    const first = held(enter());
    first.close('won');
    const second = held(enter());
    first.close('failed');
    first.close('won');
    expect([worker.inFlight, gate.inFlight]).toEqual([1, 1]);
    expect(told(enter({ maxWaitMs: 0 }))).toBe('waited');
    second.close('won');
    atRest();
  });

  it('what a worker’s memory has to hold is counted until the end, cached or not', () => {
    worker.limit = 2;
    const first = held(enter({ inputTokens: 900, outputTokens: 100, uncachedAt: () => 5 }));
    const second = held(enter({ inputTokens: 50, outputTokens: 10 }));
    expect(worker.heldTokens).toBe(1_060);
    first.began();
    expect(worker.heldTokens).toBe(1_060);
    first.close('won', 7);
    first.close('won', 7);
    expect(worker.heldTokens).toBe(60);
    second.close('failed');
    expect(worker.heldTokens).toBe(0);
    atRest();
  });

  it('what a worker has yet to read is counted until first content, or until the end if none came', () => {
    worker.limit = 2;
    const uncachedAt = (at: unknown) => (at === worker ? 700 : 100);
    const first = held(enter({ uncachedAt }));
    const second = held(enter({ uncachedAt }));
    expect(worker.backlogTokens).toBe(1400);
    first.began();
    first.began();
    expect(worker.backlogTokens).toBe(700);
    first.close('won');
    expect(worker.backlogTokens).toBe(700);
    second.close('failed');
    second.began();
    atRest();
  });
});

describe('in line', () => {
  it('one tenant is served first come, first served, and told how long it waited', async () => {
    let open: Permit = held(enter());
    const order: number[] = [];
    const waits = [1, 2, 3].map((number) => {
      const answer = enter() as Promise<Permit>;
      void answer.then(() => order.push(number));
      clock.advance(10);
      return answer;
    });
    expect(gate.waiting).toBe(3);
    for (const wait of waits) {
      open.close('won');
      open = await wait;
    }
    expect(order).toEqual([1, 2, 3]);
    expect(open.waitedMs).toBe(10);
    open.close('won');
    atRest();
  });

  it('its deadline takes it out at the millisecond, and its slot goes to the next', async () => {
    const running = held(enter());
    const short = enter({ maxWaitMs: 50 });
    const long = enter({ maxWaitMs: 500 });
    clock.advance(49);
    expect(await settled(short)).toBe('pending');
    clock.advance(1);
    expect(await short).toEqual({ refused: 'waited', waitMs: null });
    expect(gate.waiting).toBe(1);
    running.close('won');
    held(await long).close('won');
    atRest();
  });

  it('F078 a caller that is gone leaves the line at once, and never holds a slot', async () => {
    const gone = new CallSignal();
    gone.abort();
    expect(told(enter({ signal: gone }))).toBe('client_gone');
    const running = held(enter());
    const signal = new CallSignal();
    const waiting = enter({ signal });
    signal.abort();
    expect(gate.waiting).toBe(0);
    expect(await waiting).toEqual({ refused: 'client_gone', waitMs: null });
    running.close('won');
    atRest();
  });

  it('leaves no listener on its caller once it is served', async () => {
    const running = held(enter());
    const signal = new CallSignal();
    const waiting = enter({ signal });
    running.close('won');
    const permit = held(await waiting);
    signal.abort();
    expect(gate.inFlight).toBe(1);
    permit.close('won');
    atRest();
  });

  it('is told when no worker is left that could serve it', async () => {
    const running = held(enter());
    const waiting = enter();
    worker.up = false;
    expect(told(enter())).toBe('none');
    gate.poke();
    expect(await waiting).toEqual({ refused: 'none', waitMs: null });
    running.close('won');
    atRest();
  });

  it('is served by a poke when a worker comes up or grows', async () => {
    const running = held(enter());
    const waiting = enter();
    worker.limit = 2;
    gate.poke();
    held(await waiting).close('won');
    running.close('won');
    atRest();
  });

  it('is looked at by the clock too: a worker that is free again calls nobody', async () => {
    worker.limit = 0;
    const waiting = enter();
    clock.advance(250);
    expect(await settled(waiting)).toBe('pending');
    worker.limit = 1;
    clock.advance(249);
    expect(await settled(waiting)).toBe('pending');
    clock.advance(1);
    const permit = held(await waiting);
    expect(permit.waitedMs).toBe(500);
    permit.close('won');
    atRest();
  });

  it('several slots that come free in one turn are all given away in it', async () => {
    worker.limit = 3;
    const running = [1, 2, 3].map(() => held(enter()));
    const waiting = [1, 2, 3, 4].map(() => enter());
    for (const permit of running) permit.close('won');
    expect([gate.inFlight, gate.waiting]).toEqual([3, 1]);
    for (const wait of waiting) held(await wait).close('won');
    atRest();
  });

  it('ends with the gate, and so does all that comes later', async () => {
    const running = held(enter());
    const waiting = enter();
    gate.close();
    expect(await waiting).toEqual({ refused: 'closed', waitMs: null });
    expect(told(enter())).toBe('closed');
    running.close('won');
    atRest();
  });

  it('is shown by class, band and tenant, with the age of the oldest', () => {
    const running = held(enter());
    void enter({ tenant: 'a' });
    clock.advance(30);
    void enter({ tenant: 'a' });
    void enter({ tenant: 'a', priority: 'batch' });
    void enter({ tenant: 'b', class: 'embed' });
    clock.advance(5);
    expect(gate.lines()).toEqual([
      { class: 'chat', priority: 'interactive', tenant: 'a', waiting: 2, oldestMs: 35 },
      { class: 'chat', priority: 'batch', tenant: 'a', waiting: 1, oldestMs: 5 },
      { class: 'embed', priority: 'interactive', tenant: 'b', waiting: 1, oldestMs: 5 },
    ]);
    gate.close();
    running.close('won');
    atRest();
  });
});
