// What becomes of a call whose wait is over: a place above a learned limit, if its turn is next. For src/flow/gate.
import { expect, it } from 'vitest';
import type { GateCall, GateRefusal, Permit } from '../../src/core/gate.ts';
import { FairGate } from '../../src/flow/gate.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { gateCall, gateRules, held, on, settled, told } from './calls.ts';
import { slotWorker } from './slots.ts';

/** One worker of two slots, both taken, that may hold `reach` for a moment. */
function full(reach: number) {
  const clock = new VirtualClock();
  const worker = slotWorker('w', 2, { reach });
  const gate = new FairGate({ clock, rules: gateRules(), capacity: () => worker.limit });
  const enter = (more: Partial<GateCall> = {}) => {
    const call = gateCall(more);
    const pick = on(worker);
    return gate.acquire(call, (nowMs) => (call.overdue && worker.inFlight < worker.reach ? worker : pick(nowMs)));
  };
  const running = [held(enter()), held(enter())];
  return { clock, worker, gate, enter, running };
}
type Answer = Permit | GateRefusal;
const after = async (clock: VirtualClock, ms: number, ...answers: (Answer | Promise<Answer>)[]) => {
  await clock.advance(ms);
  const now = await Promise.all(answers.map((answer) => settled(answer)));
  return now.map((answer) => (answer === 'pending' ? 'waits' : told(answer)));
};

it('whoever would have waited in vain takes a place above the limit, one after another, as far as it reaches', async () => {
  const { clock, worker, gate, enter, running } = full(4);
  const calls = [998, 999, 1_000].map((maxWaitMs) => enter({ maxWaitMs }));
  expect(await after(clock, 997, ...calls)).toEqual(['waits', 'waits', 'waits']);
  expect(await after(clock, 3, ...calls)).toEqual(['w', 'w', 'waited']);
  expect([worker.inFlight, gate.waiting]).toEqual([4, 0]);
  const later = enter();
  for (const permit of running) permit.close('won');
  // What is above the limit is owed: these two slots are nobody's.
  expect(await after(clock, 0, later)).toEqual(['waits']);
  ((await calls[0]) as Permit).close('won');
  expect(await after(clock, 0, later)).toEqual(['w']);
  for (const call of [...calls.slice(1, 2), later]) ((await call) as Permit).close('won');
  expect([worker.inFlight, clock.pending]).toEqual([0, 0]);
});

it('nobody gets past another tenant whose turn is before its own, however short its wait', async () => {
  const { clock, gate, enter, running } = full(4);
  const first = enter({ tenant: 'patient', maxWaitMs: 5_000 });
  const hasty = enter({ tenant: 'hasty', maxWaitMs: 100 });
  const own = enter({ tenant: 'patient', maxWaitMs: 200 });
  expect(await after(clock, 100, first, hasty, own)).toEqual(['waits', 'waited', 'waits']);
  // Of one tenant's calls the one that can wait no longer goes first.
  expect(await after(clock, 100, first, own)).toEqual(['waits', 'w']);
  expect(await after(clock, 4_800, first)).toEqual(['w']);
  for (const permit of [...running, (await first) as Permit, (await own) as Permit]) permit.close('won');
  gate.close();
});
