// What somebody asks of the ledger: by what, from when to when, of whom. For the admin routes and the command line.
import { USAGE_KEYS, type UsageKey, type UsageQuery } from '../core/ledger.ts';

/** What is wrong, and with which word. */
export interface QueryFault {
  readonly name: string;
  readonly text: string;
}

export const QUERY_NAMES = ['by', 'from', 'to', 'tenant', 'limit'] as const;
export type QueryName = (typeof QUERY_NAMES)[number];

const MOST_GROUPS = 10_000;
const GROUPS = 100;
const MOST_NAME_CHARACTERS = 256;
const DATE = /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}(:\d{2})?Z)?$/;
const ISO_DAY = 10;

/** All is optional: by tenant, in the month that `wallMs` lies in, of all tenants, the 100 dearest. */
export function readUsageQuery(
  said: (name: QueryName) => string | undefined,
  wallMs: number,
): { readonly query: UsageQuery } | { readonly fault: QueryFault } {
  const by = keysFrom(said('by') ?? 'tenant');
  if (by === null) return fault('by', `wants some of ${USAGE_KEYS.join(', ')}, with commas between, each once`);
  const fromMs = said('from') === undefined ? monthStart(wallMs, 0) : momentMs(said('from')!);
  const toMs = said('to') === undefined ? monthStart(wallMs, 1) : momentMs(said('to')!);
  const wants = 'wants a day such as 2026-11-01 or a time such as 2026-11-01T08:00Z, in UTC';
  if (fromMs === null) return fault('from', wants);
  if (toMs === null) return fault('to', wants);
  if (fromMs >= toMs) return fault('to', `must be later than where it begins, ${momentText(fromMs)}`);
  const tenant = said('tenant') ?? null;
  if (tenant !== null && (tenant === '' || tenant.length > MOST_NAME_CHARACTERS))
    return fault('tenant', `wants a name of at most ${MOST_NAME_CHARACTERS} characters`);
  const limit = said('limit') ?? `${GROUPS}`;
  if (!/^[1-9]\d{0,4}$/.test(limit) || Number(limit) > MOST_GROUPS)
    return fault('limit', `wants a whole number from 1 to ${MOST_GROUPS}`);
  return { query: { by, fromMs, toMs, tenant, limit: Number(limit) } };
}

const fault = (name: QueryName, text: string) => ({ fault: { name, text } });

function keysFrom(text: string): readonly UsageKey[] | null {
  const names = text.split(',').map((name) => name.trim());
  const known = names.filter((name): name is UsageKey => (USAGE_KEYS as readonly string[]).includes(name));
  return known.length === names.length && new Set(known).size === known.length ? known : null;
}

/** The beginning of a day, or a moment, in UTC; null where it is none. */
function momentMs(text: string): number | null {
  if (!DATE.test(text)) return null;
  const atMs = Date.parse(text);
  // A day that no month has would otherwise count as one of the next month.
  if (Number.isNaN(atMs) || new Date(atMs).toISOString().slice(0, ISO_DAY) !== text.slice(0, ISO_DAY)) return null;
  return atMs;
}

function monthStart(wallMs: number, months: number): number {
  const at = new Date(wallMs);
  return Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + months);
}

/** As it may be given: "2026-11-01" at midnight, else "2026-11-01T08:00:00Z". */
export function momentText(atMs: number): string {
  const text = new Date(atMs).toISOString().replace(/\.\d{3}Z$/, 'Z');
  return text.endsWith('T00:00:00Z') ? text.slice(0, ISO_DAY) : text;
}
