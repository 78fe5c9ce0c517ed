// Reads the few gauges of a metrics page that say how full an engine is. For the engines here.

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

function first(page: string, names: readonly string[]): number | null {
  for (const name of names) {
    const value = gauge(page, name);
    if (value !== null) return value;
  }
  return null;
}

/** The mean over the samples of one metric in Prometheus' text form; null: there is none that makes sense. */
export function gauge(page: string, name: string): number | null {
  let sum = 0;
  let count = 0;
  for (let at = page.indexOf(name); at >= 0; at = page.indexOf(name, at + name.length)) {
    if (at > 0 && page[at - 1] !== '\n') continue;
    const next = page[at + name.length];
    if (next !== ' ' && next !== '{' && next !== '\t') continue;
    const end = page.indexOf('\n', at);
    const value = readValue(page.slice(at + name.length, end < 0 ? undefined : end));
    if (value === null) continue;
    sum += value;
    count++;
  }
  return count === 0 ? null : sum / count;
}

/** What stands behind a sample's labels; their values may hold any sign, spaces and braces included. */
const SAMPLE = /^(?:\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\})?[ \t]+([0-9.eE+-]{1,32})(?:[ \t]+-?\d{1,20})?[ \t\r]*$/;

function readValue(rest: string): number | null {
  const text = SAMPLE.exec(rest)?.[1];
  if (text === undefined) return null;
  const value = Number(text);
  return value >= 0 && value < 1e9 ? value : null;
}
