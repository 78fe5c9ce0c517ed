// `spillway keys`: makes, lists, replaces and revokes the keys by which callers are let in. For operators.
import { randomBytes } from 'node:crypto';
import { type KeyRecord, type KeyStore, KeyStoreError } from '../../core/keys.ts';
import { dialects } from '../../dialects/index.ts';
import { choicesText, quoted } from '../../policy/suggest.ts';
import { nodeDigest } from '../../runtime/node/machine.ts';
import { SqliteKeys } from '../../stores/sqlite/keys.ts';
import { KEY_PREFIX, wellFormed } from '../../tenants/key-format.ts';
import { issueKey, keyHash } from '../../tenants/key-issue.ts';
import { keyState } from '../../tenants/key-state.ts';
import { type KeyTerms, termFaults, visible } from '../../tenants/key-terms.ts';
import type { Command } from './command.ts';
import { DATA_FLAGS, DATA_USAGE, dataFolder, dataVariables } from './data-folder.ts';
import { type Flags, type FlagTable, readFlags, UsageError } from './flags.ts';
import { expiryFrom, graceFrom, listFrom } from './key-flags.ts';
import { keyJson, keyTable, minute, termsText } from './key-text.ts';

const usage = `Usage: spillway keys create [--tenant NAME] [--name TEXT] [--models A,B*] [--routes PATH,PATH] [--expires WHEN]
       spillway keys list
       spillway keys rotate ID [--grace 24h] [--expires WHEN]
       spillway keys revoke ID...

  --tenant NAME      who is accountable for its calls [default]
  --name TEXT        what you call it
  --models A,B*      models it may ask; * matches any run of characters [all]
  --routes PATH,...  routes it may call [all]
  --expires WHEN     30d, 12h, 90m, a date such as 2027-01-31 (00:00 UTC), or never
                     [create: never; rotate: as long from now as the old key was given]
  --grace 24h        how long the old key still works beside the new one [0]
  --json             for programs
${DATA_USAGE}

A key is printed once, on standard output, and stored nowhere: what is kept is its SHA-256. Running routers take up a
change within five seconds. Exit code 1: no such key, or the store cannot be used. 2: wrongly called.
`;

/** The command line may wait for a router or another command that is writing. */
const BUSY_MS = 5_000;
const ROUTES = [...Object.values(dialects).flatMap(({ routes }) => routes), '/v1/models'];

interface Action {
  readonly flags: FlagTable;
  readonly ids: 'none' | 'one' | 'some';
  run(context: Context): Promise<number>;
}

interface Context {
  readonly store: KeyStore;
  readonly folder: string;
  readonly flags: Flags;
  readonly json: boolean;
  readonly wallMs: number;
}

const ACTIONS: Readonly<Record<string, Action>> = {
  create: {
    flags: {
      tenant: { type: 'string' },
      name: { type: 'string' },
      models: { type: 'string' },
      routes: { type: 'string' },
      expires: { type: 'string' },
    },
    ids: 'none',
    run: create,
  },
  list: { flags: {}, ids: 'none', run: list },
  rotate: { flags: { grace: { type: 'string' }, expires: { type: 'string' } }, ids: 'one', run: rotate },
  revoke: { flags: {}, ids: 'some', run: revoke },
};

async function run(args: string[]): Promise<number> {
  let store: KeyStore | undefined;
  try {
    const [name = '', ...rest] = args;
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
    if (action === undefined) throw new UsageError(`Say first what to do: ${Object.keys(ACTIONS).join(', ')}.`);
    const table = { ...action.flags, json: { type: 'boolean' }, ...DATA_FLAGS } as const;
    const flags = readFlags(rest, table, dataVariables(process.env));
    checkIds(name, action, flags.rest);
    const folder = await dataFolder(flags);
    store = new SqliteKeys({ folder, busyMs: BUSY_MS });
    return await action.run({ store, folder, flags, json: flags.on('json'), wallMs: Date.now() });
  } catch (thrown) {
    if (!(thrown instanceof UsageError || thrown instanceof KeyStoreError)) throw thrown;
    say(thrown.message);
    return thrown instanceof UsageError ? 2 : 1;
  } finally {
    await store?.close();
  }
}

function checkIds(name: string, { ids }: Action, given: readonly string[]): void {
  const fits = ids === 'none' ? given.length === 0 : ids === 'one' ? given.length === 1 : given.length > 0;
  if (fits) return;
  const wanted = { none: 'nothing but flags', one: 'one key id', some: 'one or more key ids' }[ids];
  throw new UsageError(`spillway keys ${name} takes ${wanted}. See spillway keys --help.`);
}

