// Closes each attempt once and each call once, at its last byte, error or disconnect. For router/dispatch.
import type { Usage } from '../core/dialect.ts';
import { RouterError } from '../core/errors.ts';
import type { AttemptOutcome } from '../core/gate.ts';
import type { Metrics } from '../core/metrics.ts';
import { NANO_USD_PER_USD } from '../core/money.ts';
import type { Disclosure, End, ReplyBody, Sink } from '../core/reply.ts';
import type { InferenceRequest } from '../core/request.ts';
import type { Clock, Log } from '../core/runtime.ts';
import type { CallSignal } from '../core/signal.ts';
import type { Bag } from '../structures/bag.ts';
import type { Placed } from '../structures/heap.ts';
import type { Attempt } from '../upstream/attempt.ts';
import type { Progress } from './progress.ts';
import type { Try } from './rung.ts';

/** What a failure says of the worker: only its own failures count; the caller's leave no trace. */
export function outcomeOf(error: RouterError | null, how: End['how']): AttemptOutcome {
  if (how === 'complete') return 'won';
  return error !== null && error.blame === 'worker' ? 'failed' : 'ignored';
}

/** A buffered chat reply is silent until it is whole: when it came says how long it is. */
const tellsOfSpeed = ({ call, dialect }: InferenceRequest): boolean => call.stream || dialect.class !== 'chat';

/** First content has come: the prompt is read, and how long that took is news of the worker. */
export function openReply(
  { permit, worker, placing, inFlight, backlogTokens }: Try,
  request: InferenceRequest,
  { firstContentMs }: Pick<Attempt, 'firstContentMs'>,
): void {
  permit.began();
  if (firstContentMs === null || !tellsOfSpeed(request)) return;
  const aheadTokens = Math.max(0, backlogTokens - placing.uncachedAt(worker));
  worker.began({ firstContentMs, inputTokens: placing.inputTokens, aheadTokens, inFlight });
}

/** Closes one attempt: health first, since closing the permit hands the slot to the next in line there and then. */
export function closeAttempt(
  { permit, worker, placing, begun, inFlight, backlogTokens }: Try,
  request: InferenceRequest,
  attempt: Pick<Attempt, 'usage' | 'firstContentMs' | 'ageMs' | 'committedMs'> | null,
  error: RouterError | null,
  how: End['how'],
): void {
  const outcome = outcomeOf(error, how);
  const usage = attempt?.usage ?? null;
  const tells = tellsOfSpeed(request);
  const expected = placing.uncachedAt(worker);
  const uncachedTokens = usage === null ? expected : placing.inputTokens * uncachedShare(usage);
  worker.record({
    outcome,
    error,
    begun,
    model: placing.model,
    firstContentMs: tells ? (attempt?.firstContentMs ?? null) : null,
    beganMs: tells && attempt !== null && attempt.firstContentMs !== null ? attempt.committedMs : null,
    wholeMs: tells || attempt === null ? null : (attempt.firstContentMs ?? attempt.ageMs),
    outputTokens: usage?.outputTokens ?? placing.outputTokens,
    uncachedTokens,
    expectedTokens: expected,
    inFlight,
    // The call's own part of it was an estimate.
    backlogTokens: Math.max(0, backlogTokens - expected) + uncachedTokens,
  });
  permit.close(outcome, usage === null ? null : usage.uncachedTokens + 2 * usage.outputTokens);
}

/** What of a prompt was read anew, as reported; speeds are learned in the router's own measure of its length. */
function uncachedShare({ uncachedTokens, cachedTokens }: Usage): number {
  const all = uncachedTokens + cachedTokens;
  return all === 0 ? 1 : uncachedTokens / all;
}

export interface CallBooks {
  /** Calls that have begun and not ended. */
  open: number;
  /** Attempts that are not over, so that a shutdown can end them. */
  readonly attempts: Bag<Placed & { interrupt(error: RouterError): void }>;
}

export interface SettleDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly books: CallBooks;
}

/** One line per call, made after its last byte. Without prompt, completion, header values or query. */
export function closeCall(
  { books, clock, log, metrics }: SettleDeps,
  request: InferenceRequest,
  progress: Progress | null,
  said: Disclosure | null,
  end: End,
): void {
  books.open--;
  const { error, usage } = end;
  const { caller, call, dialect } = request;
  const totalMs = clock.nowMs() - request.receivedMs;
  const account = progress?.account ?? null;
  if (progress !== null) account?.close(progress, said, end, totalMs);
  const firstContentMs = progress?.firstContentMs ?? null;
  const fields = {
    id: request.id,
    tenant: caller.tenant,
    key: caller.keyId ?? undefined,
    dialect: dialect.name,
    stream: call.stream,
    priority: progress?.priority,
    step: progress?.step,
    asked: said?.asked ?? call.model,
    served: said?.served,
    rung: said?.rung,
    degraded: said?.degraded,
    attempts: said?.attempts ?? error?.detail.attempts,
    how: end.how,
    code: error?.code,
    queueMs: said === null ? undefined : Math.round(said.queueMs),
    ttftMs: firstContentMs === null ? undefined : Math.round(firstContentMs),
    totalMs: Math.round(totalMs),
    bytes: end.bytes,
    uncachedTokens: usage?.uncachedTokens,
    cachedTokens: usage?.cachedTokens,
    outputTokens: usage?.outputTokens,
    costUsd: account === null ? undefined : account.cost / NANO_USD_PER_USD,
    chargeUsd: account === null ? undefined : account.charge / NANO_USD_PER_USD,
  };
  log.info('call', fields);
  metrics.call({
    class: dialect.class,
    priority: progress?.priority ?? 'interactive',
    tenant: caller.tenant,
    target: said === null ? null : said.served.slice(0, said.served.indexOf('/')),
    how: end.how,
    code: error?.code ?? null,
    degraded: said?.degraded ?? null,
    queueMs: progress?.queueMs ?? 0,
    firstContentMs,
    totalMs,
    attempts: fields.attempts ?? 0,
    uncachedTokens: usage?.uncachedTokens ?? 0,
    cachedTokens: usage?.cachedTokens ?? 0,
    outputTokens: usage?.outputTokens ?? 0,
    cost: account?.cost ?? 0,
    charge: account?.charge ?? 0,
  });
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
      stop: null,
    });
  }

  readonly #closed = (end: End): End => {
    this.#close(end);
    return end;
  };
}
