// A call whose own pick or estimate throws: it alone is told, and nothing of it stays behind. For src/flow/gate.
import { beforeEach, describe, expect, it } from 'vitest';
import type { GateCall, Permit, Pick } from '../../src/core/gate.ts';
import { FairGate } from '../../src/flow/gate.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { gateCall, gateRules, heldFor, on, held as permitOf, settled } from './calls.ts';
import { slotWorker, type TestWorker } from './slots.ts';

let clock: VirtualClock;
let gate: FairGate;
let worker: TestWorker;
let other: TestWorker;
let broken: boolean;

beforeEach(() => {
  clock = new VirtualClock();
  worker = slotWorker('w', 1);
  other = slotWorker('other', 1);
  broken = false;
  gate = new FairGate({ clock, rules: gateRules(), capacity: () => worker.limit + other.limit });
});

/** As the pick, until it breaks. */
const breaking =
  (pick: Pick): Pick =>
  (nowMs) => {
    if (broken) throw new Error('broken');
    return pick(nowMs);
  };
const fragile: Partial<GateCall> = {
  uncachedAt: () => {
    if (broken) throw new Error('broken');
    return 5;
  },
};
const enter = (more: Partial<GateCall> = {}, pick = on(worker)) => gate.acquire(gateCall(more), pick);
function atRest(...open: Permit[]) {
  for (const permit of open) permit.close('won');
  expect([gate.inFlight, gate.waiting, clock.pending, gate.lines()]).toEqual([0, 0, 0, []]);
  expect([worker, other].map(({ inFlight, backlogTokens }) => [inFlight, backlogTokens])).toEqual([
    [0, 0],
    [0, 0],
  ]);
}

describe('a newcomer', () => {
  it('is told by the throw, whether there is room or none', () => {
    broken = true;
    expect(() => enter({}, breaking(on(worker)))).toThrow('broken');
    expect(() => enter(fragile)).toThrow('broken');
    broken = false;
    const running = permitOf(enter());
    broken = true;
    expect(() => enter({}, breaking(on(worker)))).toThrow('broken');
    expect(() => enter(fragile)).toThrow('broken');
    atRest(running);
  });

  it('displaces nobody by a throw', async () => {
    gate.resize(gateRules({ line: { maxWaiting: 1 } }));
    const running = permitOf(enter());
    const waiting = enter({ priority: 'batch' });
    broken = true;
    expect(() => enter({ ...fragile, priority: 'critical' })).toThrow('broken');
    running.close('won');
    atRest(permitOf(await waiting));
  });

  it('that breaks in its place in line is told by the throw, and the slot goes on', async () => {
    const running = permitOf(enter());
    const waiting = enter({ priority: 'batch' });
    worker.limit = 2;
    let asked = 0;
    const second = () => {
      if (asked++ > 0) throw new Error('broken');
      return worker;
    };
    expect(() => enter({ priority: 'critical' }, second)).toThrow('broken');
    atRest(running, permitOf(await waiting));
  });
});

describe('a call in line', () => {
  it('is told by its promise, and the slot goes to the next', async () => {
    const running = permitOf(enter());
    const byPick = enter({ tenant: 'a' }, breaking(on(worker)));
    const byEstimate = enter({ tenant: 'b', ...fragile });
    const sound = enter({ tenant: 'c' });
    broken = true;
    running.close('won');
    await expect(byPick).rejects.toThrow('broken');
    await expect(byEstimate).rejects.toThrow('broken');
    atRest(permitOf(await sound));
  });

  it('is told so when it is held, whenever it is asked', async () => {
    const running = permitOf(enter());
    const holding = (untilMs: number, more: Partial<GateCall> = {}) => {
      const call = gateCall({ maxWaitMs: 1e6, ...more });
      return gate.acquire(call, breaking(heldFor(call, worker, untilMs, clock, other)));
    };
    const over = holding(40);
    const late = holding(1e6, { maxWaitMs: 60 });
    const looked = holding(1e6);
    broken = true;
    clock.advance(39);
    expect(await settled(over)).toBe('pending');
    clock.advance(1);
    await expect(over).rejects.toThrow('broken');
    clock.advance(20);
    await expect(late).rejects.toThrow('broken');
    expect(await settled(looked)).toBe('pending');
    clock.advance(190);
    await expect(looked).rejects.toThrow('broken');
    broken = false;
    const freed = holding(1e6);
    const next = enter();
    broken = true;
    running.close('won');
    await expect(freed).rejects.toThrow('broken');
    atRest(permitOf(await next));
  });
});
