// Decides which bytes the conformance suite writes, and when a sink counts as full. For sink-conformance.

import type { Sink } from '../../src/core/reply.ts';
import { eventually } from '../fakes/eventually.ts';

/** Every byte value, over and over, inside a larger buffer. */
export function view(length: number): Uint8Array {
  const whole = new Uint8Array(length + 13);
  for (let i = 0; i < whole.length; i++) whole[i] = (i * 31) & 0xff;
  return whole.subarray(7, 7 + length);
}

/** Writes until the sink stays full, and says how many bytes that took. */
export async function fill(sink: Sink): Promise<{ readonly bytes: number; readonly drained: Promise<void> }> {
  const piece = view(64 * 1024);
  let bytes = 0;
  while (bytes < 64 * 1024 * 1024) {
    bytes += piece.length;
    if (sink.write(piece)) continue;
    let free = false;
    const drained = sink.drained().then(() => {
      free = true;
    });
    const untilMs = performance.now() + 100;
    await eventually(() => free || performance.now() > untilMs);
    if (!free) return { bytes, drained };
  }
  throw new Error(`took ${bytes} bytes that nobody reads`);
}
