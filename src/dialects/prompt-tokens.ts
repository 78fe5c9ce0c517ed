// Estimates how many tokens a prompt has, from the spans of its parts. For the generating dialects.
import { fieldOf } from '../wire/json-view.ts';
import type { ScannedObject } from '../wire/scan.ts';

/** Holds within a factor of two over scripts: what has more bytes a character has more characters' meaning in a token. */
const BYTES_PER_TOKEN = 4;
/** Of a picture or a file, however long its base64 is. */
const TOKENS_PER_FILE = 1000;
/** Places in the prompt where its spelling is looked at, and how many bytes there. */
const PROBES = 16;
const PROBE_BYTES = 12;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const DATA_URL = 'data:';
/** Members in which the dialects send files as base64 without a `data:` before it. */
const FILE_KEYS = ['"data"', '"file_data"'] as const;

export function promptTokens(body: Uint8Array, scan: ScannedObject, read: readonly string[]): number {
  let bytes = 0;
  let tokens = 0;
  for (const key of read) {
    const field = fieldOf(scan, key);
    if (field === undefined || field.kind === 'null') continue;
    const { start, end } = field;
    let text = end - start;
    const { longStrings } = scan;
    for (let i = 0; i < longStrings.length; i += 2) {
      const from = longStrings[i]!;
      if (from < start || from >= end || !isFile(body, from)) continue;
      text -= longStrings[i + 1]! - from;
      tokens += TOKENS_PER_FILE;
    }
    bytes += text * (1 - escapedShare(body, start, end) / 2);
  }
  return tokens + Math.ceil(bytes / BYTES_PER_TOKEN);
}

/** A string that is a file: a data URL, or the value of a member that holds base64. `quote` opens it. */
function isFile(body: Uint8Array, quote: number): boolean {
  if (follows(body, quote + 1, DATA_URL)) return true;
  let end = quote - 1;
  while (body[end]! <= 0x20 || body[end] === 0x3a) end--;
  if (body[end] !== QUOTE) return false;
  return FILE_KEYS.some((key) => follows(body, end + 1 - key.length, key));
}

function follows(body: Uint8Array, start: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (body[start + i] !== text.charCodeAt(i)) return false;
  return true;
}

/**
 * Some clients write every character beyond ASCII as a six-byte escape, which is twice its bytes in UTF-8. The share of
 * such text, by looking at a few places.
 */
function escapedShare(body: Uint8Array, start: number, end: number): number {
  const step = Math.floor((end - start) / PROBES);
  if (step <= PROBE_BYTES) return 0;
  let seen = 0;
  for (let probe = 0; probe < PROBES; probe++) {
    const from = start + probe * step;
    for (let at = from; at < from + PROBE_BYTES; at++) {
      if (body[at] !== BACKSLASH || body[at + 1] !== 0x75) continue;
      seen++;
      break;
    }
  }
  return seen / PROBES;
}
