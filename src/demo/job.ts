// What the engine must know of a call, and what it tells it. For the engine and the routes.
import type { WorkerError } from './errors.ts';
import type { CountedReason, FinishReason } from './metrics.ts';

export interface Job {
  readonly promptIds: readonly number[];
  /** False for prompts that no prefix cache holds, such as embedding inputs. */
  readonly cacheable: boolean;
  readonly salt: string;
  /** Steps until the longest choice is done; 0 ends with the prefill. */
  readonly steps: number;
  /** Tokens over all choices that steps `from` to `to` make. */
  tokensBetween(from: number, to: number): number;
  /** Called once, as the call leaves the queue. */
  started(cachedTokens: number): void;
  /** Steps `from` (included) to `to` are there to be written. */
  produced(from: number, to: number): void;
  /** Ended by itself, or with 'abort' by sleep; `steps` were produced. Answers how it is counted. */
  finished(steps: number, forced?: FinishReason): CountedReason;
  failed(error: WorkerError): void;
  /** The reader is slow: no step is made until it catches up. */
  blocked(): boolean;
  /** What the finished call leaves in the prefix cache behind its prompt. */
  answerIds(): readonly number[];
}
