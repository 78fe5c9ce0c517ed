// How an answer leaves the router: a body that is piped into a sink, and what the reply says of itself. For all ways out.
import type { Usage } from './dialect.ts';
import type { RouterError } from './errors.ts';
import type { NanoUsd } from './money.ts';
import type { Reason, ScoreMeaning } from './names.ts';
import type { QuotaView } from './quota.ts';
import type { Stop } from './runs.ts';
import type { CallSignal } from './signal.ts';

/** How a call ended, said once. `complete` needs the dialect's terminal event; a closed socket is not enough. */
export interface End {
  readonly how: 'complete' | 'failed' | 'client_gone';
  readonly error: RouterError | null;
  /** Bytes handed to the sink. */
  readonly bytes: number;
  readonly usage: Usage | null;
  /** Why the reply ended; null where that is not known. */
  readonly stop: Stop | null;
}

/**
 * Where a reply goes. One writer, in this order: `head`, any number of `write`, then exactly one of `end` and `fail`.
 * After a refusal to take more (`write` answers false) the writer awaits `drained`. A sink whose reader has gone
 * swallows what comes and aborts the call's signal; it never throws.
 */
export interface Sink {
  /** `length` is the whole body's size in bytes where it is known. */
  head(status: number, headers: Readonly<Record<string, string>>, length: number | null): void;
  /** False: hold back until `drained`. */
  write(bytes: Uint8Array): boolean;
  drained(): Promise<void>;
  end(last?: Uint8Array): void;
  /** The reply cannot be finished: say so in-band where the dialect can, and never end cleanly where it cannot. */
  fail(error: RouterError): void;
}

/** A reply's bytes. Exactly one of `pipe` and `discard` is called, once. */
export interface ReplyBody {
  /** Bytes of the whole body when it is already here. */
  readonly length: number | null;
  /** Runs to the last byte. A body that is already whole may answer at once. */
  pipe(sink: Sink, signal: CallSignal): End | Promise<End>;
  /** The in-band error that ends this body once its head went out; null where the form has none: then the connection is cut. */
  failure(error: RouterError): Uint8Array | null;
  /** Nobody will read: frees what the body holds. */
  discard(): void;
}

/** What every reply discloses, streamed or not. */
export interface Disclosure {
  /** The model asked for. */
  readonly asked: string;
  /** `target/model` that answered. */
  readonly served: string;
  /** 1 is the top of the ladder. */
  readonly rung: number;
  /** Why a substitute answered; null when the asked model did. `capability`: the asked model cannot do what the call needs. */
  readonly degraded: Reason | 'capability' | null;
  readonly attempts: number;
  readonly queueMs: number;
  /** How long the call waited for a cold worker, ms; 0 when it did not. */
  readonly coldMs: number;
  readonly zone: string | null;
  /** Fields of the request that the target could not be told. */
  readonly dropped: readonly string[];
  /** What the scores of a rerank reply mean; null for all other replies. */
  readonly scores: ScoreMeaning | null;
  /** What the tenant's rates have left. Absent or null: it has none. */
  readonly quota?: QuotaView | null;
  /** What the call is charged, where that is known before the reply goes out. */
  readonly charge?: NanoUsd | null;
}

export interface InferenceReply {
  readonly contentType: string;
  readonly disclosure: Disclosure;
  /** Headers of the target's own reply that policy lets through: name, value, name, value. */
  readonly headers: readonly string[];
  readonly body: ReplyBody;
}
