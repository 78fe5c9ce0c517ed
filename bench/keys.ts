// What a key costs a call, part by part, and what a change of keys costs the router. For maintainers.
import { createHash, hash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Digest, Log } from '../src/core/runtime.ts';
import { nodeClock, nodeDigest } from '../src/runtime/node/machine.ts';
import { createMemoryKeys } from '../src/stores/memory/keys.ts';
import { SqliteKeys } from '../src/stores/sqlite/keys.ts';
import { createKey, wellFormed } from '../src/tenants/key-format.ts';
import { type IssuedKey, issueKey } from '../src/tenants/key-issue.ts';
import { KeyRing } from '../src/tenants/key-ring.ts';
import { lastResult, measureParts, type Run } from './ledger/part.ts';

const EFFORT = { rounds: 15, roundMs: 50, warmMs: 300 };
const CREATE_HASH: Digest = (bytes) => createHash('sha256').update(bytes).digest();
const ONE_SHOT: Digest = (bytes) => Buffer.from(hash('sha256', bytes, 'binary'), 'binary');
const log: Log = { debug() {}, info() {}, warn() {}, error() {} };

const made = await Promise.all(Array.from({ length: 10_000 }, () => issue()));
const strangers = Array.from({ length: 10_000 }, () => createKey(randomBytes));
const bytes = new TextEncoder().encode(made[0]!.key);

const runs = new Map<string, Run>([
  ['form of a key', () => wellFormed(made[0]!.key)],
  ['createHash', () => CREATE_HASH(bytes)],
  ['one-shot hash', () => ONE_SHOT(bytes)],
  ['admit, no key at all', await admission(1, CREATE_HASH, ['x'])],
  ['admit, createHash, 1 key', await admission(1, CREATE_HASH, keysOf(made.slice(0, 1)))],
  ['admit, one-shot, 1 key', await admission(1, ONE_SHOT, keysOf(made.slice(0, 1)))],
  ['admit, one-shot, 1,000 keys in turn', await admission(1_000, ONE_SHOT, keysOf(made.slice(0, 1_000)))],
  ['admit, one-shot, 10,000 keys in turn', await admission(10_000, ONE_SHOT, keysOf(made))],
  ['admit, one-shot, 10,000 unknown in turn', await admission(10_000, ONE_SHOT, strangers)],
  ['admit, digest of this router, 1 key', await admission(1, nodeDigest, keysOf(made.slice(0, 1)))],
]);
const times = await measureParts(runs, EFFORT);
if (lastResult() === undefined) throw new Error('the parts did nothing');
console.log(`| Part | CPU, median of ${EFFORT.rounds} | Min–max |\n|---|---:|---:|`);
for (const [name, { median, min, max }] of times)
  console.log(`| ${name} | ${median.toFixed(2)} µs | ${min.toFixed(2)}–${max.toFixed(2)} |`);

const folder = mkdtempSync(join(tmpdir(), 'spillway-bench-keys-'));
try {
  console.log('\n| Keys in the file | a look, nothing new | a look, all read again |\n|---|---:|---:|');
  const writer = new SqliteKeys({ folder, busyMs: 1_000 });
  const reader = new SqliteKeys({ folder, busyMs: 1_000 });
  const ring = new KeyRing({ store: reader, digest: ONE_SHOT, clock: nodeClock, log });
  let added = 0;
  for (const size of [1, 1_000, 10_000]) {
    while (added < size) writer.add(made[added++]!.record);
    const changed: number[] = [];
    const idle: number[] = [];
    for (let round = 0; round < 15; round++) {
      writer.end(made[0]!.record.id, { expiresMs: 1e12 - added - round });
      changed.push(await timeOf(() => ring.refreshNow()));
      idle.push(await timeOf(() => ring.refreshNow()));
    }
    console.log(`| ${size} | ${median(idle).toFixed(3)} ms | ${median(changed).toFixed(2)} ms |`);
  }
  writer.close();
  reader.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function issue(): Promise<IssuedKey> {
  const terms = { tenant: 'acme', name: '', expiresMs: null, models: ['gpt-*'], routes: null };
  return issueKey(terms, { randomBytes, digest: CREATE_HASH, wallMs: Date.now() });
}

/** Keys take turns, each cut out of a header's value as the extractor does. */
async function admission(size: number, digest: Digest, keys: readonly string[]): Promise<Run> {
  const store = createMemoryKeys(made.slice(0, size).map(({ record }) => record));
  const ring = new KeyRing({ store, digest, clock: nodeClock, log });
  await ring.start();
  ring.close();
  const values = keys.map((key) => `Bearer ${key}`);
  let at = 0;
  return () => {
    at = at + 1 < values.length ? at + 1 : 0;
    return ring.admit(values[at]!.slice('Bearer '.length));
  };
}

function keysOf(issued: readonly IssuedKey[]): readonly string[] {
  return issued.map(({ key }) => key);
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}
