// Estimates how many tokens a prompt has, from the spans of its parts. For the generating dialects.
import { fieldOf } from '../wire/json-view.ts';
import type { Field, ScannedObject } from '../wire/scan.ts';

/** Holds within a factor of two over scripts: what has more bytes a character has more characters' meaning in a token. */
const BYTES_PER_TOKEN = 4;
/** Of a picture or a file, however long its base64 is. */
const TOKENS_PER_FILE = 1000;
/** Places in the prompt where its spelling is looked at, and how many bytes there. */
const PROBES = 16;
const PROBE_BYTES = 12;
/** What is shorter fits any target, however it is spelled. */
const PROBED_BYTES = 4096;

const QUOTE = 0x22;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const LETTER_A = 0x61;
const LETTER_D = 0x64;
const LETTER_U = 0x75;
const DATA_URL = 'data:';
/** Members in which the dialects send files as base64 without a `data:` before it. */
const FILE_KEYS = ['"data"', '"file_data"'] as const;

export function promptTokens(scan: ScannedObject, read: readonly string[]): number {
  const { bytes } = scan;
  let text = 0;
  for (const key of read) {
    const field = fieldOf(scan, key);
    if (field === undefined || field.kind === 'null') continue;
    const length = field.end - field.start;
    text += length < PROBED_BYTES ? length : length * (1 - escapedShare(bytes, field) / 2);
  }
  const { longStrings } = scan;
  let files = 0;
  for (let i = 0; i < longStrings.length; i += 2) {
    const quote = longStrings[i]!;
    if (!isFile(bytes, quote)) continue;
    files++;
    text -= longStrings[i + 1]! - quote;
  }
  return files * TOKENS_PER_FILE + Math.ceil(Math.max(0, text) / BYTES_PER_TOKEN);
}

/** A string that is a file: a data URL, or the value of a member that holds base64. `quote` opens it. */
function isFile(bytes: Uint8Array, quote: number): boolean {
  if (bytes[quote + 1] === LETTER_D && follows(bytes, quote + 1, DATA_URL)) return true;
  let end = quote - 1;
  while (bytes[end]! <= 0x20 || bytes[end] === COLON) end--;
  if (bytes[end] !== QUOTE || bytes[end - 1] !== LETTER_A) return false;
  return FILE_KEYS.some((key) => follows(bytes, end + 1 - key.length, key));
}

function follows(bytes: Uint8Array, start: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text.charCodeAt(i)) return false;
  return true;
}

/**
 * Some clients write every character beyond ASCII as a six-byte escape, which is twice its bytes in UTF-8. The share of
 * such text, by looking at a few places.
 */
function escapedShare(bytes: Uint8Array, { start, end }: Field): number {
  const step = Math.floor((end - start - PROBE_BYTES) / PROBES);
  let seen = 0;
  for (let probe = 0; probe < PROBES; probe++) {
    const from = start + probe * step;
    for (let at = from; at < from + PROBE_BYTES; at++) {
      if (bytes[at] !== BACKSLASH || bytes[at + 1] !== LETTER_U) continue;
      seen++;
      break;
    }
  }
  return seen / PROBES;
}
