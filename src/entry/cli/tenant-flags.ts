// What an operator says of a tenant, read from flags into the entry that a policy would have. For `spillway tenants`.
import { type Flags, type FlagTable, UsageError } from './flags.ts';
import { expiryFrom } from './key-flags.ts';

type Entry = Record<string, unknown>;

/** Takes the key away again, so that the plan's or the router's own holds. */
const DEFAULT = 'default';
const TEXT = { type: 'string' } as const;

export const TENANT_FLAGS = {
  plan: TEXT,
  weight: TEXT,
  'requests-per-minute': TEXT,
  'tokens-per-minute': TEXT,
  'in-flight': TEXT,
  usd: TEXT,
  'usd-per-hour': TEXT,
  'usd-per-day': TEXT,
  'usd-per-month': TEXT,
  'usd-warn-at': TEXT,
  zones: TEXT,
  models: TEXT,
  priority: TEXT,
  expires: TEXT,
} satisfies FlagTable;

type FlagName = keyof typeof TENANT_FLAGS;

interface Meaning {
  /** Where it stands in the entry. */
  readonly path: readonly [string] | readonly ['usd', string];
  read(text: string): unknown;
}

const asText = (text: string): unknown => text;
/** What is no number is left for the check, whose words are better. */
const asNumber = (text: string): unknown => (/^\d+(\.\d+)?$/.test(text) ? Number(text) : text);
const asList = (text: string): unknown => [...new Set(text.split(',').map((part) => part.trim()))];
const asShares = (text: string): unknown => (text.includes(',') ? asList(text) : text);

const MEANINGS: Readonly<Record<Exclude<FlagName, 'expires'>, Meaning>> = {
  plan: { path: ['plan'], read: asText },
  weight: { path: ['weight'], read: asNumber },
  'requests-per-minute': { path: ['requestsPerMinute'], read: asNumber },
  'tokens-per-minute': { path: ['uncachedTokensPerMinute'], read: asNumber },
  'in-flight': { path: ['inFlight'], read: asNumber },
  usd: { path: ['usd'], read: asText },
  'usd-per-hour': { path: ['usd', 'perHour'], read: asNumber },
  'usd-per-day': { path: ['usd', 'perDay'], read: asNumber },
  'usd-per-month': { path: ['usd', 'perMonth'], read: asNumber },
  'usd-warn-at': { path: ['usd', 'warnAt'], read: asShares },
  zones: { path: ['zones'], read: asList },
  models: { path: ['models'], read: asList },
  priority: { path: ['priority'], read: asText },
};

/** The entry after the flags; what they do not name stays as it was. */
export function changedEntry(before: Readonly<Entry>, flags: Flags, wallMs: number): Entry {
  const entry: Entry = structuredClone(before);
  let said = false;
  for (const [flag, { path, read }] of Object.entries(MEANINGS)) {
    const text = flags.text(flag);
    if (text === undefined) continue;
    said = true;
    put(entry, path, text === DEFAULT ? undefined : read(text));
  }
  const expiresMs = flags.text('expires') === DEFAULT ? null : expiryFrom(flags, wallMs);
  if (expiresMs !== undefined) {
    said = true;
    put(entry, ['expires'], expiresMs === null ? undefined : new Date(expiresMs).toISOString());
  }
  if (!said)
    throw new UsageError(
      `Say what to set: ${Object.keys(TENANT_FLAGS)
        .map((flag) => `--${flag}`)
        .join(', ')}.`,
    );
  return entry;
}

function put(entry: Entry, [key, inner]: Meaning['path'], value: unknown): void {
  if (inner === undefined) {
    if (value === undefined) delete entry[key];
    else entry[key] = value;
    return;
  }
  const there = entry[key];
  const within: Entry = typeof there === 'object' && there !== null ? { ...there } : {};
  put(within, [inner], value);
  // Shares of no limit would be refused.
  const { warnAt: _, dryRun: __, ...limits } = within;
  if (Object.keys(limits).length > 0 || value !== undefined) entry[key] = within;
  else delete entry[key];
}
