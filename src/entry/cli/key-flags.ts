// What an operator says of a key, read from flags: scopes, end, grace. For `spillway keys`.
import type { Flags } from './flags.ts';
import { UsageError } from './flags.ts';

const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
const SPAN = /^(\d{1,6})([mhd])$/;
const MAX_SPAN_MS = 3650 * 86_400_000;
const DATE = /^(\d{4}-\d{2}-\d{2})(?:T\d{2}:\d{2}(?::\d{2})?Z)?$/;

/** "30d", "12h" or "90m" in ms, at most ten years; null when it is none. */
export function parseSpan(text: string): number | null {
  const match = SPAN.exec(text);
  if (match === null) return null;
  const spanMs = Number(match[1]) * UNIT_MS[match[2]!]!;
  return spanMs <= MAX_SPAN_MS ? spanMs : null;
}

/** Unix epoch, ms; null = never; undefined = unsaid. A date is over when it begins, in UTC. */
export function expiryFrom(flags: Flags, wallMs: number): number | null | undefined {
  const text = flags.text('expires');
  if (text === undefined) return undefined;
  if (text === 'never') return null;
  const spanMs = parseSpan(text);
  const atMs = spanMs === null ? dateMs(text) : wallMs + spanMs;
  if (atMs === null)
    throw new UsageError(
      '--expires wants a time from now such as 30d, 12h or 90m, at most 3650d, a date such as 2027-01-31, or never.',
    );
  return atMs;
}

export function graceFrom(flags: Flags): number {
  const text = flags.text('grace');
  const graceMs = text === undefined || text === '0' ? 0 : parseSpan(text);
  if (graceMs === null) throw new UsageError('--grace wants a time such as 24h, 90m or 7d, or 0.');
  return graceMs;
}

/** Names between commas; null = unsaid. */
export function listFrom(flags: Flags, name: 'models' | 'routes'): readonly string[] | null {
  const text = flags.text(name);
  return text === undefined ? null : [...new Set(text.split(',').map((part) => part.trim()))];
}

function dateMs(text: string): number | null {
  const day = DATE.exec(text)?.[1];
  const atMs = day === undefined ? Number.NaN : Date.parse(text);
  // A day that no month has would otherwise count as one of the next month.
  return Number.isNaN(atMs) || !new Date(atMs).toISOString().startsWith(day!) ? null : atMs;
}
