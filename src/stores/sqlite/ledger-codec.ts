// Records on their way to the thread that writes: numbers in one block, texts that repeat said once. For the ledger on Node.
import type { Usage } from '../../core/dialect.ts';
import type { AttemptRecord, CallRecord } from '../../core/ledger.ts';

/** Numbers that a call and an attempt take at most. */
const CALL_NUMBERS = 40;
const ATTEMPT_NUMBERS = 24;
/** Texts known by number at most. Names come from callers too, so they end some time; then both sides begin anew. */
const MAX_WORDS = 8_192;
const FIRST_NUMBERS = 4_096;
const NONE = -1;
/** Places of names of closed sets. */
const NAMES = 10;

/** What goes over to the thread. The buffer is handed over, not copied again. */
export interface CallBatch {
  readonly count: number;
  readonly numbers: Float64Array<ArrayBuffer>;
  readonly text: string;
  /** Texts that the numbers name, beyond those of the batches before. */
  readonly words: readonly string[];
  /** Texts of the batches before are forgotten. */
  readonly fresh: boolean;
}

/** Takes what it needs of a record at once: it keeps no reference. */
export class CallPacker {
  count = 0;
  #numbers = new Float64Array(FIRST_NUMBERS);
  #used = 0;
  #texts: string[] = [];
  #known = new Map<string, number>();
  #words: string[] = [];
  #fresh = true;
  #lastNames: (string | undefined)[] = new Array(NAMES).fill(undefined);
  #lastNumbers: number[] = new Array(NAMES).fill(NONE);

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
    n[at++] = this.#name(record.class, 0);
    n[at++] = this.#name(record.dialect, 1);
    n[at++] = this.#name(record.priority, 2);
    n[at++] = this.#name(record.step, 3);
    n[at++] = this.#name(record.runSource, 4);
    n[at++] = this.#word(record.asked);
    n[at++] = this.#word(record.served);
    n[at++] = this.#name(record.degraded, 5);
    n[at++] = this.#name(record.how, 6);
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
      text: this.#texts.join(''),
      words: this.#words,
      fresh: this.#fresh,
    };
    this.count = this.#used = 0;
    this.#texts = [];
    this.#words = [];
    this.#fresh = false;
    if (this.#known.size > MAX_WORDS) this.#forget();
    return batch;
  }

  /** Whoever gets the next batch has not got the ones before. */
  repeat(): void {
    this.#words = [...this.#known.keys()];
    this.#fresh = true;
  }

  /** The next batch begins anew, so that what is known stays bounded. */
  #forget(): void {
    this.#known.clear();
    this.#lastNames.fill(undefined);
    this.#words = [];
    this.#fresh = true;
  }

  #attempt(attempt: AttemptRecord, at: number): number {
    const n = this.#numbers;
    n[at++] = this.#word(attempt.target);
    n[at++] = this.#name(attempt.kind, 7);
    n[at++] = this.#word(attempt.worker);
    n[at++] = this.#word(attempt.model);
    n[at++] = this.#name(attempt.outcome, 8);
    n[at++] = this.#word(attempt.code);
    n[at++] = attempt.beganMs;
    n[at++] = attempt.durationMs;
    n[at++] = attempt.firstContentMs ?? Number.NaN;
    n[at++] = attempt.estimated ? 1 : 0;
    n[at++] = attempt.gpuMs ?? Number.NaN;
    n[at++] = this.#name(attempt.gpuSource, 9);
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

  /** Of a closed set: mostly the same as the last one in its place, which is told without a look-up. */
  #name(text: string | null, place: number): number {
    if (text === null) return NONE;
    if (text === this.#lastNames[place]) return this.#lastNumbers[place]!;
    const number = this.#word(text);
    this.#lastNames[place] = text;
    this.#lastNumbers[place] = number;
    return number;
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

  /** A text that hardly repeats; answers with its length. All of them become one text in the end, which is copied as a whole. */
  #inline(text: string | null): number {
    if (text === null) return NONE;
    this.#texts.push(text);
    return text.length;
  }

  #room(more: number): void {
    if (this.#used + more <= this.#numbers.length) return;
    const next = new Float64Array(Math.max(this.#used + more, this.#numbers.length * 2));
    next.set(this.#numbers);
    this.#numbers = next;
  }
}
