// Which samples a garbage collection fell into. For the decision bench.
import { type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';

export interface Sample {
  readonly startMs: number;
  readonly endMs: number;
}

export class Pauses {
  readonly #found: PerformanceEntry[] = [];
  readonly #observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) this.#found.push(entry);
  });

  constructor() {
    this.#observer.observe({ entryTypes: ['gc'] });
  }

  /** Ends the watch; answers with the pauses, in order. */
  async end(): Promise<readonly Sample[]> {
    // Entries come with a later turn of the loop.
    await setImmediate();
    await setImmediate();
    for (const entry of this.#observer.takeRecords()) this.#found.push(entry);
    this.#observer.disconnect();
    return this.#found
      .map(({ startTime, duration }) => ({ startMs: startTime, endMs: startTime + duration }))
      .sort((a, b) => a.startMs - b.startMs);
  }
}

/** Those of the samples, in order of time, that no pause touches. */
export function outside(samples: readonly Sample[], pauses: readonly Sample[]): readonly Sample[] {
  let at = 0;
  return samples.filter(({ startMs, endMs }) => {
    while (at < pauses.length && pauses[at]!.endMs < startMs) at++;
    const pause = pauses[at];
    return pause === undefined || pause.startMs > endMs;
  });
}

export interface Quantiles {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** µs. */
export function quantiles(samples: readonly Sample[]): Quantiles {
  const sorted = Float64Array.from(samples, ({ startMs, endMs }) => (endMs - startMs) * 1_000).sort();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) };
}
