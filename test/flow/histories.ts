// Decides what may happen to a gate, and what must hold after each step, whatever its order. For the gate's model tests.
import fc from 'fast-check';
import { expect } from 'vitest';
import type { Gate, GateCall, GateRefusal, Permit, Pick } from '../../src/core/gate.ts';
import { PRIORITIES } from '../../src/core/names.ts';
import { CallSignal } from '../../src/core/signal.ts';
import type { GateOptions } from '../../src/flow/gate.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { asideFor, gateCall, gateRules, heldFor, on } from './calls.ts';
import { slotWorker, type TestWorker } from './slots.ts';

export type MakeGate = (options: GateOptions) => Gate;

export interface Bounds {
  /** Of both classes together. */
  readonly maxWaiting: number;
  readonly maxBytes: number;
  /** Whether calls without a worker of their own take any, but for a few of them: fewer than a look passes over. */
  readonly few: boolean;
}

/** A line no longer than what a look passes over: so nobody in it may ever stand beside a free slot of its own. */
const SHORT: Bounds = { maxWaiting: 8, maxBytes: 700, few: false };
export const LONG: Bounds = { maxWaiting: 60, maxBytes: 1e6, few: true };
/** Of one tenant, so many may be passed over at a look. */
const FEW = 4;
/** A call that is held may have another mind for so long before it is asked. */
const LOOK_MS = 250;

interface Caller {
  readonly call: GateCall;
  readonly signal: CallSignal;
  readonly workers: readonly TestWorker[];
  /** It may be held. */
  readonly own: TestWorker | null;
  readonly pick: Pick;
  readonly enteredMs: number;
  /** Since when it stands beside a slot that it would take. */
  besideMs: number | null;
  answers: (Permit | GateRefusal)[];
  open: boolean;
}

