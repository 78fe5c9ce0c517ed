// Records on their way to the thread that writes: numbers in one block, texts that repeat said once. For the ledger on Node.
import type { Usage } from '../../core/dialect.ts';
import type { AttemptRecord, CallRecord } from '../../core/ledger.ts';

/** Numbers that a call and an attempt take at most. */
const CALL_NUMBERS = 40;
const ATTEMPT_NUMBERS = 24;
/** Texts known by number at most. Names come from callers too, so they end some time; then both sides begin anew. */
const MAX_WORDS = 8_192;
const FIRST_NUMBERS = 4_096;
const FIRST_BYTES = 16_384;
/** Bytes of UTF-8 that one UTF-16 unit takes at most. */
const UTF8_MOST = 3;
const NONE = -1;
const encoder = new TextEncoder();

/** What goes over to the thread. Buffers are handed over, not copied again. */
export interface CallBatch {
  readonly count: number;
  readonly numbers: Float64Array<ArrayBuffer>;
  readonly text: Uint8Array<ArrayBuffer>;
  /** Texts that the numbers name, beyond those of the batches before. */
  readonly words: readonly string[];
  /** Texts of the batches before are forgotten. */
  readonly fresh: boolean;
}

/** Takes what it needs of a record at once: it keeps no reference. */
export class CallPacker {
  count = 0;
  #numbers = new Float64Array(FIRST_NUMBERS);
  #text = new Uint8Array(FIRST_BYTES);
  #used = 0;
  #textUsed = 0;
  #known = new Map<string, number>();
  #words: string[] = [];
  #fresh = true;

  add(record: CallRecord): void {
    const { attempts } = record;
    this.#room(CALL_NUMBERS + attempts.length * ATTEMPT_NUMBERS);
    const n = this.#numbers;
    let at = this.#used;
    n[at++] = this.#inline(record.id);
    n[at++] = this.#inline(record.traceId);
    n[at++] = this.#inline(record.run);
    n[at++] = this.#inline(record.agent);
    n[at++] = this.#word(record.tenant);
    n[at++] = this.#word(record.keyId);
    n[at++] = this.#word(record.class);
    n[at++] = this.#word(record.dialect);
    n[at++] = this.#word(record.priority);
    n[at++] = this.#word(record.step);
    n[at++] = this.#word(record.runSource);
    n[at++] = this.#word(record.asked);
    n[at++] = this.#word(record.served);
    n[at++] = this.#word(record.degraded);
    n[at++] = this.#word(record.how);
    n[at++] = this.#word(record.code);
    n[at++] = record.arrivedMs;
    n[at++] = record.stream ? 1 : 0;
    n[at++] = record.prefix;
    n[at++] = record.rung ?? Number.NaN;
    n[at++] = record.queueMs;
    n[at++] = record.coldMs;
    n[at++] = record.firstContentMs ?? Number.NaN;
    n[at++] = record.totalMs;
    n[at++] = record.inputTokens;
    n[at++] = record.estimated ? 1 : 0;
    n[at++] = record.cost;
    n[at++] = record.charge;
    at = this.#usage(record.usage, at);
    n[at++] = attempts.length;
    for (let which = 0; which < attempts.length; which++) at = this.#attempt(attempts[which]!, at);
    this.#used = at;
    this.count++;
  }

  /** What was added since the last time. */
  take(): CallBatch {
    const batch = {
      count: this.count,
      numbers: this.#numbers.slice(0, this.#used),
      text: this.#text.slice(0, this.#textUsed),
      words: this.#words,
      fresh: this.#fresh,
    };
    this.count = this.#used = this.#textUsed = 0;
    this.#words = [];
    this.#fresh = this.#known.size > MAX_WORDS;
    if (this.#fresh) this.#known.clear();
    return batch;
  }

  /** The batch taken last does not go over: the next one says all of its texts anew. */
  forget(): void {
    this.#known.clear();
    this.#words = [];
    this.#fresh = true;
  }

  #attempt(attempt: AttemptRecord, at: number): number {
    const n = this.#numbers;
    n[at++] = this.#word(attempt.target);
    n[at++] = this.#word(attempt.kind);
    n[at++] = this.#word(attempt.worker);
    n[at++] = this.#word(attempt.model);
    n[at++] = this.#word(attempt.outcome);
    n[at++] = this.#word(attempt.code);
    n[at++] = attempt.beganMs;
    n[at++] = attempt.durationMs;
    n[at++] = attempt.firstContentMs ?? Number.NaN;
    n[at++] = attempt.estimated ? 1 : 0;
    n[at++] = attempt.gpuMs ?? Number.NaN;
    n[at++] = this.#word(attempt.gpuSource);
    n[at++] = attempt.cost;
    return this.#usage(attempt.usage, at);
  }

  #usage(usage: Usage | null, at: number): number {
    const n = this.#numbers;
    n[at++] = usage === null ? 0 : 1;
    if (usage === null) return at;
    n[at++] = usage.uncachedTokens;
    n[at++] = usage.cachedTokens;
    n[at++] = usage.outputTokens;
    n[at++] = usage.reasoningTokens;
    n[at++] = usage.cacheWriteTokens ?? 0;
    n[at++] = usage.cacheWriteLongTokens ?? 0;
    n[at++] = this.#word(usage.serviceTier ?? null);
    return at;
  }

  #word(text: string | null): number {
    if (text === null) return NONE;
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const number = this.#known.size;
    this.#known.set(text, number);
    this.#words.push(text);
    return number;
  }

  /** A text that hardly repeats, in bytes; answers with how many. */
  #inline(text: string | null): number {
    if (text === null) return NONE;
    const { length } = text;
    let at = this.#textUsed;
    const most = at + length * UTF8_MOST;
    if (most > this.#text.length) this.#text = grown(Uint8Array, this.#text, most);
    const bytes = this.#text;
    for (let place = 0; place < length; place++) {
      const code = text.charCodeAt(place);
      if (code > 127) return this.#encoded(text);
      bytes[at++] = code;
    }
    this.#textUsed = at;
    return length;
  }

  #encoded(text: string): number {
    const { written } = encoder.encodeInto(text, this.#text.subarray(this.#textUsed));
    this.#textUsed += written;
    return written;
  }

  #room(more: number): void {
    if (this.#used + more > this.#numbers.length) {
      this.#numbers = grown(Float64Array, this.#numbers, this.#used + more);
    }
  }
}

function grown<T extends Float64Array<ArrayBuffer> | Uint8Array<ArrayBuffer>>(
  Make: new (length: number) => T,
  old: T,
  least: number,
): T {
  const next = new Make(Math.max(least, old.length * 2));
  next.set(old);
  return next;
}