async function create({ store, flags, json, wallMs }: Context): Promise<number> {
  const terms: KeyTerms = {
    tenant: flags.text('tenant') ?? 'default',
    name: flags.text('name') ?? '',
    expiresMs: expiryFrom(flags, wallMs) ?? null,
    models: listFrom(flags, 'models'),
    routes: listFrom(flags, 'routes'),
  };
  const faults = termFaults(terms, ROUTES, wallMs);
  const flagOf = (field: keyof KeyTerms) => (field === 'expiresMs' ? '--expires' : `--${field}`);
  if (faults.length > 0) throw new UsageError(faults.map(({ field, text }) => `${flagOf(field)} ${text}.`).join('\n'));
  const first = (await store.all()).length === 0;
  const { key, record } = await issueKey(terms, { randomBytes, digest: nodeDigest, wallMs });
  await store.add(record);
  if (json) return print({ ...keyJson(record, wallMs), key });
  say(`Made ${record.id}: ${termsText(record)}.`);
  if (first) say('It is the first one: within five seconds routers on this data let nobody in without a key.');
  return handOver(key);
}

async function list({ store, folder, json, wallMs }: Context): Promise<number> {
  const records = await store.all();
  if (json) return print(records.map((record) => keyJson(record, wallMs)));
  if (records.length === 0) say(`There are no keys in ${folder}. Make one with spillway keys create.`);
  else process.stdout.write(keyTable(records, wallMs));
  return 0;
}

async function rotate({ store, flags, json, wallMs }: Context): Promise<number> {
  const graceMs = graceFrom(flags);
  const asked = expiryFrom(flags, wallMs);
  const records = await store.all();
  const [id = ''] = flags.rest;
  const old = records.find((record) => record.id === id);
  if (old === undefined) return unknown([id], records);
  const state = keyState(old, wallMs);
  if (state !== 'active') {
    say(`${id} is ${state} already. Make a new key with spillway keys create.`);
    return 1;
  }
  const span = old.expiresMs === null ? null : wallMs + (old.expiresMs - old.createdMs);
  const terms: KeyTerms = { ...old, expiresMs: asked === undefined ? span : asked };
  if (terms.expiresMs !== null && terms.expiresMs <= wallMs) throw new UsageError('--expires must lie in the future.');
  const { key, record } = await issueKey(terms, { randomBytes, digest: nodeDigest, wallMs });
  // The new one first: whatever happens in between, somebody can still be let in.
  await store.add(record);
  await store.end(id, graceMs === 0 ? { revokedMs: wallMs } : { expiresMs: wallMs + graceMs });
  const oldEndsMs = Math.min(wallMs + graceMs, old.expiresMs ?? Number.POSITIVE_INFINITY);
  if (json)
    return print({ ...keyJson(record, wallMs), key, replaces: id, replacedEndsAt: new Date(oldEndsMs).toISOString() });
  say(`Made ${record.id}: ${termsText(record)}.`);
  say(graceMs === 0 ? `${id} is revoked.` : `${id} works until ${minute(oldEndsMs)}.`);
  return handOver(key);
}

async function revoke({ store, flags, json, wallMs }: Context): Promise<number> {
  const records = await store.all();
  const known = flags.rest.filter((id) => records.some((record) => record.id === id));
  const strange = flags.rest.filter((id) => !known.includes(id));
  for (const id of known) await store.end(id, { revokedMs: wallMs });
  if (json) print({ revoked: known });
  else for (const id of known) say(`${id} is revoked; running routers refuse it within five seconds.`);
  return strange.length === 0 ? 0 : unknown(strange, records);
}

/** An id that is none may be a key, given by mistake: then its id is told, and it is not repeated. */
async function unknown(given: readonly string[], records: readonly KeyRecord[]): Promise<number> {
  const ids = records.filter(({ revokedMs }) => revokedMs === null).map(({ id }) => id);
  for (const word of given) {
    const hash = wellFormed(word) ? await keyHash(word, nodeDigest) : null;
    const meant = records.find((record) => record.hash === hash);
    if (meant !== undefined) say(`That is a key, not an id. Its id is ${meant.id}.`);
    else if (word.includes(KEY_PREFIX)) say(`That looks like a key, not an id. ${choicesText('', ids)}`);
    else say(`No key has the id ${quoted(visible(word))}. ${choicesText(word, ids)}`);
  }
  return 1;
}

function handOver(key: string): number {
  say('This is the only time the key is shown:');
  process.stdout.write(`${key}\n`);
  return 0;
}

function print(value: unknown): number {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
  return 0;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

export const keysCommand: Command = { summary: 'makes, lists, replaces and revokes keys of callers', usage, run };
