// What every way in makes of a caller's request before a decision is taken. For dialects, policy, router and the ways in.

import type { Dialect, ParsedCall } from './dialect.ts';
import type { Caller } from './keys.ts';
import type { Capability, Priority } from './names.ts';
import type { RunIdentity, StepKind } from './runs.ts';
import type { CallSignal } from './signal.ts';

/** What the caller asked of the router itself, from `x-spillway-*` request headers. Callers tighten, never widen. */
export interface Wants {
  /** `never` forbids substitutes; `same` rungs stay allowed. */
  readonly degrade: 'allow' | 'never';
  /** Longest wait for a slot, ms; null = the class's own. */
  readonly maxWaitMs: number | null;
  readonly priority: Priority | null;
  /** The lowest rung (the largest number, 1 is the top) that is still good enough; null = any. */
  readonly minRung: number | null;
  readonly require: readonly Capability[];
  /** How long the caller's own client waits for a reply, as far as it says so, ms; null = unsaid. */
  readonly timeoutMs: number | null;
}

export const NO_WANTS: Wants = {
  degrade: 'allow',
  maxWaitMs: null,
  priority: null,
  minRung: null,
  require: [],
  timeoutMs: null,
};

/** One call, whichever way it came in. `body` is the caller's bytes; nothing rewrites them in place. */
export interface InferenceRequest {
  /** `x-request-id`: ours, never the caller's. */
  readonly id: string;
  readonly dialect: Dialect;
  readonly body: Uint8Array;
  readonly call: ParsedCall;
  readonly caller: Caller;
  readonly wants: Wants;
  /** The run it says it belongs to; null: only its prompt can tell. */
  readonly run: RunIdentity | null;
  /** What its agent program says of this step; absent or null: nothing. */
  readonly step?: StepKind | null;
  /** W3C trace id that the caller sent, 32 hex digits; absent or null: none. */
  readonly traceId?: string | null;
  /** Aborts when the caller is gone. */
  readonly signal: CallSignal;
  /** Monotonic, when the head of the request was read. */
  readonly receivedMs: number;
}
