// Decides what may happen to a gate, and what must hold after each step, whatever its order. For the gate's model tests.
import fc from 'fast-check';
import { expect } from 'vitest';
import type { Gate, GateCall, GateRefusal, Permit } from '../../src/core/gate.ts';
import { PRIORITIES } from '../../src/core/names.ts';
import { CallSignal } from '../../src/core/signal.ts';
import type { GateOptions } from '../../src/flow/gate.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { gateCall, gateRules, on } from './calls.ts';
import { slotWorker, type TestWorker } from './slots.ts';

export type MakeGate = (options: GateOptions) => Gate;

// A line no longer than what a look passes over: so nobody in it may ever stand beside a free slot of its own.
const MAX_WAITING = 8;
const MAX_BYTES = 700;

interface Caller {
  readonly call: GateCall;
  readonly signal: CallSignal;
  readonly workers: readonly TestWorker[];
  readonly enteredMs: number;
  answers: (Permit | GateRefusal)[];
  open: boolean;
}

interface World {
  readonly gate: Gate;
  readonly clock: VirtualClock;
  readonly workers: readonly TestWorker[];
  readonly callers: Caller[];
  closed: boolean;
}

const permitOf = (caller: Caller): Permit | null => {
  const answer = caller.answers[0];
  return answer === undefined || 'refused' in answer ? null : answer;
};
const waits = (caller: Caller) => caller.answers.length === 0;
const isOpen = (caller: Caller) => caller.open && permitOf(caller) !== null;

function check({ gate, clock, workers, callers, closed }: World): void {
  const line = callers.filter(waits);
  const open = callers.filter(isOpen);
  for (const caller of callers) expect(caller.answers.length).toBeLessThanOrEqual(1);
  expect(gate.inFlight).toBe(open.length);
  for (const worker of workers) {
    const mine = open.filter((caller) => permitOf(caller)!.worker === worker);
    expect(worker.inFlight).toBe(mine.length);
    expect(worker.backlogTokens).toBe(mine.reduce((sum, { call }) => sum + call.uncachedAt(worker), 0));
  }
  expect(gate.waiting).toBe(line.length);
  expect(gate.lines().reduce((sum, { waiting }) => sum + waiting, 0)).toBe(line.length);
  expect(line.length).toBeLessThanOrEqual(MAX_WAITING);
  expect(line.reduce((sum, { call }) => sum + call.bytes, 0)).toBeLessThanOrEqual(MAX_BYTES);
  expect(clock.pending).toBe(line.length > 0 ? 1 : 0);
  for (const { call, enteredMs, workers: mine, signal } of line) {
    expect(clock.nowMs()).toBeLessThan(enteredMs + call.maxWaitMs);
    expect([closed, signal.aborted]).toEqual([false, false]);
    // Nobody is forgotten beside a slot that it could have, nor waits for workers that are all gone.
    expect(on(...mine)()).toBe('full');
  }
  for (const caller of callers) {
    const permit = permitOf(caller);
    if (permit === null) continue;
    expect(caller.workers).toContain(permit.worker);
    expect(permit.waitedMs).toBeLessThanOrEqual(caller.call.maxWaitMs);
  }
}

type Step = fc.AsyncCommand<object, World>;
const step = (name: string, run: (world: World) => void): Step => ({
  check: () => true,
  async run(_, world) {
    run(world);
    await new Promise<void>((resolve) => setImmediate(resolve));
    check(world);
  },
  toString: () => name,
});
const nth = <T>(all: readonly T[], at: number): T | undefined => all[at % Math.max(all.length, 1)];

