// A policy that changes under a running router, or is broken when one starts. For src/entry, over real processes.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, eventuallyHolds } from '../fakes/eventually.ts';
import { policyFor } from '../fakes/running-router.ts';
import { newFolder, type Serving, serve, spillway } from './spillway-process.ts';

const folder = newFolder();
const path = join(folder, 'policy.yaml');
const good = policyFor(['http://127.0.0.1:1']);
let router: Serving;

const models = async () => {
  const reply = (await (await fetch(`${router.url}/v1/models`)).json()) as { data: { id: string }[] };
  return reply.data.map(({ id }) => id);
};
const policyStatus = async () => {
  const reply = (await (await fetch(`${router.adminUrl}/status`)).json()) as { policy: { refused: string[] } };
  return reply.policy;
};

beforeAll(async () => {
  writeFileSync(path, good);
  // The data folder is the policy's own: what the router writes there must not look like a change of policy.
  router = await serve(['--policy', path, '--data', folder], { folder });
});
afterAll(() => router.dispose());

it('keeps the policy in force beside its data, readable by its owner alone', async () => {
  const kept = await eventually(() => readFileSync(join(folder, 'last-good-policy.yaml'), 'utf8'));
  expect(kept).toContain('served-1');
  expect(kept).toContain(JSON.stringify(path));
});

it('takes a changed file without being told, once', async () => {
  writeFileSync(path, good.replace('  asked:', '  renamed:'));
  await eventuallyHolds(async () => expect(await models()).toEqual(['renamed', 'vectors']));
  const loads = router.logged('policy_loaded').length;
  // What the router keeps lies in the same folder: that is read once more, and then there is quiet.
  router.kill('SIGHUP');
  await eventually(() => router.logged('policy_loaded').length > loads);
  const settled = await quiet(() => router.logged('policy_loaded').length);
  expect(settled).toBeLessThanOrEqual(loads + 3);
});

it('takes a file that is replaced by renaming another', async () => {
  const draft = join(folder, 'draft.tmp');
  writeFileSync(draft, good.replace('  asked:', '  moved:'));
  renameSync(draft, path);
  await eventuallyHolds(async () => expect(await models()).toEqual(['moved', 'vectors']));
});

it('F114 a broken file is refused: the last good policy stays, and log and status say what is wrong and where', async () => {
  writeFileSync(path, 'version: 1\npools: { a: { wrokers: [] } }\n');
  await eventually(() => router.logged('policy_refused').length > 0);
  expect(await models()).toEqual(['moved', 'vectors']);
  expect(router.logged('policy_refused')[0]).toMatchObject({
    level: 50,
    first: expect.stringMatching(/policy\.yaml:2:\d+ pools\.a/),
  });
  expect((await policyStatus()).refused[0]).toMatch(/policy\.yaml:2:\d+ pools\.a/);
  expect(readFileSync(join(folder, 'last-good-policy.yaml'), 'utf8')).toContain('moved');
});

it('F114 a start on the broken file is refused with exit code 2; --last-good starts on what was in force', async () => {
  const refused = spillway([
    'serve',
    '--policy',
    path,
    '--data',
    folder,
    '--listen',
    '127.0.0.1:0',
    '--admin',
    '127.0.0.1:0',
  ]);
  expect(await refused.ended).toBe(2);
  expect(refused.stderr).toMatch(/policy\.yaml:2:\d+/);
  expect(refused.stderr).toContain('Start with --last-good');
  expect(refused.stdout).toBe('');
  const other = await serve(['--policy', path, '--data', folder], { env: { SPILLWAY_LAST_GOOD: 'yes' }, folder });
  try {
    const reply = (await (await fetch(`${other.url}/v1/models`)).json()) as { data: { id: string }[] };
    expect(reply.data.map(({ id }) => id)).toEqual(['moved', 'vectors']);
  } finally {
    other.kill('SIGKILL');
    await other.ended;
  }
});

it('F114 it recovers from the broken file as soon as that is mended', async () => {
  writeFileSync(path, good);
  await eventuallyHolds(async () => expect(await models()).toEqual(['asked', 'vectors']));
  expect((await policyStatus()).refused).toEqual([]);
});

it('--last-good without anything kept is refused, not guessed', async () => {
  const empty = join(folder, 'empty');
  mkdirSync(empty);
  const refused = spillway([
    'serve',
    '--last-good',
    '--data',
    empty,
    '--listen',
    '127.0.0.1:0',
    '--admin',
    '127.0.0.1:0',
  ]);
  expect(await refused.ended).toBe(2);
  expect(refused.stderr).toContain('last-good-policy.yaml');
});

/** The value once it has stood still for three times the quiet that a reload waits for. */
async function quiet(read: () => number): Promise<number> {
  let last = read();
  let sinceMs = performance.now();
  return eventually(() => {
    if (read() !== last) {
      last = read();
      sinceMs = performance.now();
    }
    return performance.now() - sinceMs > 400 ? last : undefined;
  });
}
