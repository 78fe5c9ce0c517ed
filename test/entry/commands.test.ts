// What the command line says to those who call it wrongly, and how it checks a policy. For src/entry/cli.
import { rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { readFlags, UsageError } from '../../src/entry/cli/flags.ts';
import { policyFor } from '../fakes/running-router.ts';
import { childrenOf, newFolder, spillway } from './spillway-process.ts';

const folder = newFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const good = file('good.yaml', policyFor(['http://127.0.0.1:1']));

async function says(args: string[], env: Record<string, string> = {}) {
  const run = spillway(args, env, folder);
  const code = await run.ended;
  return { code, out: run.stdout, err: run.stderr };
}

describe('a wrong call', () => {
  it('exits with 2 and says what is right', async () => {
    const [unknown, flag, address, level, extra, none] = await Promise.all([
      says(['sreve']),
      says(['serve', '--lsten', 'x']),
      says(['serve', '--listen', '8787']),
      says(['serve'], { SPILLWAY_LOG: 'loud' }),
      says(['serve', 'policy.yaml']),
      says(['check']),
    ]);
    expect(unknown).toEqual({
      code: 2,
      out: '',
      err: 'Unknown command "sreve". Commands: serve, check, keys, tenants, status, usage, replay, demo-worker.\n',
    });
    expect(flag.code).toBe(2);
    expect(flag.err).toContain('--lsten');
    expect(flag.err).toContain(
      'Flags: --policy, --listen, --admin, --data, --log, --last-good, --require-keys, --quiet.',
    );
    expect(address).toMatchObject({ code: 2, err: '--listen wants an address such as 127.0.0.1:8787, not "8787".\n' });
    expect(level).toMatchObject({ code: 2, err: '--log wants one of none, summary, debug.\n' });
    expect(extra).toMatchObject({
      code: 2,
      err: 'Nothing known to do with "policy.yaml". See spillway serve --help.\n',
    });
    expect(none).toMatchObject({ code: 2, err: 'Give one policy file: spillway check FILE.\n' });
  });

  it('help and version exit with 0 and start nothing', async () => {
    const [help, version, serveHelp] = await Promise.all([
      says(['--help']),
      says(['--version']),
      says(['serve', '--help']),
    ]);
    expect(help.code).toBe(0);
    for (const name of ['serve', 'check', 'keys', 'status', 'replay', 'demo-worker'])
      expect(help.out).toContain(`  ${name}`);
    expect(version).toMatchObject({ code: 0, out: expect.stringMatching(/^spillway \d+\.\d+\.\d+\n$/) });
    expect(serveHelp).toMatchObject({ code: 0, out: expect.stringContaining('--last-good'), err: '' });
  });
});

describe('an address', () => {
  it('F115 that other machines can reach is refused, by flag, by variable and by policy, and nothing is started', async () => {
    const policy = file('open.yaml', `${policyFor(['http://127.0.0.1:1'])}server: { listen: "0.0.0.0:8787" }\n`);
    const data = join(folder, 'data');
    const [flag, variable, admin, written] = await Promise.all([
      says(['serve', '--policy', good, '--data', data, '--listen', '0.0.0.0:0']),
      says(['serve', '--policy', good, '--data', data], { SPILLWAY_LISTEN: '[::]:0' }),
      says(['serve', '--policy', good, '--data', data, '--admin', '192.168.0.1:0']),
      says(['serve', '--policy', policy, '--data', data, '--admin', '127.0.0.1:0']),
    ]);
    for (const { code, out, err } of [flag, variable, admin, written]) {
      expect([code, out]).toEqual([2, '']);
      expect(err).toMatch(/^(listen|admin) \S+ can be reached from other machines\. Missing: .*127\.0\.0\.1.*\n/);
    }
    expect(admin.err).toMatch(/^admin 192\.168\.0\.1:0 .*Missing: the admin secret /);
  });

  it('that is taken is named, and no worker is left behind', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as { port: number };
    const on = (listen: number, admin: number) =>
      spillway(['serve', '--listen', `127.0.0.1:${listen}`, '--admin', `127.0.0.1:${admin}`, '--data', folder]);
    for (const run of [on(port, 0), on(0, port)]) {
      const code = await run.ended;
      expect([code, run.stdout]).toEqual([1, '']);
      expect(run.stderr).toContain(
        `127.0.0.1:${port} is taken by another program. Choose another with --listen or --admin.`,
      );
      expect(childrenOf(run.pid)).toEqual([]);
    }
    taken.close();
  });
});

