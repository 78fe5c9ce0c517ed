// When the hours, days and months of spend limits begin and end, in UTC. For stores, ledger and admission.
import type { SpendWindow } from './ledger.ts';

/** The window that this moment lies in begins here. Times are Unix epoch, ms. */
export function windowStartMs(window: SpendWindow, atMs: number): number {
  const at = new Date(atMs);
  const [year, month] = [at.getUTCFullYear(), at.getUTCMonth()];
  if (window === 'month') return Date.UTC(year, month);
  return Date.UTC(year, month, at.getUTCDate(), window === 'hour' ? at.getUTCHours() : 0);
}

/** And here it is over, and all of its limit is free again. */
export function windowEndMs(window: SpendWindow, startMs: number): number {
  const start = new Date(startMs);
  if (window === 'month') return Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1);
  return startMs + (window === 'hour' ? 3_600_000 : 86_400_000);
}
