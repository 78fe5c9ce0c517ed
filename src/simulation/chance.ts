// Seeded chance and the distributions drawn from it: the same seed makes the same simulation. For simulate and compose.
import type { Random } from '../core/runtime.ts';

/** Numbers in [0, 1) from a 32-bit seed: mulberry32 (Tommy Ettinger, public domain). */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** A source of its own for each use, so that one more draw here moves nothing there. */
export function stream(seed: number, name: string): Random {
  return seeded(mixed(seed, name));
}

/** FNV-1a over the text, from a seed. */
export function mixed(seed: number, text: string): number {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

export function exponential(random: Random, mean: number): number {
  return -mean * Math.log(1 - random());
}

/** Scale 1. Marsaglia and Tsang (2000), with their boost for shapes below 1. */
export function gamma(random: Random, shape: number): number {
  if (shape < 1) return gamma(random, shape + 1) * (1 - random()) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normal(random);
    const v = (1 + c * x) ** 3;
    if (v <= 0) continue;
    if (Math.log(1 - random()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}

/** Scale 1, by inversion. */
export function weibull(random: Random, shape: number): number {
  return (-Math.log(1 - random())) ** (1 / shape);
}

/** Standard normal, by Box and Muller. */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Draws from a distribution of which only quantiles are known: straight lines between them. `at` and `values` rise. */
export function fromQuantiles(random: Random, at: readonly number[], values: readonly number[]): number {
  const u = random();
  let upper = at.findIndex((share) => u < share);
  if (upper < 0) upper = at.length - 1;
  if (upper === 0) return values[0]!;
  const low = at[upper - 1]!;
  const share = Math.min(1, (u - low) / (at[upper]! - low));
  return values[upper - 1]! + share * (values[upper]! - values[upper - 1]!);
}

/** The place of one of several weights, drawn in proportion to them. */
export function weighted(random: Random, weights: readonly number[]): number {
  let left = random() * weights.reduce((sum, weight) => sum + weight, 0);
  for (let at = 0; at < weights.length; at++) {
    left -= weights[at]!;
    if (left < 0) return at;
  }
  return weights.length - 1;
}
