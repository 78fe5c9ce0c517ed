// Reads how often and with what sizes each client of a model calls (ServeGen), which is where tenants come from. For compose.
import type { ClientRate, ClientTokens } from './forms.ts';
import { type Row, rowsOf } from './lines.ts';

const FORMAT = 'ServeGen';
const COLUMNS = ['p1', 'p5', 'p10', 'p25', 'p50', 'p75', 'p90', 'p95', 'p99', 'max'] as const;

/** Where in a distribution the values of `ClientTokens` stand. */
export const SHARES: readonly number[] = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1];
export const RATE_WINDOW_MS = 600_000;

export function readServeGenRates(text: string): ClientRate[] {
  const rates: ClientRate[] = [];
  for (const row of rowsOf(FORMAT, text, ['client', 'start_s', 'rate_rps', 'dist', 'p1'])) {
    const gaps = row.text('dist');
    if (gaps !== 'Gamma' && gaps !== 'Weibull') throw row.wrong('dist', 'Gamma or Weibull');
    const shape = row.number('p1');
    if (shape === 0) throw row.wrong('p1', 'above 0');
    rates.push({
      client: row.text('client'),
      startMs: row.number('start_s') * 1000,
      callsPerSecond: row.number('rate_rps'),
      gaps,
      shape,
    });
  }
  return rates;
}

/** A client's windows in order of time, one entry for each, whichever of its fields are there. */
export function readServeGenTokens(text: string): ClientTokens[] {
  const windows = new Map<string, { -readonly [key in keyof ClientTokens]: ClientTokens[key] }>();
  for (const row of rowsOf(FORMAT, text, ['client', 'start_s', 'field', ...COLUMNS])) {
    const client = row.text('client');
    const startMs = row.number('start_s') * 1000;
    const key = `${client} ${startMs}`;
    const window = windows.get(key) ?? { client, startMs, inputTokens: null, outputTokens: null };
    windows.set(key, window);
    const field = row.text('field');
    if (field === 'input_tokens') window.inputTokens = values(row);
    else if (field === 'output_tokens') window.outputTokens = values(row);
  }
  return [...windows.values()].sort((a, b) => a.startMs - b.startMs);
}

function values(row: Row): number[] {
  return COLUMNS.map((column) => row.number(column));
}
