// Reads a chat service's calls with their prefix blocks (Mooncake, FAST'25). For replay and compose.
import type { TraceCall } from './forms.ts';
import { objectsOf } from './lines.ts';

const BLOCK_TOKENS = 512;

/** Timestamps come every 3 s, many calls with one: they are spread evenly until the next one, in the order of the file. */
export function readMooncake(text: string): TraceCall[] {
  const calls: TraceCall[] = [];
  for (const row of objectsOf('Mooncake', text)) {
    const inputTokens = row.number('input_length');
    // The last block of a prompt is seldom whole, and then nobody else's.
    const blocks = row.numbers('hash_ids').slice(0, Math.floor(inputTokens / BLOCK_TOKENS));
    const atMs = row.number('timestamp');
    if (atMs < (calls.at(-1)?.atMs ?? 0)) throw row.wrong('timestamp', 'after the one before');
    calls.push({
      atMs,
      client: null,
      inputTokens,
      outputTokens: row.number('output_length'),
      blocks,
      blockTokens: BLOCK_TOKENS,
    });
  }
  return spread(calls);
}

function spread(calls: readonly TraceCall[]): TraceCall[] {
  const spread: TraceCall[] = [];
  let gapMs = 0;
  for (let from = 0; from < calls.length; ) {
    const { atMs } = calls[from]!;
    let to = from;
    while (to < calls.length && calls[to]!.atMs === atMs) to++;
    // The last ones have no next: they take the gap before them.
    gapMs = to < calls.length ? calls[to]!.atMs - atMs : gapMs;
    for (let at = from; at < to; at++) {
      spread.push({ ...calls[at]!, atMs: atMs + (gapMs * (at - from)) / (to - from) });
    }
    from = to;
  }
  return spread;
}
