// Calls that wait for one worker though others have room: whom they hold up, and where they go in the end. For src/flow/gate.
import { beforeEach, describe, expect, it } from 'vitest';
import type { GateCall, GateRules, Permit } from '../../src/core/gate.ts';
import { CallSignal } from '../../src/core/signal.ts';
import { FairGate } from '../../src/flow/gate.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { gateCall, gateRules, heldFor, on, held as permitOf, settled, told } from './calls.ts';
import { slotWorker, type TestWorker } from './slots.ts';

let clock: VirtualClock;
let gate: FairGate;
/** Its slot is taken by `busy`. */
let own: TestWorker;
let other: TestWorker;
let busy: Permit;

beforeEach(() => start());
function start(rules: GateRules = gateRules()): void {
  clock = new VirtualClock();
  own = slotWorker('own', 1);
  other = slotWorker('other', 1);
  gate = new FairGate({ clock, rules, capacity: () => own.limit + other.limit });
  busy = permitOf(gate.acquire(gateCall({ tenant: 'first', outputTokens: 0 }), on(own)));
}
const plain = (more: Partial<GateCall> = {}) => gate.acquire(gateCall({ maxWaitMs: 1e6, ...more }), on(other));
const any = (more: Partial<GateCall> = {}) => gate.acquire(gateCall({ maxWaitMs: 1e6, ...more }), on(other, own));
function hold(untilMs = 1e6, more: Partial<GateCall> = {}, mine = own, others = [other]) {
  const call = gateCall({ maxWaitMs: 1e6, ...more });
  return gate.acquire(call, heldFor(call, mine, untilMs, clock, ...others));
}
function atRest(...open: Permit[]) {
  gate.close();
  for (const permit of open) permit.close('won');
  expect([gate.inFlight, gate.waiting, clock.pending, own.inFlight, other.inFlight]).toEqual([0, 0, 0, 0, 0]);
}

describe('calls held for a worker', () => {
  it('however many, hold up neither the line nor newcomers at other workers', async () => {
    const running = permitOf(plain());
    const behind = plain();
    for (let call = 0; call < 50; call++) expect(hold()).toBeInstanceOf(Promise);
    const last = plain();
    running.close('won');
    permitOf(await behind).close('won');
    permitOf(await last).close('won');
    const newcomer = permitOf(plain({ maxWaitMs: 0 }));
    expect(gate.waiting).toBe(50);
    atRest(busy, newcomer);
  });

  it('are asked in their place in the line when it has room: before those who came later, whoever may go there', async () => {
    const running = permitOf(plain());
    const first = hold();
    const second = hold();
    const later = any();
    busy.close('won');
    const one = permitOf(await first);
    expect([one.worker, await settled(second), await settled(later)]).toEqual([own, 'pending', 'pending']);
    one.close('won');
    const two = permitOf(await second);
    expect([two.worker, await settled(later)]).toEqual([own, 'pending']);
    two.close('won');
    expect(permitOf(await later).worker).toBe(own);
    atRest(running, permitOf(await later));
  });

  it('keep the order of bands, tenants and runs among themselves', async () => {
    const order: string[] = [];
    const enter = (name: string, more: Partial<GateCall>) =>
      void Promise.resolve(hold(1e6, more)).then((permit) => {
        order.push(name);
        if (!('refused' in permit)) busy = permit;
      });
    enter('batch', { priority: 'batch' });
    enter('a new', { tenant: 'a', runArrivedMs: 5 });
    enter('a old', { tenant: 'a', runArrivedMs: 2 });
    enter('a loop', { tenant: 'a', runArrivedMs: 9, continues: true });
    enter('b', { tenant: 'b', runArrivedMs: 9 });
    enter('critical', { priority: 'critical', tenant: 'c' });
    for (let call = 0; call < 6; call++) {
      busy.close('won');
      await settled(null);
    }
    expect(order).toEqual(['critical', 'a loop', 'b', 'a old', 'a new', 'batch']);
    atRest(busy);
  });

  it('all get what room it gains at once, whoever tells of it', async () => {
    const waiting = [hold(), hold(), hold()];
    own.limit = 3;
    gate.poke();
    const permits = [permitOf(await waiting[0]!), permitOf(await waiting[1]!)];
    expect(permits.map(({ worker }) => worker)).toEqual([own, own]);
    expect(await settled(waiting[2])).toBe('pending');
    own.limit = 4;
    // Nobody tells: the clock does.
    clock.advance(250);
    expect(permitOf(await waiting[2]!).worker).toBe(own);
    atRest(busy, ...permits, permitOf(await waiting[2]!));
  });

  it('come before a newcomer to room of their worker that nobody has told of', async () => {
    const waiting = hold();
    own.limit = 2;
    const newcomer = gate.acquire(gateCall({ maxWaitMs: 1e6 }), on(own));
    expect(permitOf(await waiting).worker).toBe(own);
    expect(await settled(newcomer)).toBe('pending');
    atRest(busy, permitOf(await waiting));
  });

  it('are shown in line, and leave it with their callers', async () => {
    const signal = new CallSignal();
    const gone = hold(1e6, { signal });
    clock.advance(40);
    void hold(1e6, { tenant: 'b' });
    expect(gate.lines()).toMatchObject([
      { tenant: 'acme', waiting: 1, oldestMs: 40 },
      { tenant: 'b', waiting: 1, oldestMs: 0 },
    ]);
    signal.abort();
    expect(await gone).toEqual({ refused: 'client_gone', waitMs: null });
    expect(gate.waiting).toBe(1);
    atRest(busy);
  });

  it('count in forecasts as what stands ahead, but leave slots free to those who take them', () => {
    permitOf(plain()).close('won');
    clock.advance(100);
    busy.close('won');
    busy = permitOf(gate.acquire(gateCall({ outputTokens: 0 }), on(own)));
    own.limit = 1;
    for (let call = 0; call < 12; call++) void hold(1e6, { tenant: 'other' });
    expect(gate.forecastMs(gateCall())).toBe(0);
    const running = permitOf(plain());
    const behindOthers = gate.forecastMs(gateCall({ priority: 'batch' }));
    expect(behindOthers).toBeGreaterThanOrEqual((12 * 50) / 2);
    atRest(busy, running);
  });
});

