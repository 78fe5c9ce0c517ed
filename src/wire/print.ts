// Makes 32-bit prints of bytes: fast, with no secret and no promise against whoever wants two to be alike. For the dialects' prompts.

/** Of a longer span the length, so much of its beginning and so much of its end are looked at. */
const EDGE_BYTES = 2048;

/** A span's length and bytes, mixed into `seed`. */
export function printSpan(seed: number, bytes: Uint8Array, start: number, end: number): number {
  const mixed = mix(seed, end - start);
  if (end - start <= 2 * EDGE_BYTES) return printBytes(mixed, bytes, start, end);
  return printBytes(printBytes(mixed, bytes, start, start + EDGE_BYTES), bytes, end - EDGE_BYTES, end);
}

function printBytes(seed: number, bytes: Uint8Array, start: number, end: number): number {
  let print = seed;
  let i = start;
  for (; i + 4 <= end; i += 4)
    print = mix(print, bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24));
  for (; i < end; i++) print = mix(print, bytes[i]!);
  return print;
}

/** One step of MurmurHash3, 32 bits. */
function mix(print: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  const h = print ^ k;
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

/** Its last step: all bits move with each. Never 0, which stands for no print. */
export function finishedPrint(print: number): number {
  let h = print ^ (print >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0 || 1;
}
