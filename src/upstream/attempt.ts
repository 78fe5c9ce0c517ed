// One try at one worker, from the first byte sent to the last byte delivered: timers, commit, truth. For router/dispatch.
import type { UpstreamCall, Usage } from '../core/dialect.ts';
import { RouterError } from '../core/errors.ts';
import type { Target, Timeouts } from '../core/plan.ts';
import type { End, ReplyBody, Sink } from '../core/reply.ts';
import type { InferenceRequest } from '../core/request.ts';
import type { Clock } from '../core/runtime.ts';
import type { CallSignal } from '../core/signal.ts';
import {
  type Exchange,
  type HeaderView,
  headerOf,
  type Transport,
  type TransportFault,
  type UpstreamHandler,
} from '../core/transport.ts';
import type { WorkerHealth, WorkerView } from '../core/worker.ts';
import { classifyFault, classifyHead, classifyStatus } from './classify.ts';
import { Deadline } from './deadline.ts';
import { BufferedReader, type ReplyReader, StreamReader } from './reader.ts';

export interface AttemptDeps {
  readonly transport: Transport;
  readonly clock: Clock;
}

export interface AttemptSpec {
  readonly request: InferenceRequest;
  readonly target: Target;
  /** The name by which the target knows the model. */
  readonly model: string;
  readonly worker: WorkerView & Pick<WorkerHealth, 'replied'>;
  readonly timeouts: Timeouts;
  /** When the whole call must be over, monotonic ms. */
  readonly callDeadlineMs: number;
}

/** How long a finished exchange may take to close by itself before its connection is dropped, ms. */
const LINGER_MS = 1_000;
/** How much of an error reply is read for what it means. */
const MAX_ERROR_BYTES = 64 * 1024;

const NONE: readonly string[] = [];

/** A dialect's path without the version that the base path names already. */
function unversioned(path: string): string {
  return path.replace(/^\/v\d+(?=\/)/, '');
}

function headersOf(id: string, dialect: readonly string[], worker: readonly string[]): readonly string[] {
  const own = ['x-request-id', id];
  // Most dialects have none, most workers one.
  return dialect.length === 0 && worker.length === 0 ? own : own.concat(dialect, worker);
}

type Phase = 'connect' | 'headers' | 'content' | 'stream' | 'refusal' | 'over';

/**
 * Before its commit an attempt fails by what `committed` resolves with; after it, by the sink's `fail`. Whichever way it ends,
 * the exchange is over and the timer gone, and nothing of it is called again.
 */
export class Attempt implements UpstreamHandler, ReplyBody {
  /** Among the attempts that are not over. */
  place = -1;
  /** Null: first content is here. Else why there is none. */
  readonly committed: Promise<RouterError | null>;
  length: number | null = null;
  /** What of the target's reply head is passed on: name, value. */
  headers: readonly string[] = NONE;
  readonly upstream: UpstreamCall;
  /** From sending to first content, or to the whole of a buffered reply, ms; null before that. */
  firstContentMs: number | null = null;
  /** When it committed, monotonic ms; 0 before that. */
  committedMs = 0;
  #phase: Phase = 'connect';
  #commit!: (failure: RouterError | null) => void;
  #isCommitted = false;
  readonly #spec: AttemptSpec;
  readonly #clock: Clock;
  readonly #reader: ReplyReader;
  readonly #deadline: Deadline;
  readonly #exchange: Exchange;
  #sink: Sink | null = null;
  #resolveEnd: ((end: End) => void) | null = null;
  #end: End | null = null;
  #held: Uint8Array[] = [];
  #bytes = 0;
  #sentMs = 0;
  #paused = false;
  /** The caller left behind the terminal event: what the worker still tells of its usage is read, for LINGER_MS at most. */
  #left = false;
  #refusal: { status: number; headers: HeaderView; chunks: Uint8Array[]; bytes: number } | null = null;

  constructor(spec: AttemptSpec, deps: AttemptDeps) {
    const { request, worker } = spec;
    const { call } = request;
    const upstream = call.toward(spec.target, spec.model);
    this.upstream = upstream;
    this.#spec = spec;
    this.#clock = deps.clock;
    this.committed = new Promise((resolve) => {
      this.#commit = resolve;
    });
    this.#reader = call.stream ? new StreamReader(upstream) : new BufferedReader(upstream);
    const nowMs = deps.clock.nowMs();
    this.#deadline = new Deadline(deps.clock, this.#late);
    this.#limit(spec.timeouts.connectMs, nowMs);
    request.signal.onAbort(this.#callerGone);
    this.#exchange = deps.transport.send(
      {
        origin: worker.origin,
        path: worker.basePath + (worker.versioned ? unversioned(upstream.path) : upstream.path),
        method: 'POST',
        headers: headersOf(request.id, upstream.headers, worker.headers),
        body: upstream.body,
      },
      this,
    );
    if (request.signal.aborted) this.#exchange.abort();
  }

  get usage(): Usage | null {
    return this.#reader.usage;
  }

