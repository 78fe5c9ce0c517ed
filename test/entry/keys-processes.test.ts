// Keys made and revoked by one process while another lets callers in. For `spillway keys` and src/tenants/key-ring.
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { nodeClock, nodeDigest } from '../../src/runtime/node/machine.ts';
import { SqliteKeys } from '../../src/stores/sqlite/keys.ts';
import { KeyRing } from '../../src/tenants/key-ring.ts';
import { eventually } from '../fakes/eventually.ts';
import { recordingLog } from '../fakes/recording-log.ts';
import { policyFor } from '../fakes/running-router.ts';
import { newFolder, spillway } from './spillway-process.ts';

const FIVE_SECONDS = { deadlineMs: 5_000 };
const folder = newFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function command(args: readonly string[], env: Record<string, string> = {}, cwd = folder) {
  const run = spillway(['keys', ...args], env, cwd);
  const code = await run.ended;
  return { code, out: run.stdout, err: run.stderr };
}

it('a key that another process makes or revokes is in force here within five seconds', async () => {
  const data = join(folder, 'data');
  const store = new SqliteKeys({ folder: data, busyMs: 200 });
  const log = recordingLog();
  const ring = new KeyRing({ store, digest: nodeDigest, clock: nodeClock, log });
  await ring.start();
  try {
    expect([ring.development, ring.admit(null)]).toMatchObject([true, { tenant: 'development', managed: false }]);

    const made = await command(['create', '--data', data, '--tenant', 'acme', '--models', 'gpt-*']);
    expect(made.code).toBe(0);
    const key = made.out.trimEnd();
    const caller = await eventually(() => {
      const found = ring.admit(key);
      return found !== null && 'tenant' in found && found.tenant === 'acme' && found;
    }, FIVE_SECONDS);
    expect([caller.mayAsk?.('gpt-5'), caller.mayAsk?.('other')]).toEqual([true, false]);
    expect([ring.development, ring.admit(null), ring.admit('any')]).toEqual([false, null, null]);

    expect((await command(['revoke', caller.keyId!, '--data', data])).code).toBe(0);
    await eventually(() => ring.admit(key) === null, FIVE_SECONDS);
    expect(ring.development).toBe(false);
    expect(log.text()).not.toContain(key.slice(11));
  } finally {
    ring.close();
    store.close();
  }
});

it('the data folder is said by flag, by variable, by policy, or is that of the default policy', async () => {
  const policy = join(folder, 'policy.yaml');
  const keyed = policyFor(['http://127.0.0.1:1']).replaceAll('1" }', '1", apiKey: $A_KEY_NOT_SET }');
  writeFileSync(policy, `${keyed}server: { data: ./from-policy }\n`);
  const ways: [string, string[], Record<string, string>][] = [
    ['from-flag', ['--data', 'from-flag'], { SPILLWAY_DATA: 'not-here' }],
    ['from-variable', ['--policy', policy], { SPILLWAY_DATA: 'from-variable' }],
    ['from-policy', ['--policy', policy], {}],
    ['data', [], { SPILLWAY_NAME: 'not meant', SPILLWAY_TENANT: 'NOT MEANT' }],
  ];
  for (const [where, args, env] of ways) {
    const cwd = newFolder();
    expect(await command(['create', ...args], env, cwd)).toMatchObject({ code: 0 });
    expect(readdirSync(cwd)).toEqual([where]);
    expect(readdirSync(join(cwd, where))).toEqual(['keys.db']);
    const kept = new SqliteKeys({ folder: join(cwd, where), busyMs: 100 });
    expect(kept.all()).toMatchObject([{ tenant: 'default', name: '' }]);
    kept.close();
    rmSync(cwd, { recursive: true });
  }
});

it('a policy that is refused does not say where the data is', async () => {
  const bad = join(folder, 'bad.yaml');
  writeFileSync(bad, 'version: 1\npools: { a: { wrokers: [] } }\n');
  const { code, out, err } = await command(['list', '--policy', bad]);
  expect([code, out]).toEqual([2, '']);
  expect(err).toMatch(/bad\.yaml:2:\d+ pools\.a/);
  expect(err).toContain('--data DIR');
});

it('is a command of the command line, with help', async () => {
  const help = await command(['--help']);
  expect(help).toMatchObject({ code: 0, err: '' });
  for (const word of ['create', 'list', 'rotate', 'revoke', '--grace', '--json', 'SPILLWAY_DATA'])
    expect(help.out).toContain(word);
});
