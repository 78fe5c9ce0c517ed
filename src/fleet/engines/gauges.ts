// Reads the few gauges of a metrics page that say how full an engine is, and how large. For the engines here.
import type { EngineMemory } from '../../core/worker.ts';

/** So many calls waiting inside make an engine full, whatever it runs. */
const WAITING = 5;
/** Share of a KV cache from which an engine begins to push calls out of it. */
const CACHE_FULL = 0.8;

/** The names that a signal has had, newest first. */
export interface LoadNames {
  readonly waiting: readonly string[];
  readonly running: readonly string[];
  /** Share of the KV cache in use. */
  readonly cache: readonly string[];
}

/**
 * The greater of what waits and what is cached, 1 = full. Fewer than five waiting make an engine full where it runs no more
 * than these. Of several ranks the mean counts: the server places calls among them itself. A signal that is absent is not 0.
 */
export function loadFrom(names: LoadNames): (page: string) => number | null {
  return (page) => {
    const waiting = first(page, names.waiting);
    const cache = first(page, names.cache);
    const full = Math.max(1, Math.min(WAITING, first(page, names.running) ?? WAITING));
    if (waiting === null) return cache === null ? null : cache / CACHE_FULL;
    return Math.max(waiting / full, (cache ?? 0) / CACHE_FULL);
  };
}

/** Null where the page does not say how much there is, or how much of it is used. */
export function memoryFrom(
  names: LoadNames,
  tokensOf: (page: string) => number | null,
): (page: string) => EngineMemory | null {
  return (page) => {
    const tokens = tokensOf(page);
    const used = first(page, names.cache);
    if (tokens === null || tokens === 0 || used === null) return null;
    return { tokens, usedTokens: used * tokens, waits: (first(page, names.waiting) ?? 0) > 0 };
  };
}

/** Of an info metric with the cache's shape in its labels, over all ranks; older servers tell blocks alone. */
export function tokensOfBlocks(page: string, name: string): number | null {
  let sum = 0;
  for (const { labels } of samples(page, name)) {
    const whole = labelOf(labels, 'kv_cache_size_tokens');
    const tokens = whole ?? (labelOf(labels, 'block_size') ?? 0) * (labelOf(labels, 'num_gpu_blocks') ?? 0);
    if (tokens < 1e12) sum += tokens;
  }
  return sum === 0 ? null : sum;
}

/** A whole number; null for `None` and all else. */
function labelOf(labels: string, label: string): number | null {
  const text = new RegExp(`[{,]${label}="(\\d{1,15})"`).exec(labels)?.[1];
  return text === undefined ? null : Number(text);
}

/** The sum over the samples of one metric; null: there is none that makes sense. */
export function total(page: string, name: string): number | null {
  const all = samples(page, name);
  return all.length === 0 ? null : all.reduce((sum, { value }) => sum + value, 0);
}

function first(page: string, names: readonly string[]): number | null {
  for (const name of names) {
    const value = gauge(page, name);
    if (value !== null) return value;
  }
  return null;
}

/** The mean over the samples of one metric in Prometheus' text form; null: there is none that makes sense. */
export function gauge(page: string, name: string): number | null {
  const all = samples(page, name);
  return all.length === 0 ? null : all.reduce((sum, { value }) => sum + value, 0) / all.length;
}

interface Sample {
  /** With their braces. */
  readonly labels: string;
  readonly value: number;
}

/** What makes no sense is left out. */
function samples(page: string, name: string): Sample[] {
  const found: Sample[] = [];
  for (let at = page.indexOf(name); at >= 0; at = page.indexOf(name, at + name.length)) {
    if (at > 0 && page[at - 1] !== '\n') continue;
    const next = page[at + name.length];
    if (next !== ' ' && next !== '{' && next !== '\t') continue;
    const end = page.indexOf('\n', at);
    const sample = readSample(page.slice(at + name.length, end < 0 ? undefined : end));
    if (sample !== null) found.push(sample);
  }
  return found;
}

/** What stands behind a sample's labels; their values may hold any sign, spaces and braces included. */
const SAMPLE = /^(\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\})?[ \t]+([0-9.eE+-]{1,32})(?:[ \t]+-?\d{1,20})?[ \t\r]*$/;

function readSample(rest: string): Sample | null {
  const match = SAMPLE.exec(rest);
  if (match === null) return null;
  const value = Number(match[2]);
  return value >= 0 && value < 1e9 ? { labels: match[1] ?? '', value } : null;
}