  get replyId(): string | null {
    return this.#reader.replyId;
  }

  /** How long the target says that it worked for it, ms; null: it says nothing of it. */
  get reportedMs(): number | null {
    return this.#reader.reportedMs;
  }

  /** What a rerank API says that it bills by; null: it says nothing of it. */
  get searchUnits(): number | null {
    return this.#reader.searchUnits;
  }

  /** Of a stream, events with content that have come, and bytes that went on: what was used where nobody says it. */
  get contentEvents(): number {
    return this.#reader.contentEvents;
  }
  get bytes(): number {
    return this.#bytes;
  }

  /** How long ago it was sent, ms; 0: it was not. */
  get ageMs(): number {
    return this.#sentMs === 0 ? 0 : this.#clock.nowMs() - this.#sentMs;
  }

  sent(): void {
    if (this.#phase !== 'connect') return;
    this.#phase = 'headers';
    this.#sentMs = this.#clock.nowMs();
    const { call } = this.#spec.request;
    this.#limit(call.stream ? this.#spec.timeouts.headersMs : Number.POSITIVE_INFINITY, this.#sentMs);
  }

  head(status: number, headers: HeaderView): void {
    if (this.#phase === 'over') return;
    this.#spec.worker.replied(this.#spec.model, headers);
    if (status !== 200) {
      this.#phase = 'refusal';
      this.#refusal = { status, headers, chunks: [], bytes: 0 };
      this.#limit(this.#spec.timeouts.connectMs, this.#clock.nowMs());
      return;
    }
    const { call } = this.#spec.request;
    const fault = classifyHead(this.#spec.target.name, headers, call.stream);
    if (fault !== null) return this.#failed(fault);
    this.#phase = 'content';
    this.#keep(headers);
    // First content is due a fixed time after sending; a buffered reply may be silent until its first byte.
    if (call.stream) this.#limit(this.#spec.timeouts.firstContentMs, this.#sentMs);
    else this.#limit(Number.POSITIVE_INFINITY, this.#sentMs);
  }

  #keep(headers: HeaderView): void {
    if (this.#reader instanceof BufferedReader) this.#reader.headers = headers;
    const { replyHeaders } = this.#spec.worker;
    if (replyHeaders.length === 0) return;
    const kept: string[] = [];
    for (const name of replyHeaders) {
      const value = headerOf(headers, name);
      if (value !== null) kept.push(name, value);
    }
    this.headers = kept;
  }

  data(chunk: Uint8Array): void {
    if (this.#phase === 'over') return;
    if (this.#refusal !== null) return this.#readRefusal(chunk);
    const fault = this.#reader.push(chunk, this.#emit);
    if (fault !== null) return this.#failed(fault);
    if (!this.#isCommitted && this.#reader.ready) this.#committedNow(null);
    if (this.#reader.done) return this.#complete(true);
    // Frames without content do not prove progress: only after the commit does each chunk earn another idle span.
    if (this.#left) return;
    if (this.#phase === 'stream' || !this.#spec.request.call.stream) this.#limit(this.#idleMs(), this.#clock.nowMs());
  }

  end(): void {
    if (this.#phase === 'over') return this.#deadline.cancel();
    if (this.#refusal !== null) return this.#refused();
    const fault = this.#reader.finish(this.#emit);
    if (fault !== null) return this.#failed(fault);
    if (!this.#isCommitted) this.#committedNow(this.#spec.request.call.stream ? null : (this.#held[0]?.length ?? 0));
    this.#complete(false);
  }

  fail(fault: TransportFault): void {
    if (this.#phase === 'over') return this.#deadline.cancel();
    if (this.#refusal !== null) return this.#refused();
    if (this.#reader.terminal) return this.#complete(false);
    this.#failed(classifyFault(this.#spec.target.name, fault));
  }

  pipe(sink: Sink, _signal: CallSignal): End | Promise<End> {
    this.#sink = sink;
    const held = this.#held;
    this.#held = [];
    const end = this.#end;
    if (end?.how === 'complete' && held.length === 1) {
      sink.end(held[0]);
      return end;
    }
    for (const run of held) this.#write(sink, run);
    if (end !== null) {
      this.#close(sink, end);
      return end;
    }
    if (this.#paused) this.#resumeWhenDrained(sink);
    return new Promise((resolve) => {
      this.#resolveEnd = resolve;
    });
  }

  /** The router ends it: an in-band error after the commit, a refusal before. */
  interrupt(error: RouterError): void {
    this.#failed(error);
  }

  failure(error: RouterError): Uint8Array | null {
    return this.#reader.failure(error, this.#spec.request.id);
  }

  discard(): void {
    if (this.#phase !== 'over') this.#finish({ how: 'client_gone', error: null }, true);
  }

  readonly #emit = (run: Uint8Array): void => {
    this.#bytes += run.length;
    if (this.#sink !== null) return this.#write(this.#sink, run);
    this.#held.push(run);
    // Between commit and pipe lies one turn of the loop; a flood in it waits in the socket, not here.
    if (this.#isCommitted) this.#pause();
  };

  #write(sink: Sink, run: Uint8Array): void {
    if (sink.write(run) || this.#paused) return;
    this.#pause();
    this.#resumeWhenDrained(sink);
  }

  #pause(): void {
    if (this.#paused || this.#left || this.#phase === 'over') return;
    this.#paused = true;
    this.#exchange.pause();
    this.#limit(Number.POSITIVE_INFINITY, this.#clock.nowMs());
  }

  #resumeWhenDrained(sink: Sink): void {
    void sink.drained().then(() => {
      if (!this.#paused || this.#phase === 'over') return;
      this.#paused = false;
      this.#limit(this.#idleMs(), this.#clock.nowMs());
      this.#exchange.resume();
    });
  }

  /** A slow reader is no fault of the worker: while paused only the call's own deadline runs. */
  #idleMs(): number {
    return this.#paused ? Number.POSITIVE_INFINITY : this.#spec.timeouts.idleMs;
  }

  #limit(ms: number, nowMs: number): void {
    this.#deadline.set(Math.min(nowMs + ms, this.#spec.callDeadlineMs), nowMs);
  }

  #committedNow(length: number | null): void {
    this.#isCommitted = true;
    this.committedMs = this.#clock.nowMs();
    this.firstContentMs = this.committedMs - this.#sentMs;
    this.#phase = 'stream';
    this.length = length;
    this.#commit(null);
  }

  #readRefusal(chunk: Uint8Array): void {
    const refusal = this.#refusal!;
    refusal.bytes += chunk.length;
    refusal.chunks.push(chunk);
    if (refusal.bytes > MAX_ERROR_BYTES) this.#refused();
  }

  #refused(): void {
    const { status, headers, chunks } = this.#refusal!;
    const decoder = new TextDecoder();
    const body = chunks
      .map((chunk) => decoder.decode(chunk, { stream: true }))
      .join('')
      .slice(0, MAX_ERROR_BYTES);
    this.#failed(classifyStatus(this.#spec.target.name, status, headers, body, this.#clock.wallMs()));
  }

  readonly #late = (): void => {
    if (this.#phase === 'over') return this.#exchange.abort();
    if (this.#refusal !== null) return this.#refused();
    if (this.#left) return this.#finish({ how: 'complete', error: null }, true);
    if (this.#reader.terminal) return this.#complete(true);
    this.#failed(this.#lateError());
  };

  #lateError(): RouterError {
    const name = this.#spec.target.name;
    if (this.#clock.nowMs() >= this.#spec.callDeadlineMs) {
      const text = `The call took longer than its class allows (${this.#spec.timeouts.totalMs} ms).`;
      return new RouterError('upstream_timeout', text, { reason: 'slow', descends: false });
    }
    if (this.#phase === 'connect') return classifyFault(name, { kind: 'connect_timeout', text: '' });
    const what = this.#isCommitted ? 'went silent in the middle of its reply' : 'did not begin its reply in time';
    // Another worker may answer; the silent one is not asked again in place.
    return new RouterError('upstream_timeout', `${name} ${what}.`, { reason: 'slow', retryable: true });
  }

  /** Closing after the terminal event is no abort: the worker may finish, and its usage is still read. */
  readonly #callerGone = (): void => {
    if (!this.#reader.terminal || !this.#isCommitted) return this.#finish({ how: 'client_gone', error: null }, true);
    if (this.#reader.usage !== null) return this.#complete(true);
    this.#left = true;
    const nowMs = this.#clock.nowMs();
    this.#deadline.set(nowMs + LINGER_MS, nowMs);
    if (!this.#paused) return;
    this.#paused = false;
    this.#exchange.resume();
  };

  #failed(error: RouterError): void {
    this.#finish({ how: 'failed', error }, true);
  }

  /** `lingers`: the upstream has not closed the exchange yet. */
  #complete(lingers: boolean): void {
    this.#finish({ how: 'complete', error: null }, false);
    if (!lingers) return;
    const nowMs = this.#clock.nowMs();
    this.#deadline.set(nowMs + LINGER_MS, nowMs);
  }

  #finish(how: Pick<End, 'how' | 'error'>, abort: boolean): void {
    if (this.#phase === 'over') return;
    this.#phase = 'over';
    this.#deadline.cancel();
    this.#spec.request.signal.offAbort(this.#callerGone);
    if (abort) this.#exchange?.abort();
    else if (this.#paused) this.#exchange.resume();
    const end: End = { ...how, bytes: this.#bytes, usage: this.#reader.usage, stop: this.#reader.stop };
    this.#end = end;
    if (!this.#isCommitted) {
      this.#commit(how.error ?? new RouterError('client_gone', 'The caller is gone.'));
      return;
    }
    if (this.#sink === null) return;
    this.#close(this.#sink, end);
    this.#resolveEnd?.(end);
  }

  #close(sink: Sink, end: End): void {
    if (end.how === 'complete') sink.end();
    else if (end.error !== null) sink.fail(end.error);
  }
}
