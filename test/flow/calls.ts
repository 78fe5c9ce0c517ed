// Decides what calls and rules look like to a gate in tests, and how their answers are read. For tests of src/flow.
import type { ClassLine, GateCall, GateRefusal, GateRules, Permit, Pick } from '../../src/core/gate.ts';
import type { Clock } from '../../src/core/runtime.ts';
import { CallSignal } from '../../src/core/signal.ts';
import type { TestWorker } from './slots.ts';

const LINE: ClassLine = { maxWaiting: 100, maxBytes: 1_000_000, longestWaitMs: 1e12, share: 1 };

export function gateRules({
  line = {},
  embed = {},
  reserved = {},
}: {
  line?: Partial<ClassLine>;
  embed?: Partial<ClassLine>;
  reserved?: Partial<GateRules['reserved']>;
} = {}): GateRules {
  return {
    classes: { chat: { ...LINE, ...line }, embed: { ...LINE, ...embed } },
    reserved: { critical: 0, interactive: 0, batch: 0, background: 0, ...reserved },
  };
}

export function gateCall(more: Partial<GateCall> = {}): GateCall {
  return {
    signal: new CallSignal(),
    maxWaitMs: 1000,
    class: 'chat',
    priority: 'interactive',
    tenant: 'acme',
    weight: 1,
    continues: false,
    runArrivedMs: 0,
    bytes: 100,
    inputTokens: 0,
    outputTokens: 50,
    streams: true,
    hold: null,
    overdue: false,
    uncachedAt: () => 0,
    ...more,
  };
}

/** The first of these with room. */
export const on =
  (...workers: TestWorker[]): Pick =>
  () => {
    if (workers.every((one) => !one.up)) return 'none';
    return workers.find((one) => one.up && one.inFlight < one.limit) ?? 'full';
  };

/** As `on`; but until then, while its own worker is full, it rather waits for that one than goes to another. */
export const heldFor =
  (call: GateCall, own: TestWorker, untilMs: number, clock: Clock, ...workers: TestWorker[]): Pick =>
  (nowMs) => {
    call.hold = null;
    const picked = on(own, ...workers)(nowMs);
    if (typeof picked === 'string' || picked === own || !own.up || clock.nowMs() >= untilMs) return picked;
    call.hold = { worker: own, other: picked, untilMs };
    return 'full';
  };

/** As `heldFor`, and while nobody has room it says so ahead of time. */
export const asideFor = (
  call: GateCall,
  own: TestWorker,
  untilMs: number,
  clock: Clock,
  ...workers: TestWorker[]
): Pick => {
  const pick = heldFor(call, own, untilMs, clock, ...workers);
  return (nowMs) => {
    const picked = pick(nowMs);
    if (picked === 'full' && call.hold === null && own.up && clock.nowMs() < untilMs) {
      call.hold = { worker: own, other: null, untilMs };
    }
    return picked;
  };
};

type Answer = Permit | GateRefusal;

/** A permit, or why there is none. */
export function held(answer: Answer | Promise<Answer>): Permit {
  if (answer instanceof Promise) throw new Error('waits');
  if ('refused' in answer) throw new Error(answer.refused);
  return answer;
}

/** Why it was refused, or what it got. */
export function told(answer: Answer | Promise<Answer>): string {
  if (answer instanceof Promise) return 'waits';
  return 'refused' in answer ? answer.refused : answer.worker.id;
}

/** What a promise has come to by now. */
export async function settled<T>(promise: T | Promise<T>): Promise<T | 'pending'> {
  const pending = Symbol();
  const won = await Promise.race([promise, Promise.resolve().then(() => pending)]);
  return won === pending ? 'pending' : (won as T);
}
