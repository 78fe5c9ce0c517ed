// Decides what keys look like in tests, and which texts are tried in every field. For tests of tenants, stores and keys.
import { createHash, randomBytes } from 'node:crypto';
import type { Digest } from '../../src/core/runtime.ts';
import { type IssuedKey, issueKey } from '../../src/tenants/key-issue.ts';
import type { KeyTerms } from '../../src/tenants/key-terms.ts';

export const digest: Digest = (bytes) => createHash('sha256').update(bytes).digest();

export const NOW_MS = Date.UTC(2026, 10, 22, 12);

export function issued(terms: Partial<KeyTerms> = {}, wallMs = NOW_MS): Promise<IssuedKey> {
  const all = { tenant: 'acme', name: '', expiresMs: null, models: null, routes: null, ...terms };
  return issueKey(all, { randomBytes, digest, wallMs });
}

/** Texts that do harm where data is taken for code: SQL, NoSQL, Lua, shells, markup, formats, terminals. */
export const HOSTILE_TEXTS: readonly string[] = [
  "'; DROP TABLE keys; --",
  "' OR '1'='1",
  '" OR ""="',
  "x'); DELETE FROM keys; --",
  "admin'/*",
  '1; ATTACH DATABASE "x" AS y',
  "' UNION SELECT hash FROM keys --",
  "\\'; UPDATE keys SET revoked_ms = NULL; --",
  '?1',
  '$tenant',
  ':id',
  '@id',
  '%',
  '_',
  '*',
  '{"$ne": null}',
  '{"$where": "sleep(100)"}',
  "return redis.call('FLUSHALL')",
  'EVAL "os.exit()" 0',
  '$(id)',
  '`id`',
  '| cat',
  '../../etc/passwd',
  '<script>alert(1)</script>',
  '{{7*7}}',
  '%s%n%x',
  '__proto__',
  'constructor',
  'NULL',
  'null',
  'true',
  '0',
  'NaN',
  '日本語 ключ 🔑',
  'x'.repeat(4096),
];
