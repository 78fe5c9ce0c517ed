// Reads arrivals and sizes of Azure's LLM inference traces (2023, code and conversation). For replay and compose.
import type { TraceCall } from './forms.ts';
import { rowsOf } from './lines.ts';

const TIME = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d+)?$/;

export function readAzure(text: string): TraceCall[] {
  const calls: TraceCall[] = [];
  let startMs: number | null = null;
  for (const row of rowsOf('Azure', text, ['TIMESTAMP', 'ContextTokens', 'GeneratedTokens'])) {
    const [, day, time, fraction = ''] = TIME.exec(row.text('TIMESTAMP')) ?? [];
    if (day === undefined) throw row.wrong('TIMESTAMP', 'a time like 2023-11-16 18:17:03.9799600');
    // Ten millionths of a second, finer than a Date is.
    const wallMs = Date.parse(`${day}T${time}Z`) + Number(`0${fraction || '.0'}`) * 1000;
    startMs ??= wallMs;
    calls.push({
      atMs: Math.max(0, wallMs - startMs),
      client: null,
      inputTokens: row.number('ContextTokens'),
      outputTokens: row.number('GeneratedTokens'),
      blocks: [],
      blockTokens: 16,
    });
  }
  return calls.sort((a, b) => a.atMs - b.atMs);
}
