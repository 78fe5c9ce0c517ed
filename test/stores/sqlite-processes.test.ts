// The store in a file while several processes use it, and some of them die. For src/stores/sqlite.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { SqliteKeys } from '../../src/stores/sqlite/keys.ts';
import { eventually } from '../fakes/eventually.ts';
import { issued } from '../tenants/sample-keys.ts';

const WRITER = fileURLToPath(new URL('./key-writer.ts', import.meta.url));
const base = mkdtempSync(join(tmpdir(), 'spillway-key-processes-'));
const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(base, { recursive: true, force: true });
});

function writer(folder: string, count: number) {
  const child = spawn(process.execPath, [WRITER, folder, String(count)], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.err += text;
  });
  const ended = new Promise<number | string | null>((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? signal)),
  );
  /** Ids whose line was written whole. */
  const ids = () => said.out.split('\n').slice(0, -1);
  return { child, ended, ids, said };
}

it('two processes that both begin on an empty folder lose no key, and a third sees all of them come', async () => {
  const folder = join(base, 'two');
  const reader = new SqliteKeys({ folder, busyMs: 1_000 });
  const writers = [writer(folder, 150), writer(folder, 150)];
  let over = false;
  const ended = Promise.all(writers.map((each) => each.ended)).finally(() => {
    over = true;
  });
  const seen: number[] = [];
  let version = 0;
  await eventually(
    () => {
      const next = reader.version();
      expect(next).toBeGreaterThanOrEqual(version);
      const { length } = reader.all();
      expect(length).toBeGreaterThanOrEqual(seen.at(-1) ?? 0);
      // What a version stands for is never less than what it stood for before.
      if (next === version && seen.length > 0) expect(reader.version() > next || length === seen.at(-1)).toBe(true);
      version = next;
      if (length !== seen.at(-1)) seen.push(length);
      return over;
    },
    { deadlineMs: 20_000, what: 'both writers end' },
  );
  expect([await ended, writers.map(({ said }) => said.err)]).toEqual([
    [0, 0],
    ['', ''],
  ]);
  const kept = reader.all().map(({ id }) => id);
  expect(kept.sort()).toEqual(writers.flatMap(({ ids }) => ids()).sort());
  expect(kept).toHaveLength(300);
  expect(seen.length).toBeGreaterThan(3);
  reader.close();
  expect(readdirSync(folder)).toEqual(['keys.db']);
});

it.each([1, 2, 3])(
  'a process killed in the middle of writing leaves every key that it has told of, run %i',
  async (run) => {
    const folder = join(base, `killed-${run}`);
    const { child, ended, ids } = writer(folder, 1_000_000);
    await eventually(() => ids().length >= 20 * run, { deadlineMs: 15_000, what: 'some keys' });
    child.kill('SIGKILL');
    expect(await ended).toBe('SIGKILL');
    const store = new SqliteKeys({ folder, busyMs: 1_000 });
    const kept = store.all().map(({ id }) => id);
    expect(kept.slice(0, ids().length)).toEqual(ids());
    // One may have been kept and not told.
    expect(kept.length - ids().length).toBeLessThanOrEqual(1);
    const { record } = await issued();
    store.add(record);
    expect(store.all()).toHaveLength(kept.length + 1);
    store.close();
  },
);

it.each([0, 1, 2, 3, 4])(
  'a process killed while it makes the file leaves a whole one or none, run %i',
  async (entries) => {
    const folder = join(base, `born-${entries}`);
    const { child, ended, ids } = writer(folder, 1_000_000);
    // Each run kills a little later in the making: nothing, the folder, its first entry, and so on.
    const made = () => {
      try {
        return readdirSync(folder, { recursive: true }).length + 1;
      } catch {
        return 0;
      }
    };
    await eventually(() => made() >= entries || ids().length > 0, { deadlineMs: 15_000, what: 'the making' });
    child.kill('SIGKILL');
    await ended;
    const store = new SqliteKeys({ folder, busyMs: 1_000 });
    const kept = store.all().length;
    expect(kept).toBeGreaterThanOrEqual(ids().length);
    store.add((await issued()).record);
    expect(store.all()).toHaveLength(kept + 1);
    store.close();
  },
);