describe('a hold', () => {
  it('ends at the millisecond at which it is no longer worth it', async () => {
    const waiting = hold(37);
    clock.advance(36);
    expect(await settled(waiting)).toBe('pending');
    clock.advance(1);
    const permit = permitOf(await waiting);
    expect([permit.worker, permit.waitedMs]).toEqual([other, 37]);
    atRest(busy, permit);
  });

  it('that is over while all are full leaves a call like all others', async () => {
    const running = permitOf(plain());
    const waiting = hold(37);
    clock.advance(100);
    expect(await settled(waiting)).toBe('pending');
    running.close('won');
    atRest(busy, permitOf(await waiting));
  });

  it('whose worker takes no calls any more is given up within a look, by all', async () => {
    start(gateRules({ line: { maxWaiting: 300 } }));
    other.limit = 300;
    const waiting = Array.from({ length: 300 }, () => hold());
    own.up = false;
    clock.advance(250);
    const permits = await Promise.all(waiting.map(async (one) => permitOf(await one)));
    expect(new Set(permits.map(({ worker }) => worker))).toEqual(new Set([other]));
    atRest(busy, ...permits);
  });

  it('is asked again whether it still is: 64 at a look, in turn', () => {
    start(gateRules({ line: { maxWaiting: 200 } }));
    const asked = Array.from({ length: 200 }, () => 0);
    for (let at = 0; at < asked.length; at++) {
      const call = gateCall({ maxWaitMs: 1e6 });
      const pick = heldFor(call, own, 1e6, clock, other);
      void gate.acquire(call, (nowMs) => {
        asked[at]!++;
        return pick(nowMs);
      });
    }
    const again = () => asked.map((times) => times - 1);
    clock.advance(250);
    expect(again()).toEqual(asked.map((_, at) => (at < 64 ? 1 : 0)));
    clock.advance(750);
    expect(again()).toEqual(asked.map((_, at) => (at < 56 ? 2 : 1)));
    atRest(busy);
  });

  it('does not begin where those who wait for that worker take longer than it is worth', () => {
    // One slot, 100 ms a call: the fifth would wait for 400 ms.
    clock.advance(100);
    busy.close('won');
    busy = permitOf(gate.acquire(gateCall(), on(own)));
    const tell = () => told(hold(clock.nowMs() + 350));
    expect([tell(), tell(), tell(), tell()]).toEqual(['waits', 'waits', 'waits', 'waits']);
    const fifth = permitOf(hold(clock.nowMs() + 350));
    expect(fifth.worker).toBe(other);
    // Twice the slots, twice the line.
    own.limit = 2;
    const alsoBusy = own;
    alsoBusy.inFlight++;
    expect([tell(), tell(), tell(), told(hold(clock.nowMs() + 350))]).toEqual(['waits', 'waits', 'waits', 'waits']);
    alsoBusy.inFlight--;
    atRest(busy, fifth);
  });
});

