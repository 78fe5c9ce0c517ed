// The gate against a model that is a plain list, over random histories. For src/flow/gate.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { GateRefusal, Permit, Pick } from '../../src/core/gate.ts';
import { CallSignal } from '../../src/core/signal.ts';
import { FifoGate } from '../../src/flow/gate.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { slotWorker, type TestWorker } from './slots.ts';

const MAX_WAITING = 12;
const PASS_OVER = 8;

type Answer = Permit | GateRefusal;
interface Caller {
  readonly number: number;
  readonly workers: readonly TestWorker[];
  readonly untilMs: number;
  readonly signal: CallSignal;
  answer: Answer | null;
  /** What the model says it should have been told. */
  expected: TestWorker | GateRefusal | null;
}

/** The model: who runs where, who is in line in which order. */
interface Model {
  running: Map<number, TestWorker>;
  line: Caller[];
  nowMs: number;
  closed: boolean;
}

interface Real {
  readonly gate: FifoGate;
  readonly clock: VirtualClock;
  readonly workers: readonly TestWorker[];
  readonly callers: Caller[];
}

const countAt = (model: Model, worker: TestWorker) =>
  [...model.running.values()].filter((other) => other === worker).length;
/** First with room, in the order of the caller's list; a pure function of the model. */
function modelPick(model: Model, caller: Caller): TestWorker | 'full' | 'none' {
  const up = caller.workers.filter((worker) => worker.up);
  if (up.length === 0) return 'none';
  return up.find((worker) => countAt(model, worker) < worker.limit) ?? 'full';
}
const realPick =
  (caller: Caller): Pick =>
  () => {
    const up = caller.workers.filter((worker) => worker.up);
    if (up.length === 0) return 'none';
    return up.find((worker) => worker.inFlight < worker.limit) ?? 'full';
  };

/** Serves the line in order, passing over at most eight whose workers are full. */
function serve(model: Model): void {
  let passed = 0;
  for (const caller of [...model.line]) {
    const picked = modelPick(model, caller);
    if (picked === 'full') {
      if (++passed > PASS_OVER) return;
      continue;
    }
    leave(model, caller, picked);
  }
}
function leave(model: Model, caller: Caller, expected: TestWorker | GateRefusal): void {
  model.line = model.line.filter((other) => other !== caller);
  caller.expected = expected;
  if (typeof expected !== 'string') model.running.set(caller.number, expected);
}

async function agree(model: Model, real: Real): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
  const { gate, workers, callers, clock } = real;
  for (const caller of callers) {
    const told = caller.answer === null || typeof caller.answer === 'string' ? caller.answer : caller.answer.worker;
    expect(told, `caller ${caller.number}`).toBe(caller.expected);
  }
  expect(gate.inFlight).toBe(model.running.size);
  expect(gate.waiting).toBe(model.line.length);
  expect(gate.waiting).toBeLessThanOrEqual(MAX_WAITING);
  // One deadline a waiter, and one look at the line.
  expect(clock.pending).toBe(model.line.length + (model.line.length > 0 ? 1 : 0));
  for (const worker of workers) {
    expect(worker.inFlight).toBe(countAt(model, worker));
  }
}

type Step = fc.AsyncCommand<Model, Real>;
const step = (name: string, run: (model: Model, real: Real) => void | Promise<void>): Step => ({
  check: () => true,
  async run(model, real) {
    await run(model, real);
    await agree(model, real);
  },
  toString: () => name,
});

