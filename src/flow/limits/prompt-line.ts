// What the reading of so many prompt tokens takes, so that a long prompt is not taken for a slow worker. For the limits here.

import type { LimitSample } from '../../core/limit.ts';
import { FadingLine } from '../../structures/fading-line.ts';

const MEMORY = 600;
/** Points before the line is trusted: until then it says nothing. */
const WARM_UP = 10;
/** A sample counts this much of what was expected of it at most. */
const MOST = 2;

/**
 * After its first points only the line's shape moves: how much longer a long prompt takes than a short one. What an ordinary
 * one takes stays where it is, so that a queue or a slow spell shows as a ratio and does not become the line.
 */
export class PromptLine {
  readonly #line = new FadingLine(MEMORY);
  #points = 0;
  #typical = 0;
  #longest = 0;

  /** How long it took against what its tokens take; null: there is nothing to hold it against, so it says nothing yet. */
  ratio(ms: number, tokens: number): number | null {
    if (this.#points < WARM_UP || tokens > 2 * this.#longest + 1) return null;
    return ms / Math.max(this.#line.at(tokens), 0.001);
  }

  /** What a prompt of ordinary length takes, ms. */
  get typicalMs(): number {
    return this.#line.at(this.#typical);
  }

  learn(ms: number, tokens: number): void {
    this.#points++;
    this.#typical += (tokens - this.#typical) / Math.min(this.#points, MEMORY);
    const known = tokens <= 2 * this.#longest + 1 && this.#points > 1;
    this.#longest = Math.max(tokens, this.#longest * (1 - 1 / MEMORY));
    const before = this.#line.at(this.#typical);
    this.#line.learn(tokens, known ? Math.min(ms, MOST * this.#line.at(tokens)) : ms);
    const after = this.#line.at(this.#typical);
    if (this.#points > WARM_UP && before > 0 && after > 0) this.#line.scale(before / after);
  }
}

/** Time to first content, ms; null: the sample has none that makes sense. */
export function contentMs({ firstContentMs, uncachedTokens }: LimitSample): number | null {
  if (firstContentMs === null || !(firstContentMs >= 0 && firstContentMs < 1e9)) return null;
  return uncachedTokens >= 0 && uncachedTokens < 1e9 ? firstContentMs : null;
}