describe('rather than be refused, a held call goes where there is room', () => {
  it('when it has no time to wait', () => {
    const permit = permitOf(hold(1e6, { maxWaitMs: 0 }));
    expect(permit.worker).toBe(other);
    atRest(busy, permit);
  });

  it('when there is no place in line', () => {
    start(gateRules({ line: { maxWaiting: 3 } }));
    for (let call = 0; call < 3; call++) expect(hold()).toBeInstanceOf(Promise);
    const permit = permitOf(hold());
    expect([permit.worker, gate.waiting]).toEqual([other, 3]);
    atRest(busy, permit);
  });

  it('when its longest wait is over', async () => {
    const waiting = hold(1e6, { maxWaitMs: 400, priority: 'background' });
    clock.advance(399);
    expect(await settled(waiting)).toBe('pending');
    expect(gate.lines()).toMatchObject([{ priority: 'batch', waiting: 1 }]);
    clock.advance(1);
    expect(permitOf(await waiting).worker).toBe(other);
    atRest(busy, permitOf(await waiting));
  });

  it('when it has to give way to another', async () => {
    start(gateRules({ line: { maxWaiting: 3 } }));
    const waiting = [1, 2, 3].map(() => hold(1e6, { tenant: 'loud' }));
    const newcomer = gate.acquire(gateCall({ tenant: 'quiet', maxWaitMs: 1e6 }), on(own));
    expect(newcomer).toBeInstanceOf(Promise);
    expect(permitOf(await waiting[2]!).worker).toBe(other);
    expect([gate.waiting, await settled(waiting[0]), await settled(newcomer)]).toEqual([3, 'pending', 'pending']);
    atRest(busy, permitOf(await waiting[2]!));
  });

  it('and is refused as all others are when there is none', async () => {
    const running = permitOf(plain());
    const waiting = hold(1e6, { maxWaitMs: 400 });
    clock.advance(400);
    expect(told(await waiting)).toBe('waited');
    atRest(busy, running);
  });
});

describe('a tenant with held calls', () => {
  const flood = (tenant: string, calls: number, served: string[], open: Permit[], more: Partial<GateCall> = {}) => {
    for (let call = 0; call < calls; call++) {
      void Promise.resolve(plain({ tenant, ...more })).then((permit) => {
        served.push(tenant);
        open.push(permit as Permit);
      });
    }
  };
  const run = async (open: Permit[], times: number, eachMs = 0) => {
    for (let time = 0; time < times; time++) {
      await settled(null);
      clock.advance(eachMs);
      open.pop()!.close('won');
    }
    await settled(null);
  };

  it('has its turn at other workers meanwhile, and pays nothing for what waits', async () => {
    const served: string[] = [];
    const open = [permitOf(plain({ tenant: 'first', outputTokens: 0 }))];
    for (let call = 0; call < 20; call++) void hold(1e6, { tenant: 'a' });
    flood('a', 10, served, open);
    flood('b', 10, served, open);
    await run(open, 10);
    expect(served.slice(0, 10).filter((tenant) => tenant === 'a')).toHaveLength(5);
    atRest(busy, ...open);
  });

  it.each([
    ['its hold', 1e6, {}],
    ['a hold that is over then', 101, {}],
    ['the hold of its class', 1e6, { class: 'embed' as const }],
    ['the hold of its class that is over then', 101, { class: 'embed' as const }],
  ])('has earned no turns by what it did not ask for meanwhile: %s', async (_, untilMs, more) => {
    const served: string[] = [];
    const open = [permitOf(plain({ tenant: 'first', outputTokens: 0 }))];
    void Promise.resolve(hold(untilMs, { tenant: 'a', ...more })).then((permit) => {
      if (!('refused' in permit)) open.push(permit);
    });
    flood('b', 30, served, open);
    await run(open, 20, 5);
    clock.advance(1);
    served.length = 0;
    flood('a', 10, served, open, more);
    await run(open, 6, 5);
    expect(served.filter((tenant) => tenant === 'a').length).toBeLessThanOrEqual(4);
    expect(served.filter((tenant) => tenant === 'b').length).toBeGreaterThanOrEqual(2);
    atRest(busy, ...open);
  });

  it('has its turn at its own worker before tenants that were served meanwhile', async () => {
    const open = [permitOf(plain({ tenant: 'first', outputTokens: 0 }))];
    const served: string[] = [];
    const waiting = hold(1e6, { tenant: 'a' });
    flood('b', 10, served, open);
    await run(open, 5);
    const rival = any({ tenant: 'b', continues: true });
    busy.close('won');
    expect(permitOf(await waiting).worker).toBe(own);
    expect(await settled(rival)).toBe('pending');
    atRest(permitOf(await waiting), ...open);
  });
});
