// One call in line: what its order is made of, and how its answer reaches whoever waits for it. For the gate.
import type { GateCall, GateRefusal, Hold, Permit, Pick } from '../core/gate.ts';
import { PRIORITIES } from '../core/names.ts';
import type { Placed } from '../structures/heap.ts';
import type { Due } from './deadlines.ts';
import type { Flow } from './flow.ts';
import type { HeldCalls } from './held.ts';

const BACKGROUND = PRIORITIES.indexOf('background');

/** What the order within a tenant is made of. */
export interface Turn {
  readonly continues: boolean;
  readonly runArrivedMs: number;
  /** Counts arrivals. */
  readonly order: number;
}

/** Runs that go on before new ones, then the older run, then who came first. */
export function goesBefore(a: Turn, b: Turn): boolean {
  if (a.continues !== b.continues) return a.continues;
  if (a.runArrivedMs !== b.runArrivedMs) return a.runArrivedMs < b.runArrivedMs;
  return a.order < b.order;
}

/** The same as a number, but for runs that began within 0.1 µs of each other; ties go by `order`. */
export function turnKey({ continues, runArrivedMs }: Turn): number {
  return continues ? runArrivedMs - EVER_MS : runArrivedMs;
}

/** Longer than a process runs, ms: some 34 years. */
const EVER_MS = 2 ** 40;

export class Waiter implements Placed, Turn {
  place = -1;
  readonly call: GateCall;
  readonly pick: Pick;
  readonly sinceMs: number;
  readonly order: number;
  readonly continues: boolean;
  readonly runArrivedMs: number;
  /** Virtual tokens it is expected to use where it would use fewest. */
  readonly tokens: number;
  /** What it waits in; its age may take it to another. */
  flow: Flow;
  /** Whom it came as, and the wait that was forecast then by the work ahead; null: nothing told. */
  readonly home: Flow;
  forecastMs: number | null = null;
  /** Its age has moved it from background to batch. */
  raised = false;
  /** Its places among the arrivals of its flow and of its lane. */
  inFlow = -1;
  inLane = -1;
  due: Due | null = null;
  leave: (() => void) | null = null;
  /** What it was told; null: it waits. */
  answer: Permit | GateRefusal | null = null;
  fault: { readonly thrown: unknown } | null = null;
  /** Whom it is held for, and, while it is out of the order for that, where it stands. */
  hold: Hold | null = null;
  queue: HeldCalls | null = null;
  /** Among all that are held for that worker. */
  heldAt = -1;
  /** Among all that are held ahead of time. */
  asideAt = -1;
  #tell: ((answer: Permit | GateRefusal | Promise<never>) => void) | null = null;

  constructor(call: GateCall, pick: Pick, flow: Flow, sinceMs: number, order: number, tokens: number) {
    this.call = call;
    this.pick = pick;
    this.flow = flow;
    this.home = flow;
    this.sinceMs = sinceMs;
    this.order = order;
    this.continues = call.continues;
    this.runArrivedMs = call.runArrivedMs;
    this.tokens = tokens;
  }

  /** Held ahead of time, while nobody has room: it stands in line as all others do, but is asked only when its worker has. */
  get isAside(): boolean {
    return this.hold !== null && this.hold.other === null;
  }

  get told(): boolean {
    return this.answer !== null || this.fault !== null;
  }

  /** When its age raises it: to batch from background. A flood that grew old would stand beside what must not wait for it. */
  get raiseMs(): number {
    return this.flow.band === BACKGROUND ? this.sinceMs + this.call.maxWaitMs / 2 : Number.POSITIVE_INFINITY;
  }

  get deadlineMs(): number {
    return this.sinceMs + this.call.maxWaitMs;
  }

  /** The next of all times at which something becomes of it. */
  get dueMs(): number {
    const holdMs = this.hold?.untilMs ?? Number.POSITIVE_INFINITY;
    return Math.min(this.raiseMs, this.deadlineMs, holdMs);
  }

  settle(answer: Permit | GateRefusal): void {
    this.answer = answer;
    this.#tell?.(answer);
  }

  /** Its own pick or estimate is broken. */
  fail(thrown: unknown): void {
    this.fault = { thrown };
    this.#tell?.(Promise.reject(thrown));
  }

  /** Once, and only while it waits. */
  later(): Promise<Permit | GateRefusal> {
    return new Promise((tell) => {
      this.#tell = tell;
    });
  }
}
