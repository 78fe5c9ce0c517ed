// Which pieces a text is cut into and which number each piece has. For usage, caching, /tokenize and streams.
// A token number spells its own bytes (a leading 1, then up to six bytes), so no table is kept, every worker agrees,
// and text comes back exactly. Numbers of foreign tokenizers are accepted and shown as <|n|>.

const MOST_BYTES = 6;
const OTHER = 0;
const LETTER = 1;
const DIGIT = 2;
const SPACE = 3;

function classOf(byte: number): number {
  if (byte >= 0x80 || (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a)) return LETTER;
  if (byte >= 0x30 && byte <= 0x39) return DIGIT;
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d) ? SPACE : OTHER;
}

const MOST_OF_CLASS = [2, MOST_BYTES, 3, MOST_BYTES];

/** End of the piece that starts at `start`: one space may lead letters; characters are never cut in two. */
function pieceEnd(bytes: Uint8Array, start: number): number {
  let at = start;
  if (bytes[at] === 0x20 && at + 1 < bytes.length && classOf(bytes[at + 1]!) === LETTER) at += 1;
  const kind = classOf(bytes[at]!);
  const limit = Math.min(bytes.length, start + MOST_OF_CLASS[kind]!);
  let end = at + 1;
  while (end < limit && classOf(bytes[end]!) === kind) end += 1;
  if (kind !== LETTER || end >= bytes.length || (bytes[end]! & 0xc0) !== 0x80) return end;
  let back = end;
  while (back > at && (bytes[back]! & 0xc0) === 0x80) back -= 1;
  return back > at ? back : end;
}

export function encode(text: string): number[] {
  const bytes = Buffer.from(text, 'utf8');
  const ids: number[] = [];
  for (let start = 0; start < bytes.length; ) {
    let end = pieceEnd(bytes, start);
    // A run of spaces leaves its last one to the word behind it.
    if (end - start > 1 && bytes[end - 1] === 0x20 && end < bytes.length && classOf(bytes[end]!) === LETTER) end -= 1;
    let id = 1;
    for (let i = start; i < end; i += 1) id = id * 256 + bytes[i]!;
    ids.push(id);
    start = end;
  }
  return ids;
}

function bytesOf(id: number): number[] {
  const bytes: number[] = [];
  let rest = id;
  while (rest > 1 && bytes.length <= MOST_BYTES) {
    bytes.push(rest % 256);
    rest = Math.floor(rest / 256);
  }
  if (rest === 1 && bytes.length >= 1 && bytes.length <= MOST_BYTES) return bytes.reverse();
  return [...Buffer.from(`<|${id}|>`)];
}

export function decode(ids: readonly number[]): string {
  const bytes: number[] = [];
  for (const id of ids) for (const byte of bytesOf(id)) bytes.push(byte);
  return Buffer.from(bytes).toString('utf8');
}

/** The text of each token; joined they are the text that was encoded. */
export function pieces(text: string): string[] {
  return encode(text).map((id) => decode([id]));
}

export function isToken(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
