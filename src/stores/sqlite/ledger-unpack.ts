// Records as they were, from what came over to the thread that writes. For the ledger on Node.
import type { Usage } from '../../core/dialect.ts';
import type { AttemptRecord, CallRecord } from '../../core/ledger.ts';
import type { CallBatch } from './ledger-codec.ts';

/** Above it, whole numbers are not exact, and SQLite would not take them for whole. */
const MOST = Number.MAX_SAFE_INTEGER;

/** Knows the texts of the batches before. */
export class CallUnpacker {
  #words: string[] = [];

  /** In the order in which batches were made. They stay packed, and small, until they are read. */
  accept(batch: CallBatch): () => readonly CallRecord[] {
    if (batch.fresh) this.#words = [];
    const words = this.#words;
    for (const word of batch.words) words.push(word);
    return () => {
      const reading = new BatchReading(batch, words);
      return Array.from({ length: batch.count }, () => reading.call());
    };
  }
}

/** Reads a batch from front to end. A number that is none must not keep a whole group from being written, so it is bounded here. */
class BatchReading {
  readonly #numbers: Float64Array;
  readonly #texts: string;
  readonly #words: readonly string[];
  #at = 0;
  #textAt = 0;

  constructor(batch: CallBatch, words: readonly string[]) {
    this.#numbers = batch.numbers;
    this.#texts = batch.text;
    this.#words = words;
  }

  call(): CallRecord {
    // Fields are read in the order in which they were packed.
    const id = this.#text() ?? '';
    const traceId = this.#text();
    const run = this.#text();
    const agent = this.#text();
    const names = {
      tenant: this.#word() ?? '',
      keyId: this.#word(),
      class: this.#word() as CallRecord['class'],
      dialect: this.#word() as CallRecord['dialect'],
      priority: this.#word() as CallRecord['priority'],
      step: this.#word() as CallRecord['step'],
      runSource: this.#word() as CallRecord['runSource'],
      asked: this.#word() ?? '',
      served: this.#word(),
      degraded: this.#word() as CallRecord['degraded'],
      how: this.#word() as CallRecord['how'],
      code: this.#word() as CallRecord['code'],
    };
    const facts = {
      arrivedMs: this.#whole(),
      stream: this.#next() === 1,
      prefix: this.#whole(),
      rung: orNull(this.#next()),
      queueMs: this.#amount(),
      coldMs: this.#amount(),
      firstContentMs: orNull(this.#next()),
      totalMs: this.#amount(),
      inputTokens: this.#whole(),
      estimated: this.#next() === 1,
      cost: this.#whole(),
      charge: this.#whole(),
      usage: this.#usage(),
    };
    const attempts = Array.from({ length: this.#next() }, () => this.#attempt());
    return { id, traceId, run, agent, ...names, ...facts, attempts };
  }

  #attempt(): AttemptRecord {
    return {
      target: this.#word() ?? '',
      kind: this.#word() as AttemptRecord['kind'],
      worker: this.#word() ?? '',
      model: this.#word() ?? '',
      outcome: this.#word() as AttemptRecord['outcome'],
      code: this.#word() as AttemptRecord['code'],
      beganMs: this.#amount(),
      durationMs: this.#amount(),
      firstContentMs: orNull(this.#next()),
      estimated: this.#next() === 1,
      gpuMs: orNull(this.#next()),
      gpuSource: this.#word() as AttemptRecord['gpuSource'],
      cost: this.#whole(),
      usage: this.#usage(),
    };
  }

  #usage(): Usage | null {
    if (this.#next() === 0) return null;
    const usage = {
      uncachedTokens: this.#whole(),
      cachedTokens: this.#whole(),
      outputTokens: this.#whole(),
      reasoningTokens: this.#whole(),
      cacheWriteTokens: this.#whole(),
      cacheWriteLongTokens: this.#whole(),
    };
    const serviceTier = this.#word();
    return serviceTier === null ? usage : { ...usage, serviceTier };
  }

  #next(): number {
    return this.#numbers[this.#at++]!;
  }

  #amount(): number {
    return bounded(this.#next());
  }

  #whole(): number {
    return Math.round(this.#amount());
  }

  #word(): string | null {
    const number = this.#next();
    return number < 0 ? null : this.#words[number]!;
  }

  #text(): string | null {
    const length = this.#next();
    if (length < 0) return null;
    this.#textAt += length;
    return this.#texts.slice(this.#textAt - length, this.#textAt);
  }
}

/** What is not a number, or below 0, counts as 0. */
export function bounded(value: number): number {
  return value > 0 ? Math.min(value, MOST) : 0;
}

function orNull(value: number): number | null {
  return Number.isNaN(value) ? null : bounded(value);
}