const acquire = (mask: number, waitMs: number, goneAlready: boolean): Step =>
  step(`acquire(${mask}, ${waitMs}, ${goneAlready})`, (model, real) => {
    const workers = real.workers.filter((_, at) => (mask & (1 << at)) !== 0);
    const signal = new CallSignal();
    if (goneAlready) signal.abort();
    const untilMs = model.nowMs + waitMs;
    const caller: Caller = { number: real.callers.length, workers, untilMs, signal, answer: null, expected: null };
    real.callers.push(caller);
    const picked = modelPick(model, caller);
    if (model.closed) caller.expected = 'closed';
    else if (goneAlready) caller.expected = 'client_gone';
    else if (picked === 'none') caller.expected = 'none';
    else {
      // What is free belongs to the line first; what the line cannot use, to the newcomer.
      if (picked !== 'full') serve(model);
      const now = modelPick(model, caller);
      if (now !== 'full' && model.line.length <= PASS_OVER) leave(model, caller, now);
      else if (model.line.length >= MAX_WAITING) caller.expected = 'queue_full';
      else if (waitMs === 0) caller.expected = 'waited';
      else model.line.push(caller);
    }
    const answer = real.gate.acquire({ signal, maxWaitMs: waitMs }, realPick(caller));
    if (answer instanceof Promise) void answer.then((later) => (caller.answer = later));
    else caller.answer = answer;
  });

const nth = <T>(all: readonly T[], at: number): T | undefined => (all.length === 0 ? undefined : all[at % all.length]);

const close = (at: number): Step =>
  step(`close(${at})`, (model, real) => {
    const number = nth([...model.running.keys()], at);
    if (number === undefined) return;
    model.running.delete(number);
    serve(model);
    const permit = real.callers[number]!.answer as Permit;
    permit.close('won');
    permit.close('failed');
  });
const goneInLine = (at: number): Step =>
  step(`gone(${at})`, (model) => {
    const caller = nth(model.line, at);
    if (caller === undefined) return;
    leave(model, caller, 'client_gone');
    caller.signal.abort();
  });
const advance = (ms: number): Step =>
  step(`advance(${ms})`, (model, real) => {
    model.nowMs += ms;
    for (const caller of model.line.filter(({ untilMs }) => untilMs <= model.nowMs)) leave(model, caller, 'waited');
    real.clock.advance(ms);
  });
const change = (at: number, limit: number, up: boolean): Step =>
  step(`change(${at}, ${limit}, ${up})`, (model, real) => {
    const worker = real.workers[at % real.workers.length]!;
    Object.assign(worker, { limit, up });
    serve(model);
    real.gate.poke();
  });
const end = step('close gate', (model, real) => {
  model.closed = true;
  for (const caller of [...model.line]) leave(model, caller, 'closed');
  real.gate.close();
});

const commands = fc.commands(
  [
    fc
      .tuple(fc.integer({ min: 0, max: 7 }), fc.constantFrom(0, 5, 20, 1000), fc.boolean())
      .map(([mask, ms, gone]) => acquire(mask, ms, gone && mask === 7)),
    fc.constantFrom(1, 1, 2, 4, 3, 6, 7).map((mask) => acquire(mask, 1000, false)),
    fc.nat(20).map(close),
    fc.nat(20).map(goneInLine),
    fc.integer({ min: 1, max: 30 }).map(advance),
    fc.tuple(fc.nat(2), fc.nat(3), fc.boolean()).map(([at, limit, up]) => change(at, limit, up)),
    fc.nat(40).map((n) => (n === 0 ? end : advance(1))),
  ],
  { maxCommands: 90, size: 'max' },
);

it('tells every caller what the model tells it, at every step of 300 random histories', async () => {
  await fc.assert(
    fc.asyncProperty(commands, async (steps) => {
      const clock = new VirtualClock();
      const workers = [slotWorker('a', 1), slotWorker('b', 2), slotWorker('c', 1)];
      const real: Real = { gate: new FifoGate({ clock, maxWaiting: MAX_WAITING }), clock, workers, callers: [] };
      const model: Model = { running: new Map(), line: [], nowMs: 0, closed: false };
      await fc.asyncModelRun(() => ({ model, real }), steps);
      // Whoever still runs ends; nobody may be left in line for ever.
      real.gate.close();
      for (const caller of real.callers) if (typeof caller.answer === 'object') caller.answer?.close('won');
      await new Promise<void>((resolve) => setImmediate(resolve));
      expect([real.gate.inFlight, real.gate.waiting, clock.pending]).toEqual([0, 0, 0]);
    }),
    { numRuns: 300 },
  );
});
