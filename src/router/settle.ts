// Closes each attempt once and each call once, at its last byte, error or disconnect. For router/dispatch.
import { RouterError } from '../core/errors.ts';
import type { AttemptOutcome, Permit } from '../core/gate.ts';
import type { Disclosure, End, ReplyBody, Sink } from '../core/reply.ts';
import type { InferenceRequest } from '../core/request.ts';
import type { Clock, Log } from '../core/runtime.ts';
import type { CallSignal } from '../core/signal.ts';
import type { WorkerHealth } from '../core/worker.ts';

/** What a failure says of the worker: only its own failures count; the caller's leave no trace. */
export function outcomeOf(error: RouterError | null, how: End['how']): AttemptOutcome {
  if (how === 'complete') return 'won';
  return error !== null && error.blame === 'worker' ? 'failed' : 'ignored';
}

/** Closes one attempt: health first, since closing the permit hands the slot to the next in line there and then. */
export function closeAttempt(
  permit: Permit,
  health: WorkerHealth,
  begun: number,
  model: string,
  error: RouterError | null,
  how: End['how'],
): void {
  const outcome = outcomeOf(error, how);
  health.record(outcome, error, begun, model);
  permit.close(outcome);
}

export interface CallBooks {
  readonly clock: Clock;
  readonly log: Log;
  /** Calls that have begun and not ended. */
  open: number;
  /** Attempts that are not over, so that a shutdown can end them. */
  readonly attempts: Set<{ interrupt(error: RouterError): void }>;
}

/** One line per call, made after its last byte. Without prompt, completion, header values or query. */
export function closeCall(books: CallBooks, request: InferenceRequest, said: Disclosure | null, end: End): void {
  books.open--;
  const { error, usage } = end;
  const fields = {
    id: request.id,
    tenant: request.caller.tenant,
    key: request.caller.keyId ?? undefined,
    dialect: request.dialect.name,
    stream: request.call.stream,
    asked: said?.asked ?? request.call.model,
    served: said?.served,
    rung: said?.rung,
    degraded: said?.degraded,
    attempts: said?.attempts ?? error?.detail.attempts,
    how: end.how,
    code: error?.code,
    queueMs: said === null ? undefined : Math.round(said.queueMs),
    totalMs: Math.round(books.clock.nowMs() - request.receivedMs),
    bytes: end.bytes,
    uncachedTokens: usage?.uncachedTokens,
    cachedTokens: usage?.cachedTokens,
    outputTokens: usage?.outputTokens,
  };
  books.log.info('call', fields);
}

/** A reply body that closes its attempt and its call when it ends, whichever way that is. */
export class SettledBody implements ReplyBody {
  readonly #inner: ReplyBody;
  readonly #close: (end: End) => void;

  constructor(inner: ReplyBody, close: (end: End) => void) {
    this.#inner = inner;
    this.#close = close;
  }

  get length(): number | null {
    return this.#inner.length;
  }

  pipe(sink: Sink, signal: CallSignal): End | Promise<End> {
    const end = this.#inner.pipe(sink, signal);
    if (end instanceof Promise) return end.then(this.#closed);
    return this.#closed(end);
  }

  failure(error: RouterError): Uint8Array | null {
    return this.#inner.failure(error);
  }

  discard(): void {
    this.#inner.discard();
    this.#close({
      how: 'client_gone',
      error: new RouterError('client_gone', 'Nobody reads the reply.'),
      bytes: 0,
      usage: null,
    });
  }

  readonly #closed = (end: End): End => {
    this.#close(end);
    return end;
  };
}
