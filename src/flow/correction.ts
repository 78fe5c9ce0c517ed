// By what factor the waits of late were longer or shorter than forecast: calls yet to come are not in a forecast. For the gate.

/** Waits that count for about as much as all before them. */
const SPAN = 16;
const HALF_LIFE_MS = 60_000;
/** Nothing is learned from a wait that hardly was one: so much of both counts as agreed. */
const AGREED_MS = 100;
const MOST = 4;

export class Correction {
  #forecastMs = 0;
  #waitedMs = 0;
  #atMs = 0;

  /** A call waited so long, for which so much was forecast. */
  add(forecastMs: number, waitedMs: number, nowMs: number): void {
    const keep = this.#kept(nowMs) * (1 - 1 / SPAN);
    this.#forecastMs = this.#forecastMs * keep + forecastMs;
    this.#waitedMs = this.#waitedMs * keep + waitedMs;
    this.#atMs = nowMs;
  }

  /** Forgets in time, so that a forecast too long to let anybody wait is not for ever. */
  factor(nowMs: number): number {
    const kept = this.#kept(nowMs);
    const factor = (AGREED_MS + this.#waitedMs * kept) / (AGREED_MS + this.#forecastMs * kept);
    return Math.min(MOST, Math.max(1 / MOST, factor));
  }

  #kept(nowMs: number): number {
    return 2 ** ((this.#atMs - nowMs) / HALF_LIFE_MS);
  }
}
