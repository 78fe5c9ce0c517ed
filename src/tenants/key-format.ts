// How a key is spelt, so that what is none is told from its text alone. For the key ring, the command line and admin routes.

/** Tells people and secret scanners what they are looking at. */
export const KEY_PREFIX = 'sk-spw-';
/** How much of a key is kept readable, to recognise it by: the prefix and 24 of 256 random bits. */
export const SHOWN_CHARS = KEY_PREFIX.length + 4;

const SECRET_BYTES = 32;
const SECRET_CHARS = 43;
const CHECK_CHARS = 6;
const CHECKED_CHARS = KEY_PREFIX.length + SECRET_CHARS;
/** All keys are this long, and ASCII. */
export const KEY_CHARS = CHECKED_CHARS + CHECK_CHARS;

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
/** No character of an alphabet; its highest bit is in no value of one. */
const NONE = 255;
const NONE_BIT = 128;
const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});
const PREFIX_BYTES = new TextEncoder().encode(KEY_PREFIX);
const PREFIX_CRC = crcOn(-1, KEY_PREFIX);
const DIGIT_OF = valuesOf(BASE62);
const SECRET_CHAR = valuesOf(BASE64URL);

/** Bytes that nobody can guess, from the machine's own source. */
export type RandomBytes = (length: number) => Uint8Array;

/** `sk-spw-`, 32 random bytes in base64url, and six base62 digits of CRC-32 over all before them. */
export function createKey(randomBytes: RandomBytes): string {
  const secret = randomBytes(SECRET_BYTES);
  if (secret.length !== SECRET_BYTES) throw new TypeError(`A key needs ${SECRET_BYTES} random bytes.`);
  const checked = KEY_PREFIX + base64url(secret);
  let rest = (crcOn(-1, checked) ^ -1) >>> 0;
  let check = '';
  for (let digit = 0; digit < CHECK_CHARS; digit++) {
    check = BASE62[rest % 62]! + check;
    rest = Math.floor(rest / 62);
  }
  return checked + check;
}

/** Whether a text can be a key at all. Says nothing about whether there is such a key. */
export function wellFormed(text: string): boolean {
  return keyBytes(text) !== null;
}

/** The bytes of a text that can be a key, else null. In one pass, since every call with a key pays for it. */
export function keyBytes(text: string): Uint8Array | null {
  if (text.length !== KEY_CHARS || !text.startsWith(KEY_PREFIX)) return null;
  const bytes = new Uint8Array(KEY_CHARS);
  bytes.set(PREFIX_BYTES);
  let crc = PREFIX_CRC;
  let strange = 0;
  for (let at = KEY_PREFIX.length; at < CHECKED_CHARS; at++) {
    const code = text.charCodeAt(at);
    strange |= code > 127 ? NONE : SECRET_CHAR[code]!;
    crc = (crc >>> 8) ^ CRC_TABLE[(crc ^ code) & 255]!;
    bytes[at] = code;
  }
  let check = 0;
  for (let at = CHECKED_CHARS; at < KEY_CHARS; at++) {
    const code = text.charCodeAt(at);
    const digit = code > 127 ? NONE : DIGIT_OF[code]!;
    strange |= digit;
    check = check * 62 + digit;
    bytes[at] = code;
  }
  return strange < NONE_BIT && check === (crc ^ -1) >>> 0 ? bytes : null;
}

function valuesOf(alphabet: string): Uint8Array {
  const values = new Uint8Array(128).fill(NONE);
  for (let value = 0; value < alphabet.length; value++) values[alphabet.charCodeAt(value)] = value;
  return values;
}

function base64url(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const three = (bytes[at]! << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    const chars = Math.min(4, Math.ceil(((bytes.length - at) * 8) / 6));
    for (let char = 0; char < chars; char++) text += BASE64URL[(three >> (18 - 6 * char)) & 63];
  }
  return text;
}

/** The state of CRC-32 (IEEE 802.3) after some more characters, all ASCII. */
function crcOn(state: number, text: string): number {
  for (let at = 0; at < text.length; at++) state = (state >>> 8) ^ CRC_TABLE[(state ^ text.charCodeAt(at)) & 255]!;
  return state;
}