interface World {
  readonly gate: Gate;
  readonly bounds: Bounds;
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

function check({ gate, bounds, clock, workers, callers, closed }: World): void {
  const line = callers.filter(waits);
  const open = callers.filter(isOpen);
  expect(gate.inFlight).toBe(open.length);
  for (const worker of workers) {
    const mine = open.filter((caller) => permitOf(caller)!.worker === worker);
    expect(worker.inFlight).toBe(mine.length);
    expect(worker.heldTokens).toBe(mine.reduce((sum, { call }) => sum + call.inputTokens + call.outputTokens, 0));
    expect(worker.backlogTokens).toBe(mine.reduce((sum, { call }) => sum + call.uncachedAt(worker), 0));
  }
  expect(gate.waiting).toBe(line.length);
  expect(gate.lines().reduce((sum, { waiting }) => sum + waiting, 0)).toBe(line.length);
  expect(line.length).toBeLessThanOrEqual(bounds.maxWaiting);
  expect(line.reduce((sum, { call }) => sum + call.bytes, 0)).toBeLessThanOrEqual(bounds.maxBytes);
  expect(clock.pending).toBe(line.length > 0 ? 1 : 0);
  const nowMs = clock.nowMs();
  // Gathered, since thousands are looked at.
  const wrong: string[] = [];
  for (const caller of line) {
    const { call, enteredMs, pick, own, signal } = caller;
    if (nowMs >= enteredMs + call.maxWaitMs || closed || signal.aborted) wrong.push('it waits still');
    // Nobody is forgotten beside a slot that it would take, nor waits for workers that are all gone.
    const picked = pick(nowMs);
    // Behind many whose workers are full, it is not told at once that its own are gone.
    const waits = picked === 'full' || (picked === 'none' && bounds.few);
    caller.besideMs = waits ? null : (caller.besideMs ?? nowMs);
    if (caller.besideMs !== null && (own === null || nowMs - caller.besideMs > LOOK_MS)) wrong.push('its slot is free');
  }
  for (const caller of callers) {
    if (caller.answers.length > 1) wrong.push('it is told twice');
    const permit = permitOf(caller);
    if (permit === null) continue;
    if (!caller.workers.includes(permit.worker as TestWorker)) wrong.push('it got a worker that is not its own');
    if (permit.waitedMs > caller.call.maxWaitMs) wrong.push('it waited too long');
  }
  expect(wrong).toEqual([]);
}

type Step = fc.AsyncCommand<object, World>;
const step = (name: string, run: (world: World) => void, times = 1): Step => ({
  check: () => true,
  async run(_, world) {
    for (let time = 0; time < times; time++) {
      run(world);
      await new Promise<void>((resolve) => setImmediate(resolve));
      check(world);
    }
  },
  toString: () => name,
});
const nth = <T>(all: readonly T[], at: number): T | undefined => all[at % Math.max(all.length, 1)];

interface Shape extends Partial<GateCall> {
  readonly mask: number;
  readonly uncached: number;
  readonly gone: boolean;
  readonly ownAt: number | null;
  readonly worthMs: number;
  readonly ahead: boolean;
}
const acquire = fc
  .record({
    mask: fc.integer({ min: 1, max: 7 }),
    maxWaitMs: fc.constantFrom(0, 5, 20, 300, 100_000),
    tenant: fc.constantFrom('a', 'b', 'c'),
    weight: fc.constantFrom(1, 3),
    priority: fc.constantFrom(...PRIORITIES),
    class: fc.constantFrom('chat' as const, 'embed' as const),
    continues: fc.boolean(),
    runArrivedMs: fc.nat(5),
    bytes: fc.constantFrom(0, 50, 300, 800),
    outputTokens: fc.nat(50),
    uncached: fc.nat(50),
    gone: fc.constantFrom(true, ...Array(9).fill(false)),
    ownAt: fc.constantFrom(null, 0, 0, 0, 1, 2),
    worthMs: fc.constantFrom(1, 30, 300, 2000),
    ahead: fc.boolean(),
    burst: fc.constantFrom(1, 1, 3, 12),
  })
  .map(({ burst, ...shape }) =>
    step(`acquire(${JSON.stringify({ burst, ...shape })})`, (world) => {
      const times = world.bounds.few && shape.ownAt !== null ? burst : 1;
      for (let time = 0; time < times; time++) enter(world, shape);
    }),
  );
function enter(world: World, { mask, uncached, gone, ownAt, worthMs, ahead, ...more }: Shape): void {
  const { few } = world.bounds;
  if (few && ownAt === null && world.callers.filter((one) => one.own === null && waits(one)).length >= FEW) return;
  const signal = new CallSignal();
  if (gone) signal.abort();
  const call = gateCall({ ...more, signal, uncachedAt: () => uncached });
  const own = ownAt === null ? null : world.workers[ownAt]!;
  const all = few && own !== null;
  const workers = world.workers.filter((one, at) => all || one === own || (mask & (1 << at)) !== 0);
  const enteredMs = world.clock.nowMs();
  const prefers = ahead ? asideFor : heldFor;
  const pick = own === null ? on(...workers) : prefers(call, own, enteredMs + worthMs, world.clock, ...workers);
  const caller: Caller = { call, signal, workers, own, pick, enteredMs, besideMs: null, answers: [], open: true };
  world.callers.push(caller);
  const answer = world.gate.acquire(call, pick);
  if (answer instanceof Promise) void answer.then((later) => caller.answers.push(later));
  else caller.answers.push(answer);
}
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
const advance = fc
  .tuple(fc.integer({ min: 1, max: 25 }), fc.integer({ min: 1, max: 8 }))
  .map(([ms, times]) => step(`advance(${ms}, ${times} times)`, ({ clock }) => clock.advance(ms), times));
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
export function histories(makeGate: MakeGate, bounds = SHORT) {
  return fc.asyncProperty(commands, async (steps) => {
    const clock = new VirtualClock();
    const workers = [slotWorker('a', 1), slotWorker('b', 2), slotWorker('c', 1)];
    const rules = gateRules({
      line: { maxWaiting: bounds.maxWaiting / 2, maxBytes: bounds.maxBytes / 2 },
      embed: { maxWaiting: bounds.maxWaiting / 2, maxBytes: bounds.maxBytes / 2, share: 2 },
      reserved: { interactive: 0.3, batch: 0.2, background: 0.1 },
    });
    const capacity = () => workers.reduce((sum, { limit, up }) => sum + (up ? limit : 0), 0);
    const gate = makeGate({ clock, rules, capacity });
    const world: World = { gate, bounds, clock, workers, callers: [], closed: false };
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
