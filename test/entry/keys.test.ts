// What `spillway keys` does to the keys of a data folder, and what it says. For src/entry/cli/keys.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { SqliteKeys } from '../../src/stores/sqlite/keys.ts';
import { wellFormed } from '../../src/tenants/key-format.ts';
import { HOSTILE_TEXTS, issued } from '../tenants/sample-keys.ts';
import { keys, listed, made } from './keys-command.ts';
import { newFolder } from './spillway-process.ts';

const DAY_MS = 86_400_000;
const base = newFolder();
let count = 0;
let folder: string;
beforeEach(() => {
  folder = join(base, `data-${count++}`);
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

describe('spillway keys create', () => {
  it('prints the key alone on standard output, and all words on standard error', async () => {
    const { code, out, err } = await keys(folder, 'create', '--tenant', 'acme', '--models', 'gpt-*,claude-*');
    expect(code).toBe(0);
    expect(out.split('\n')).toEqual([expect.stringMatching(/^sk-spw-/), '']);
    expect(wellFormed(out.trimEnd())).toBe(true);
    expect(err).toContain('tenant acme, models gpt-*,claude-*, all routes, does not expire');
    expect(err).toContain('let nobody in without a key');
    expect(err).not.toContain(out.trimEnd().slice(11));
    expect((await keys(folder, 'create')).err).not.toContain('let nobody in without a key');
  });

  it('takes tenant, name, scopes and end, and has a tenant where none is said', async () => {
    const beforeMs = Date.now();
    const scoped = ['--models', 'a, b*,a', '--routes', '/v1/embeddings,/v1/chat/completions', '--expires', '30d'];
    const { key, ...shown } = await made(folder, '--tenant', 'acme', '--name', "Ana's laptop", ...scoped);
    expect(shown).toEqual({
      id: expect.stringMatching(/^key_[0-9a-f]{16}$/),
      prefix: key.slice(0, 11),
      tenant: 'acme',
      name: "Ana's laptop",
      models: ['a', 'b*'],
      routes: ['/v1/embeddings', '/v1/chat/completions'],
      createdAt: expect.any(String),
      expiresAt: expect.any(String),
      revokedAt: null,
      state: 'active',
    });
    const spanMs = Date.parse(shown.expiresAt!) - beforeMs;
    expect(spanMs - 30 * DAY_MS).toBeGreaterThanOrEqual(0);
    expect(spanMs - 30 * DAY_MS).toBeLessThan(60_000);
    expect(await made(folder)).toMatchObject({
      tenant: 'default',
      name: '',
      models: null,
      routes: null,
      expiresAt: null,
    });
    expect((await listed(folder))[0]).toEqual(shown);
  });

  it.each([
    ['2099-01-31', '2099-01-31T00:00:00.000Z'],
    ['2099-01-31T12:30Z', '2099-01-31T12:30:00.000Z'],
    ['never', null],
  ])('--expires %s is %s', async (text, expiresAt) => {
    expect(await made(folder, '--expires', text)).toMatchObject({ expiresAt });
  });

  it.each([
    ['--expires', 'tomorrow', /--expires wants a time from now/],
    ['--expires', '30', /--expires wants a time from now/],
    ['--expires', '2099-02-30', /--expires wants a time from now/],
    ['--expires', '4000d', /--expires wants a time from now/],
    ['--expires', '0d', /--expires must lie in the future/],
    ['--expires', '2001-01-01', /--expires must lie in the future/],
    ['--tenant', 'Acme', /--tenant wants 1 to 63 lower-case/],
    ['--tenant', 'development', /--tenant cannot be development/],
    ['--tenant', '', /--tenant wants/],
    ['--name', 'a\u001b[2J', /--name wants at most 128 visible/],
    ['--models', 'a,,b', /--models wants 1 to 64 names/],
    ['--models', '', /--models wants/],
    ['--routes', '/v1/chat', /--routes wants one or more of .*\/v1\/chat\/completions/],
    ['--grace', '1h', /--grace.*Flags: .*--expires/],
  ])('%s %j is a wrong call, and nothing is made', async (flag, value, text) => {
    expect(await keys(folder, 'create', flag, value)).toEqual({ code: 2, out: '', err: expect.stringMatching(text) });
    expect(await listed(folder)).toEqual([]);
    expect(() => readdirSync(folder)).toThrow(/ENOENT/);
  });

  it('says all that is wrong at once', async () => {
    const { err } = await keys(folder, 'create', '--tenant', 'A', '--routes', 'x', '--models', ' ');
    expect(err.split('\n').map((line) => line.split(' ')[0])).toEqual(['--tenant', '--models', '--routes', '']);
  });

  it('F031 hostile text is a name, or a wrong call that does not repeat it', async () => {
    for (const text of HOSTILE_TEXTS) {
      const wrong = await keys(folder, 'create', `--tenant=${text}`, `--routes=${text}`, `--expires=${text}`);
      expect([wrong.code, wrong.out], text).toEqual([2, '']);
      if (text.length > 9) expect(wrong.err).not.toContain(text);
    }
    const names = HOSTILE_TEXTS.filter((text) => text.length <= 128);
    const models = HOSTILE_TEXTS.filter((text) => /^[!-~]{1,256}$/.test(text) && !text.includes(','));
    for (const [at, text] of names.entries())
      await keys(folder, 'create', `--name=${text}`, `--models=${models[at % models.length]}`);
    const kept = await listed(folder);
    expect(kept.map(({ name }) => name)).toEqual(names);
    expect(kept.map((key) => key.models)).toEqual(names.map((_, at) => [models[at % models.length]]));
    const table = await keys(folder, 'list');
    for (const text of names) expect(table.out).toContain(text);
  });
});

describe('spillway keys list', () => {
  it('shows every key with its state, and never a hash or more of a key than its beginning', async () => {
    const store = new SqliteKeys({ folder, busyMs: 1_000 });
    const expired = await issued({ tenant: 'old', expiresMs: 1 }, 0);
    store.add(expired.record);
    store.close();
    const [active, revoked] = [await made(folder, '--name', 'CI'), await made(folder)];
    await keys(folder, 'revoke', revoked.id);
    const { code, out, err } = await keys(folder, 'list');
    expect([code, err]).toEqual([0, '']);
    const lines = out.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^ID +PREFIX +TENANT +NAME +MODELS +ROUTES +CREATED +EXPIRES +STATE$/);
    expect(lines.slice(1).map((line) => [line.split(' ')[0], line.split(' ').at(-1)])).toEqual([
      [expired.record.id, 'expired'],
      [active.id, 'active'],
      [revoked.id, 'revoked'],
    ]);
    const json = (await keys(folder, 'list', '--json')).out;
    for (const secret of [expired.record.hash, expired.key.slice(11), active.key.slice(11), revoked.key.slice(11)])
      expect(out + json).not.toContain(secret);
  });

  it('says where it found none, and is no error', async () => {
    expect(await keys(folder, 'list')).toEqual({
      code: 0,
      out: '',
      err: `There are no keys in ${folder}. Make one with spillway keys create.\n`,
    });
    expect((await keys(folder, 'list', '--json')).out).toBe('[]\n');
  });

  it('shows names that others wrote without what moves a cursor', async () => {
    const store = new SqliteKeys({ folder, busyMs: 1_000 });
    store.add((await issued({ name: 'a\u001b[2J\u202eb\nc' })).record);
    store.close();
    expect((await keys(folder, 'list')).out).toContain('a?[2J?b?c');
  });

  it.each(['list', 'create', 'rotate key_1', 'revoke key_1'])(
    'and %s on a broken file says what is broken, exit code 1',
    async (command) => {
      mkdirSync(folder);
      writeFileSync(join(folder, 'keys.db'), 'not a database');
      const { code, out, err } = await keys(folder, ...command.split(' '));
      expect([code, out]).toEqual([1, '']);
      expect(err).toMatch(/keys\.db is (damaged|no store of keys)/);
      expect(readFileSync(join(folder, 'keys.db'), 'utf8')).toBe('not a database');
    },
  );
});

describe('spillway keys rotate', () => {
  it('makes a key alike and revokes the old one at once', async () => {
    const terms = ['--tenant', 'acme', '--name', 'CI', '--models', 'a*', '--routes', '/v1/embeddings'];
    const old = await made(folder, ...terms);
    const { code, out, err } = await keys(folder, 'rotate', old.id);
    expect(code).toBe(0);
    expect(wellFormed(out.trimEnd())).toBe(true);
    expect(err).toContain(`${old.id} is revoked.`);
    const [before, after] = await listed(folder);
    expect([before!.state, after!.state]).toEqual(['revoked', 'active']);
    const { tenant, name, models, routes, expiresAt } = old;
    expect(after).toMatchObject({ tenant, name, models, routes, expiresAt });
    expect(out).not.toContain(old.key);
  });

  it('with a grace leaves the old one working for so long, and never longer than it had', async () => {
    const [long, short] = [await made(folder), await made(folder, '--expires', '1h')];
    const startMs = Date.now();
    const rotated = JSON.parse((await keys(folder, 'rotate', long.id, '--grace', '24h', '--json')).out) as Record<
      string,
      string
    >;
    expect(rotated).toMatchObject({ replaces: long.id, key: expect.stringMatching(/^sk-spw-/), expiresAt: null });
    await keys(folder, 'rotate', short.id, '--grace', '7d');
    const kept = await listed(folder);
    expect(kept.map(({ state }) => state)).toEqual(['active', 'active', 'active', 'active']);
    expect(kept[0]!.expiresAt).toBe(rotated['replacedEndsAt']);
    expect(Date.parse(kept[0]!.expiresAt!) - startMs - DAY_MS).toBeLessThan(60_000);
    expect(kept[1]!.expiresAt).toBe(short.expiresAt);
  });

  it('gives the new one as long as the old one was given, or what is asked', async () => {
    const old = await made(folder, '--expires', '30d');
    const rotated = async (...args: string[]) => {
      const { out } = await keys(folder, 'rotate', old.id, '--grace', '1h', '--json', ...args);
      const { createdAt, expiresAt } = JSON.parse(out) as { createdAt: string; expiresAt: string | null };
      return expiresAt === null ? null : Date.parse(expiresAt) - Date.parse(createdAt);
    };
    expect(await rotated()).toBe(30 * DAY_MS);
    expect(await rotated('--expires', '2d')).toBe(2 * DAY_MS);
    expect(await rotated('--expires', 'never')).toBe(null);
  });

  it('refuses one that is over, one that is unknown, and a wrong call', async () => {
    const old = await made(folder);
    await keys(folder, 'revoke', old.id);
    expect(await keys(folder, 'rotate', old.id)).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('is revoked already'),
    });
    expect(await keys(folder, 'rotate', 'key_none')).toMatchObject({ code: 1, out: '' });
    expect(await keys(folder, 'rotate')).toMatchObject({ code: 2, err: expect.stringContaining('one key id') });
    expect(await keys(folder, 'rotate', old.id, '--grace', '1 day')).toMatchObject({ code: 2 });
    expect(await keys(folder, 'rotate', old.id, '--tenant', 'x')).toMatchObject({ code: 2 });
    expect(await listed(folder)).toHaveLength(1);
  });
});

