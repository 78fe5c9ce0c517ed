// One open slot: what was charged for it, until it is closed exactly once. For the gate.
import type { AttemptOutcome, Permit } from '../core/gate.ts';
import type { SlotWorker } from '../core/worker.ts';
import type { Share } from './flow.ts';
import type { Line } from './line.ts';
import type { Reading } from './reading.ts';

/** What a grant has moved, so that its end moves the same back. */
export interface Charge {
  readonly line: Line;
  readonly share: Share;
  /** Prompt tokens that the worker still has to read for it. */
  readonly promptTokens: number;
  /** Of prompt and expected reply. */
  readonly heldTokens: number;
  /** Virtual tokens, by estimate. */
  readonly tokens: number;
  /** The tenant's weight then. */
  readonly weight: number;
  /** Bands in which the tenant's, and the class's, counter moved. */
  readonly tenantBands: number;
  readonly classBands: number;
  /** Expected slot time, ms. */
  readonly holdMs: number;
  readonly startedMs: number;
  /** What counts its prompt until it is read; null: its reply does not tell when. */
  readonly reading: Reading | null;
}

export type Release = (permit: SlotPermit, outcome: AttemptOutcome, usedTokens: number | null) => void;

export class SlotPermit implements Permit {
  readonly worker: SlotWorker;
  readonly waitedMs: number;
  readonly charge: Charge;
  #begun = false;
  #closed = false;
  readonly #release: Release;

  constructor(worker: SlotWorker, waitedMs: number, charge: Charge, release: Release) {
    this.worker = worker;
    this.waitedMs = waitedMs;
    this.charge = charge;
    this.#release = release;
  }

  began(): void {
    if (this.#begun) return;
    this.#begun = true;
    this.charge.reading?.read(this.charge.promptTokens);
    // Estimates may be fractions: what is left of their sum when nothing is in flight is noise.
    const left = this.worker.backlogTokens - this.charge.promptTokens;
    this.worker.backlogTokens = left > 0 ? left : 0;
  }

  close(outcome: AttemptOutcome, usedTokens: number | null = null): void {
    if (this.#closed) return;
    this.#closed = true;
    this.began();
    this.#release(this, outcome, usedTokens);
  }
}
