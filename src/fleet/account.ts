// What an account at a managed API has said of its limits, shared by all targets that spend from it. For fleet.

export type AccountReason = 'saturated' | 'failing';

/** Models whose pauses are remembered: callers may choose names where a policy lets the asked name through. */
const MOST_MODELS = 1000;

/** Rate limits hold per model, money for all of them. Times are monotonic ms. */
export class Account {
  #untilMs = 0;
  readonly #models = new Map<string, number>();

  /** A new credential may be another account's: what the old one said is forgotten. */
  clear(): void {
    this.#untilMs = 0;
    this.#models.clear();
  }

  /** All models are left alone: the account has run out of money. */
  pause(untilMs: number): void {
    this.#untilMs = Math.max(this.#untilMs, untilMs);
  }

  /** One model is left alone: the account is at its rate limit for it. */
  pauseModel(model: string, untilMs: number): void {
    const before = this.#models.get(model) ?? 0;
    // Last in: the map forgets the pause that was set longest ago.
    this.#models.delete(model);
    this.#models.set(model, Math.max(before, untilMs));
    if (this.#models.size > MOST_MODELS) this.#models.delete(this.#models.keys().next().value!);
  }

  /** Until when a model must be left alone and why; null when it may be asked. */
  pausedUntil(model: string, nowMs: number): { readonly untilMs: number; readonly reason: AccountReason } | null {
    if (this.#untilMs > nowMs) return { untilMs: this.#untilMs, reason: 'failing' };
    if (this.#models.size === 0) return null;
    const untilMs = this.#models.get(model) ?? 0;
    if (untilMs > nowMs) return { untilMs, reason: 'saturated' };
    if (untilMs > 0) this.#models.delete(model);
    return null;
  }
}
