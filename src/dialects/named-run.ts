// Which run a body itself names, where no header does. For the generating dialects.
import { boundedId, type RunIdentity } from '../core/runs.ts';
import { memberAt, stringAt } from '../wire/entries.ts';
import { fieldOf } from '../wire/json-view.ts';
import type { ScannedObject } from '../wire/scan.ts';

/** Keys by which clients of OpenAI's dialects keep what belongs together in one cache, the surest first. */
const CACHE_KEYS = ['prompt_cache_key', 'conversation'] as const;
const MAX_ID_BYTES = 128;
/** Claude Code's user id holds three more ids. */
const MAX_USER_ID_BYTES = 1024;
const OLD_SESSION = /_session_([0-9a-zA-Z-]+)$/;

const alone = (run: string, source: RunIdentity['source']): RunIdentity => ({ run, agent: null, parent: null, source });

/** Inferred: programs share such keys between people, so they place calls and bind nothing. */
export function runInCacheKey(scan: ScannedObject): RunIdentity | null {
  for (const key of CACHE_KEYS) {
    const field = fieldOf(scan, key);
    if (field === undefined) continue;
    const at = field.kind === 'object' ? memberAt(scan, field.start, 'id') : field.start;
    const run = boundedId(stringAt(scan, at, MAX_ID_BYTES));
    if (run !== null) return alone(run, 'inferred');
  }
  return null;
}

/** The session inside `metadata.user_id`; a user or an account by itself is a person, and no run. */
export function runInUserId(scan: ScannedObject): RunIdentity | null {
  const metadata = fieldOf(scan, 'metadata');
  if (metadata?.kind !== 'object') return null;
  const userId = stringAt(scan, memberAt(scan, metadata.start, 'user_id'), MAX_USER_ID_BYTES);
  const run = userId === null ? null : boundedId(sessionOf(userId));
  return run === null ? null : alone(run, 'harness');
}

/** As JSON with ids by name, or in the older form, as words with underscores between. */
function sessionOf(userId: string): unknown {
  if (!userId.startsWith('{')) return OLD_SESSION.exec(userId)?.[1];
  try {
    return (JSON.parse(userId) as { session_id?: unknown }).session_id;
  } catch {
    return null;
  }
}