describe('spillway keys revoke', () => {
  it('ends keys, again and again with the same end', async () => {
    const [one, two, three] = [await made(folder), await made(folder), await made(folder)];
    expect(await keys(folder, 'revoke', one.id, two.id)).toMatchObject({ code: 0, out: '' });
    const first = await listed(folder);
    expect(first.map(({ state }) => state)).toEqual(['revoked', 'revoked', 'active']);
    expect(JSON.parse((await keys(folder, 'revoke', one.id, three.id, '--json')).out)).toEqual({
      revoked: [one.id, three.id],
    });
    expect((await listed(folder))[0]).toEqual(first[0]);
  });

  it('of an unknown id revokes those that are known, and names the valid ones, exit code 1', async () => {
    const [one, two] = [await made(folder), await made(folder)];
    const slip = `${two.id.slice(0, -1)}_`;
    const { code, err } = await keys(folder, 'revoke', slip, one.id);
    expect(code).toBe(1);
    expect(err).toContain(`${one.id} is revoked`);
    expect(err).toContain(`No key has the id "${slip}". Valid: ${one.id}, ${two.id}. Did you mean ${two.id}?`);
    expect(await listed(folder)).toMatchObject([{ state: 'revoked' }, { state: 'active' }]);
    expect(await keys(folder, 'revoke')).toMatchObject({ code: 2 });
  });

  it('F037 of a key in place of an id tells the id, and repeats no key', async () => {
    const { id, key } = await made(folder);
    const stranger = (await issued()).key;
    const mistaken = await keys(folder, 'revoke', key);
    expect(mistaken).toMatchObject({ code: 1, err: `That is a key, not an id. Its id is ${id}.\n` });
    for (const text of [stranger, `${key}x`, `Bearer ${key}`]) {
      const { code, out, err } = await keys(folder, 'revoke', text);
      expect([code, out, err.includes(text.slice(-30))]).toEqual([1, '', false]);
      expect(err).toContain(id);
    }
  });

  it('F031 hostile text as an id is no id, and harms nothing', async () => {
    await made(folder);
    for (const text of HOSTILE_TEXTS) {
      expect((await keys(folder, 'revoke', '--', text)).code, text).toBe(1);
      expect((await keys(folder, 'rotate', '--', text)).code, text).toBe(1);
    }
    expect(await listed(folder)).toMatchObject([{ state: 'active' }]);
  });
});

it('no action, or an unknown one, is a wrong call', async () => {
  for (const args of [[], ['delete'], ['toString'], ['--json', 'list']])
    expect(await keys(folder, ...args)).toMatchObject({
      code: 2,
      out: '',
      err: 'Say first what to do: create, list, rotate, revoke.\n',
    });
});
