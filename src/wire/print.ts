// Makes 32-bit prints of bytes: fast, with no secret and no promise against whoever wants two to be alike. For the dialects' prompts.

/** Of a longer span the length, so much of its beginning and so much of its end are looked at. */
const EDGE_BYTES = 2048;

/** A span's length and bytes, mixed into `seed`. */
export function printSpan(seed: number, bytes: Uint8Array, start: number, end: number): number {
  const mixed = mix(seed, end - start);
  if (end - start <= 2 * EDGE_BYTES) return printBytes(mixed, bytes, start, end);
  return printBytes(printBytes(mixed, bytes, start, start + EDGE_BYTES), bytes, end - EDGE_BYTES, end);
}

/** Two lanes of words, which do not wait for each other, become one print at the end. */
function printBytes(seed: number, bytes: Uint8Array, start: number, end: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let even = seed;
  let odd = ~seed;
  let i = start;
  for (const lastPair = end - 8; i <= lastPair; i += 8) {
    even = mix(even, view.getInt32(i, true));
    odd = mix(odd, view.getInt32(i + 4, true));
  }
  for (; i < end; i++) even = mix(even, bytes[i]!);
  return mix(even, odd);
}

/** The words of a sample, of whole ones from `start` on. */
export function printWords(view: DataView, start: number, words: number): number {
  let print = 0;
  for (let at = start; at < start + 4 * words; at += 4) print = mix(print, view.getInt32(at, true));
  return print;
}

function mix(print: number, word: number): number {
  return Math.imul(((print << 5) | (print >>> 27)) ^ word, 0x9e3779b1);
}

/** The last step of MurmurHash3: all bits move with each. Never 0, which stands for no print. */
export function finishedPrint(print: number): number {
  let h = print ^ (print >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0 || 1;
}
