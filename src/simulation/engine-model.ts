// What a model of an inference engine is told, what it answers and what it counts. For worker models and the transport.

/** What an engine has to do for one call, and what it is told on the way. */
export interface EngineJob {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Hashes of the prompt's leading whole blocks, each one telling all before it too. */
  readonly blocks: readonly number[];
  readonly blockTokens: number;
  /** The engine has read these blocks before the simulation began. */
  readonly isKnown: boolean;
  /** It runs now; so many of its prompt tokens need not be read again. */
  started(cachedTokens: number): void;
  /** The first token is there. */
  content(): void;
  ended(): void;
  /** The worker went down under it. */
  cut(): void;
}

/** Frees the place of a job whose caller is gone; after the job's end it does nothing. */
export type Cancel = () => void;

/** Sums since the start; whoever wants a rate subtracts two of them. */
export interface EngineTotals {
  /** Prompt tokens read, cached ones left out, and tokens made. */
  readonly prefilled: number;
  readonly decoded: number;
  /** Calls × ms, those in the engine's own queue included. */
  readonly callMs: number;
}

export interface EngineModel {
  /** `full`: its queue has no room. `too_long`: it could never hold the call. */
  submit(job: EngineJob): Cancel | 'full' | 'too_long';
  /** From now on everything takes so many times as long. */
  slow(factor: number): void;
  /** Every job is cut, and nothing is remembered. */
  restart(): void;
  totals(): EngineTotals;
  readonly running: number;
  readonly waiting: number;
  /** Share of its memory that running calls hold. */
  readonly memoryShare: number;
}
