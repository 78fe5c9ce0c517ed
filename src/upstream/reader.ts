// Reads one attempt's 200 body: when it commits, when it is whole, when it is a lie. For upstream/attempt.
import type { StreamJudge, UpstreamCall, Usage } from '../core/dialect.ts';
import { RouterError } from '../core/errors.ts';
import { REPLY_LIMITS } from '../core/limits.ts';
import type { Stop } from '../core/runs.ts';
import type { HeaderView } from '../core/transport.ts';
import { joined } from '../wire/join.ts';
import { EventFramer, STOP } from '../wire/sse.ts';

type Emit = (run: Uint8Array) => void;

export interface ReplyReader {
  /** Takes one chunk and emits what may go on. Answers with the fault that ends the reply, if it holds one. */
  push(chunk: Uint8Array, emit: Emit): RouterError | null;
  /** The upstream ended cleanly. Null: the reply is whole. */
  finish(emit: Emit): RouterError | null;
  /** First content (or the whole of a buffered reply) is here, or more is held back than may be. */
  readonly ready: boolean;
  /** The terminal event has been seen: whatever breaks now breaks nothing. */
  readonly terminal: boolean;
  /** Nothing more is to come. */
  readonly done: boolean;
  readonly usage: Usage | null;
  /** Why it ended, once that is known. */
  readonly stop: Stop | null;
  /** The name by which the target has stored the reply, where it told one. */
  readonly replyId: string | null;
  /** How long the target says that it worked for it, ms; null: it says nothing of it. */
  readonly reportedMs: number | null;
  /** What it says it bills by; null: it says nothing of it. */
  readonly searchUnits: number | null;
  /** Events with content so far; 0 of a reply that is no stream. */
  readonly contentEvents: number;
  /** The in-band error that ends the reply once its head went out; null where there is none. */
  failure(error: RouterError, requestId: string): Uint8Array | null;
}

const runaway = () =>
  new RouterError('upstream_error', 'The target sent more than a reply may hold.', { retryable: false });

export class StreamReader implements ReplyReader {
  readonly searchUnits = null;
  readonly #judge: StreamJudge;
  readonly #framer: EventFramer;
  readonly #maxHeldBytes: number;
  #events = 0;
  #bytes = 0;

  constructor(call: UpstreamCall) {
    const judge = call.judge();
    this.#judge = judge;
    this.#maxHeldBytes = Math.max(REPLY_LIMITS.maxHeldBytes, REPLY_LIMITS.maxHeldBodies * call.body.length);
    this.#framer = new EventFramer((bytes, start, end) => {
      // What stands behind the end is no part of the reply, also where one chunk brings both.
      if (judge.done) return STOP;
      this.#events++;
      return judge.judge(bytes, start, end);
    }, REPLY_LIMITS.maxEventBytes);
  }

  get ready(): boolean {
    if (this.#judge.started || this.#events > REPLY_LIMITS.maxHeldEvents) return true;
    // An event that is not whole yet proves nothing, however large: the framer has its own bound for it.
    return this.#bytes - this.#framer.heldBytes > this.#maxHeldBytes;
  }
  get terminal(): boolean {
    return this.#judge.finished;
  }
  get done(): boolean {
    return this.#judge.done;
  }
  get usage(): Usage | null {
    return this.#judge.usage;
  }
  get replyId(): string | null {
    return this.#judge.replyId ?? null;
  }
  get stop(): Stop | null {
    return this.#judge.stop;
  }
  get reportedMs(): number | null {
    return this.#judge.reportedMs;
  }
  get contentEvents(): number {
    return this.#judge.contentEvents;
  }

  push(chunk: Uint8Array, emit: Emit): RouterError | null {
    this.#bytes += chunk.length;
    if (this.#bytes > REPLY_LIMITS.maxReplyBytes) return runaway();
    const state = this.#framer.push(chunk, emit);
    if (state === 'too_large') return new RouterError('upstream_error', 'The target sent an event larger than 1 MiB.');
    return this.#judge.fault;
  }

  failure(error: RouterError, requestId: string): Uint8Array {
    return this.#judge.failure(error, requestId);
  }

  finish(): RouterError | null {
    this.#judge.tail(this.#framer.tail());
    if (this.#judge.fault !== null) return this.#judge.fault;
    if (this.#judge.finished) return null;
    return new RouterError('upstream_error', 'The target ended its stream before the reply was finished.');
  }
}

/** Holds a reply until it is whole, up to a bound; beyond it the reply goes out as it comes, unchecked. */
export class BufferedReader implements ReplyReader {
  usage: Usage | null = null;
  stop: Stop | null = null;
  replyId: string | null = null;
  reportedMs: number | null = null;
  searchUnits: number | null = null;
  readonly contentEvents = 0;
  terminal = false;
  readonly done = false;
  ready = false;
  /** Those of the reply's head. */
  headers: HeaderView = {};
  readonly #call: UpstreamCall;
  #chunks: Uint8Array[] = [];
  #bytes = 0;

  constructor(call: UpstreamCall) {
    this.#call = call;
  }

  failure(): null {
    return null;
  }

  push(chunk: Uint8Array, emit: Emit): RouterError | null {
    this.#bytes += chunk.length;
    if (this.#bytes > REPLY_LIMITS.maxReplyBytes) return runaway();
    if (this.ready) {
      emit(chunk);
      return null;
    }
    this.#chunks.push(chunk);
    if (this.#bytes > REPLY_LIMITS.maxBufferedBytes && !this.#call.translated) {
      this.ready = true;
      for (const held of this.#chunks) emit(held);
      this.#chunks = [];
    }
    return null;
  }

  finish(emit: Emit): RouterError | null {
    if (this.ready) return null;
    const whole = joined(this.#chunks, this.#bytes);
    try {
      const { usage, stop, replyId = null, reportedMs, searchUnits, body } = this.#call.check(whole, this.headers);
      this.usage = usage;
      this.stop = stop;
      this.replyId = replyId;
      this.reportedMs = reportedMs;
      this.searchUnits = searchUnits ?? null;
      this.ready = true;
      this.terminal = true;
      emit(body);
      return null;
    } catch (thrown) {
      if (thrown instanceof RouterError) return thrown;
      throw thrown;
    }
  }
}