describe('spillway check', () => {
  it('prints the ladders of a good policy, exit code 0, as text and as JSON without secrets', async () => {
    const secret = 'sk-canary-1234567890abcdef';
    const keyed = file('keyed.yaml', policyFor(['http://127.0.0.1:1']).replaceAll('1" }', '1", apiKey: $KEY }'));
    const [text, json, shipped] = await Promise.all([
      says(['check', keyed], { KEY: secret }),
      says(['check', keyed, '--json'], { KEY: secret }),
      says(['check', fileURLToPath(new URL('../../policies/default.yaml', import.meta.url))]),
    ]);
    expect(text.code).toBe(0);
    expect(text.out).toContain('asked');
    expect(text.out).toContain('pool-1');
    expect(JSON.parse(json.out)).toMatchObject({
      ok: true,
      problems: [],
      models: [{ model: 'asked' }, { model: 'vectors' }],
    });
    expect(text.out + text.err + json.out + json.err).not.toContain(secret);
    expect(shipped).toMatchObject({ code: 0, err: '' });
  });

  it('says of a bad one what is wrong, where, exit code 2', async () => {
    const bad = file(
      'bad.yaml',
      'version: 1\npools: { a: { wrokers: [] } }\nmodels: { m: { ladder: [ { pool: b } ] } }\n',
    );
    const literal = file(
      'literal.yaml',
      policyFor(['http://127.0.0.1:1']).replaceAll('1" }', '1", apiKey: sk-canary-77aa99bb00 }'),
    );
    const [text, json, gone, shown] = await Promise.all([
      says(['check', bad]),
      says(['check', bad, '--json']),
      says(['check', join(folder, 'none.yaml')]),
      says(['check', literal]),
    ]);
    expect([text.code, text.out]).toEqual([2, '']);
    expect(text.err).toMatch(/bad\.yaml:2:\d+ pools\.a.*wrokers/);
    expect(text.err).toMatch(/bad\.yaml:3:\d+ models\.m/);
    expect(json.code).toBe(2);
    expect((JSON.parse(json.out) as { ok: boolean; problems: unknown[] }).problems.length).toBeGreaterThanOrEqual(2);
    expect(gone).toMatchObject({ code: 2, err: expect.stringContaining('none.yaml') });
    expect(shown.code).toBe(2);
    expect(shown.err).not.toContain('sk-canary');
  });
});

describe('flags', () => {
  const table = { log: { type: 'string' }, 'last-good': { type: 'boolean' } } as const;

  it('a flag wins over its variable, and an empty variable counts for nothing', () => {
    const read = (args: string[], env: Record<string, string>) => readFlags(args, table, env);
    expect(read(['--log', 'debug'], { SPILLWAY_LOG: 'none' }).text('log')).toBe('debug');
    expect(read([], { SPILLWAY_LOG: 'none' }).text('log')).toBe('none');
    expect(read([], { SPILLWAY_LOG: '' }).text('log')).toBe(undefined);
    for (const yes of ['1', 'true', 'yes']) expect(read([], { SPILLWAY_LAST_GOOD: yes }).on('last-good')).toBe(true);
    for (const no of ['0', 'false', '']) expect(read([], { SPILLWAY_LAST_GOOD: no }).on('last-good')).toBe(false);
    expect(read(['--last-good'], { SPILLWAY_LAST_GOOD: '0' }).on('last-good')).toBe(true);
    expect(() => read(['--log'], {})).toThrow(UsageError);
  });
});
