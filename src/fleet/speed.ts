// How soon a worker is expected to begin a reply: learned from those it began, and from those it should have begun by now. For fleet/worker.

import type { Clock } from '../core/runtime.ts';
import { FadingLine } from '../structures/fading-line.ts';

const MEMORY = 100;
/** Replies after which a worker's ordinary speed is taken as known. */
const SURE = 20;
/** What a worker is taken to read while nothing is known of it but that it reads, tokens per ms. */
const PRIOR_RATE = 1;
/** Up to this much above the line is noise; more is a slow spell, and hardly moves the line. */
const NOISE = 1.5;
const SPELL_SHARE = 0.02;
/** A line from slow first replies (a cold cache, kernels not compiled yet) comes down by this much with each quick one. */
const CORRECTION = 0.8;
const MOST = 100;
/** A reply behind many others' prompts counts at least so much for the line. */
const LEAST_KNOWN = 0.02;
/** How slow a worker counts that never began a reply. */
const LOST = 10;
/** Half of what was held against a worker that has nothing to do is forgotten in this time, ms: so it is tried again. */
const HALF_LIFE_MS = 30_000;

/**
 * First content = base + tokens to read / rate, times how slow it is of late: at once with a late reply, or with none where
 * one is due. A slow worker is told apart from a slow spell: the line itself is what it does ordinarily.
 */
export class WorkerSpeed {
  readonly #clock: Clock;
  readonly #line = new FadingLine(MEMORY);
  #replies = 0;
  /** How many times slower than its line it is of late; at least 1. */
  #slowness = 1;
  /** What its replies usually took of late by the line, ms. */
  #ordinaryMs = 0;
  #backlogTokens = 0;
  /** When it last got on with its prompts, and when it last had none. */
  #progressMs: number;
  #idleSinceMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#progressMs = clock.nowMs();
    this.#idleSinceMs = this.#progressMs;
  }

  /** Prompt tokens that it has still to read. */
  get backlogTokens(): number {
    return this.#backlogTokens;
  }

  set backlogTokens(tokens: number) {
    const before = this.#backlogTokens;
    this.#backlogTokens = tokens > 1e-6 ? tokens : 0;
    if (before > 0 && tokens >= before) return;
    this.#progressMs = this.#clock.nowMs();
    if (this.#backlogTokens === 0) this.#idleSinceMs = this.#progressMs;
  }

  /** A reply began so long after it was sent: so many tokens were read for it, and about so many of others before it. */
  learn(ownTokens: number, aheadTokens: number, firstContentMs: number): void {
    const tokens = ownTokens + aheadTokens;
    if (!(firstContentMs >= 0 && firstContentMs < 1e9 && ownTokens >= 0 && aheadTokens >= 0 && tokens < 1e9)) return;
    this.#replies++;
    const usualMs = this.#line.at(tokens);
    // What was ahead is an estimate, of calls that may have been half done: the line is drawn through what is known.
    const known = tokens === 0 ? 1 : Math.max(LEAST_KNOWN, ownTokens / tokens);
    if (this.#replies === 1 || usualMs === 0) return this.#line.learn(tokens, firstContentMs, known);
    // A second is much for a short prompt and nothing for a long one, so that a short one tells less.
    const tells = Math.min(1, (2 * usualMs) / (usualMs + this.#ordinaryMs));
    this.#ordinaryMs += (usualMs - this.#ordinaryMs) / Math.min(this.#replies, MEMORY);
    const ratio = Math.min(firstContentMs / usualMs, MOST);
    this.#slowness = Math.max(
      1,
      this.#slowness + tells * (ratio > this.#slowness ? 0.5 : 0.3) * (ratio - this.#slowness),
    );
    if (ratio < 0.5) this.#line.scale(CORRECTION ** known);
    const share = ratio > NOISE && this.#replies > SURE ? SPELL_SHARE : 1;
    this.#line.learn(tokens, Math.min(firstContentMs, NOISE * usualMs), share * known);
  }

  /** A reply never began. */
  lost(): void {
    this.#slowness = Math.max(this.#slowness, LOST);
  }

  /** What reading so many tokens takes ordinarily, ms; 0 while nothing is known. */
  usualMs(tokens: number): number {
    return this.#line.at(tokens);
  }

  /** First content of a call with so many tokens to read, if it came now, ms; 0 while nothing is known. */
  expectedMs(uncachedTokens: number): number {
    const backlog = this.#backlogTokens;
    const usualMs = this.#line.at(backlog + uncachedTokens);
    if (backlog === 0) return usualMs === 0 ? 0 : usualMs * this.#remembered();
    const waitedMs = this.#clock.nowMs() - this.#progressMs;
    if (usualMs === 0) return Math.max(waitedMs, backlog / PRIOR_RATE);
    const dueMs = this.#line.at(backlog);
    // Whatever holds it up may be gone at once, or not: as much later as it is already.
    return usualMs * this.#slowness + Math.max(0, waitedMs - dueMs * this.#slowness);
  }

  /** What is held against it while it has nothing to do: ever less of its slow spell, or of all that few replies have told. */
  #remembered(): number {
    const slowness = this.#slowness;
    const sure = this.#replies > SURE;
    if (sure && slowness < 1.01) return 1;
    const share = 2 ** ((this.#idleSinceMs - this.#clock.nowMs()) / HALF_LIFE_MS);
    return sure ? 1 + (slowness - 1) * share : slowness * share;
  }
}