const acquire = fc
  .record({
    mask: fc.integer({ min: 1, max: 7 }),
    maxWaitMs: fc.constantFrom(0, 5, 20, 300, 100_000),
    tenant: fc.constantFrom('a', 'b', 'c'),
    weight: fc.constantFrom(1, 3),
    priority: fc.constantFrom(...PRIORITIES),
    class: fc.constantFrom('chat', 'embed'),
    continues: fc.boolean(),
    runArrivedMs: fc.nat(5),
    bytes: fc.constantFrom(0, 50, 300, 800),
    outputTokens: fc.nat(50),
    uncached: fc.nat(50),
    gone: fc.constantFrom(true, ...Array(9).fill(false)),
  })
  .map(({ mask, uncached, gone, ...more }) =>
    step(`acquire(${JSON.stringify({ mask, uncached, gone, ...more })})`, (world) => {
      const signal = new CallSignal();
      if (gone) signal.abort();
      const call = gateCall({ ...more, signal, uncachedAt: () => uncached } as Partial<GateCall>);
      const workers = world.workers.filter((_, at) => (mask & (1 << at)) !== 0);
      const caller: Caller = { call, signal, workers, enteredMs: world.clock.nowMs(), answers: [], open: true };
      world.callers.push(caller);
      const answer = world.gate.acquire(call, on(...workers));
      if (answer instanceof Promise) void answer.then((later) => caller.answers.push(later));
      else caller.answers.push(answer);
    }),
  );
const close = fc
  .tuple(fc.nat(20), fc.constantFrom('won', 'lost', 'failed', 'ignored'), fc.option(fc.nat(300)))
  .map(([at, outcome, used]) =>
    step(`close(${at}, ${outcome}, ${used})`, (world) => {
      const caller = nth(world.callers.filter(isOpen), at);
      if (caller === undefined) return;
      caller.open = false;
      const permit = permitOf(caller)!;
      permit.close(outcome as 'won', used);
      permit.close('failed');
    }),
  );
const leave = fc
  .nat(20)
  .map((at) => step(`leave(${at})`, ({ callers }) => nth(callers.filter(waits), at)?.signal.abort()));
const advance = fc.integer({ min: 1, max: 200 }).map((ms) => step(`advance(${ms})`, ({ clock }) => clock.advance(ms)));
const change = fc.tuple(fc.nat(2), fc.nat(3), fc.boolean()).map(([at, limit, up]) =>
  step(`change(${at}, ${limit}, ${up})`, ({ workers, gate }) => {
    Object.assign(workers[at]!, { limit, up });
    gate.poke();
  }),
);
const end = fc.constant(
  step('close gate', (world) => {
    world.closed = true;
    world.gate.close();
  }),
);

const commands = fc.commands(
  [
    acquire,
    acquire,
    acquire,
    close,
    close,
    leave,
    advance,
    change,
    fc.oneof({ arbitrary: end, weight: 1 }, { arbitrary: advance, weight: 60 }),
  ],
  {
    maxCommands: 80,
    size: 'max',
  },
);

/** A property of a gate that is made anew for each history. */
export function histories(makeGate: MakeGate) {
  return fc.asyncProperty(commands, async (steps) => {
    const clock = new VirtualClock();
    const workers = [slotWorker('a', 1), slotWorker('b', 2), slotWorker('c', 1)];
    const rules = gateRules({
      line: { maxWaiting: MAX_WAITING / 2, maxBytes: MAX_BYTES / 2 },
      embed: { maxWaiting: MAX_WAITING / 2, maxBytes: MAX_BYTES / 2, share: 2 },
      reserved: { interactive: 0.3, batch: 0.2, background: 0.1 },
    });
    const capacity = () => workers.reduce((sum, { limit, up }) => sum + (up ? limit : 0), 0);
    const world: World = { gate: makeGate({ clock, rules, capacity }), clock, workers, callers: [], closed: false };
    await fc.asyncModelRun(() => ({ model: {}, real: world }), steps);
    // Whoever still runs ends; nobody may be left in line for ever.
    world.gate.close();
    await new Promise<void>((resolve) => setImmediate(resolve));
    for (const caller of world.callers) {
      expect(caller.answers).toHaveLength(1);
      if (isOpen(caller)) permitOf(caller)!.close('won');
    }
    expect([
      world.gate.inFlight,
      world.gate.waiting,
      clock.pending,
      ...workers.map((one) => one.backlogTokens),
    ]).toEqual([0, 0, 0, 0, 0, 0]);
  });
}
