// Calls of a full pool that would rather wait for one worker than go to the next with room: whom they wait for, and as what they count. For src/flow/gate.
import { beforeEach, describe, expect, it } from 'vitest';
import type { GateCall, GateRules, Permit } from '../../src/core/gate.ts';
import { FairGate } from '../../src/flow/gate.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { asideFor, gateCall, gateRules, on, held as permitOf, settled, told } from './calls.ts';
import { slotWorker, type TestWorker } from './slots.ts';

let clock: VirtualClock;
let gate: FairGate;
let own: TestWorker;
let other: TestWorker;
/** Have the only slots of the two. */
let atOwn: Permit;
let atOther: Permit;
/** How often those who are aside were asked. */
let asked: number;

beforeEach(() => start());
function start(rules: GateRules = gateRules()): void {
  clock = new VirtualClock();
  own = slotWorker('own', 1);
  other = slotWorker('other', 1);
  asked = 0;
  gate = new FairGate({ clock, rules, capacity: () => own.limit + other.limit });
  atOwn = permitOf(gate.acquire(gateCall({ tenant: 'first', outputTokens: 0 }), on(own)));
  atOther = permitOf(gate.acquire(gateCall({ tenant: 'first', outputTokens: 0 }), on(other)));
}
const any = (more: Partial<GateCall> = {}) => gate.acquire(gateCall({ maxWaitMs: 1e6, ...more }), on(other, own));
/** While nobody has room it would rather have `own`, until then; and when `other` has room it says so again. */
function aside(untilMs = 1e6, more: Partial<GateCall> = {}) {
  const call = gateCall({ maxWaitMs: 1e6, ...more });
  const pick = asideFor(call, own, untilMs, clock, other);
  return gate.acquire(call, (nowMs) => {
    asked++;
    return pick(nowMs);
  });
}

describe('calls set aside in a full pool', () => {
  it('are not asked when another worker has room for the line, and are when their own has', async () => {
    const waiting = Array.from({ length: 20 }, () => aside());
    const last = any({ tenant: 'z' });
    expect(asked).toBe(20);
    atOther.close('won');
    const taken = permitOf(await last);
    expect([taken.worker, asked]).toEqual([other, 20]);
    atOwn.close('won');
    expect(permitOf((await settled(waiting[0]!)) as Permit).worker).toBe(own);
    expect([await settled(waiting[1]!), asked]).toEqual(['pending', 21]);
  });

  it('come in the line’s own order: before whoever came later, and behind a tenant that has had less', async () => {
    const first = aside(1e6, { tenant: 'a' });
    const later = any({ tenant: 'b' });
    atOwn.close('won');
    const permit = permitOf((await settled(first)) as Permit);
    expect([permit.worker, await settled(later)]).toEqual([own, 'pending']);
    const rest = aside(1e6, { tenant: 'a' });
    permit.close('won', 1_000);
    expect(permitOf((await settled(later)) as Permit).worker).toBe(own);
    expect(await settled(rest)).toBe('pending');
  });

  it('count in line: they fill it, and are what stands ahead in forecasts', async () => {
    start(gateRules({ line: { maxWaiting: 2 } }));
    clock.advance(100);
    atOther.close('won');
    atOther = permitOf(any());
    const waiting = [aside(), aside()];
    expect(gate.forecastMs(gateCall())).toBeGreaterThan(0);
    expect(told(aside())).toBe('queue_full');
    expect(gate.lines().map(({ waiting }) => waiting)).toEqual([2]);
    gate.close();
    for (const answer of waiting) expect(told(await answer)).toBe('closed');
  });

  it('are refused as all others are where the forecast is longer than they may wait', () => {
    clock.advance(1_000);
    atOther.close('won');
    atOther = permitOf(any());
    expect(told(aside(1e6, { maxWaitMs: 10 }))).toBe('forecast');
  });

  it('are in the order like all others when the wait is no longer worth it', async () => {
    const first = aside(300);
    const later = any({ tenant: 'z' });
    clock.advance(299);
    expect(asked).toBe(2);
    clock.advance(1);
    atOther.close('won');
    expect(permitOf((await settled(first)) as Permit).worker).toBe(other);
    expect(await settled(later)).toBe('pending');
  });

  it('are asked, eight at a time, before a slot stays with nobody', async () => {
    const waiting = Array.from({ length: 20 }, (_, at) => aside(1e6, { tenant: `t${at}` }));
    const before = asked;
    atOther.close('won');
    expect(asked - before).toBe(8);
    // They said that they wait though another has room: they do so by their own choice from now on.
    expect([gate.waiting, gate.inFlight]).toEqual([20, 1]);
    const newcomer = permitOf(any({ maxWaitMs: 0 }));
    expect(newcomer.worker).toBe(other);
    newcomer.close('won');
    expect(asked - before).toBe(16);
    const another = permitOf(any({ maxWaitMs: 0 }));
    another.close('won');
    expect(asked - before).toBe(20);
    // All have said it by now: each free slot asks none of them again.
    permitOf(any({ maxWaitMs: 0 })).close('won');
    expect(asked - before).toBe(20);
    clock.advance(250);
    expect(asked - before).toBe(40);
    gate.close();
    for (const answer of waiting) expect(told(await answer)).toBe('closed');
    atOwn.close('won');
    expect([gate.inFlight, gate.waiting, clock.pending]).toEqual([0, 0, 0]);
  });

  it('do not begin where those who wait for that worker take longer than it is worth', async () => {
    clock.advance(1_000);
    atOther.close('won');
    atOther = permitOf(any());
    clock.advance(1_000);
    for (let call = 0; call < 3; call++) aside(1e6, { tenant: 'a' });
    // Three of a second each are before it, and it would wait for two.
    const short = aside(clock.nowMs() + 2_000, { tenant: 'b' });
    atOther.close('won');
    expect(permitOf((await settled(short)) as Permit).worker).toBe(other);
    expect(asked).toBe(5);
    gate.close();
  });

  it('give way, age out and leave with their callers, and nothing is left of them', async () => {
    const short = aside(1e6, { maxWaitMs: 400 });
    const call = gateCall({ maxWaitMs: 1e6 });
    const gone = aside(1e6, call);
    clock.advance(400);
    expect(told(await short)).toBe('waited');
    call.signal.abort();
    expect(told(await gone)).toBe('client_gone');
    for (const permit of [atOwn, atOther]) permit.close('won');
    expect([gate.inFlight, gate.waiting, clock.pending, own.inFlight, other.inFlight]).toEqual([0, 0, 0, 0, 0]);
  });
});
