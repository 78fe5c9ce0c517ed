// `spillway tenants`: shows, sets and removes tenants beside those of the policy, without a reload. For operators.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { StoreFault } from '../../core/store.ts';
import type { TenantRecord, TenantStore } from '../../core/tenants.ts';
import { type Catalog, compilePolicy } from '../../policy/compile.ts';
import type { Policy } from '../../policy/policy.ts';
import { choicesText, quoted } from '../../policy/suggest.ts';
import { ANY_TENANT } from '../../policy/tenants.ts';
import { SqliteTenants } from '../../stores/sqlite/tenants.ts';
import { visible } from '../../tenants/key-terms.ts';
import { LAST_GOOD } from '../node.ts';
import { nameFault } from '../tenant-desk.ts';
import type { Command } from './command.ts';
import { DATA_FLAGS, dataFolder, dataVariables, loadedPolicy } from './data-folder.ts';
import { type Flags, type FlagTable, readFlags, UsageError } from './flags.ts';
import { changedEntry, TENANT_FLAGS } from './tenant-flags.ts';
import { type ShownTenant, shownJson, tenantLines, tenantTable } from './tenant-text.ts';

const usage = `Usage: spillway tenants list
       spillway tenants show NAME
       spillway tenants set NAME [flags]
       spillway tenants remove NAME...

  --plan P                    plan of the policy whose limits it has
  --weight 4                  share under contention
  --requests-per-minute 600   10k, 1M; none lifts the plan's
  --tokens-per-minute 400k    uncached tokens; none lifts the plan's
  --in-flight 32              calls at once; none lifts the plan's
  --usd-per-hour, --usd-per-day, --usd-per-month 50
  --usd-warn-at 80%           or 80%,95%
  --usd none                  lifts the plan's limits in money
  --zones eu,us               zones its calls may go to
  --models a,b*               models it may ask; * matches any run of characters
  --priority batch            the highest band it may claim
  --expires WHEN              30d, 12h, 90m, a date such as 2027-01-31 (00:00 UTC), or never
  --json                      for programs
  --data DIR                  where state is kept [the policy's server.data; SPILLWAY_DATA]
  --policy FILE               policy that plans are of [the one last in force with this data; SPILLWAY_POLICY]

"set" leaves what it does not name as it was; "default" takes a key away again. Tenants of the policy win, and cannot be
set here. Running routers take up a change within five seconds. Exit code 1: no such tenant, it cannot be set so, or the
store cannot be used. 2: wrongly called, or the policy is refused.
`;

/** The command line may wait for a router or another command that is writing. */
const BUSY_MS = 5_000;

interface Action {
  readonly flags: FlagTable;
  readonly names: 'none' | 'one' | 'some';
  run(context: Context): Promise<number>;
}

interface Context {
  readonly store: TenantStore;
  readonly folder: string;
  readonly flags: Flags;
  readonly json: boolean;
  readonly wallMs: number;
  readonly policy: Policy;
  readonly catalog: Catalog;
}

const ACTIONS: Readonly<Record<string, Action>> = {
  list: { flags: {}, names: 'none', run: list },
  show: { flags: {}, names: 'one', run: show },
  set: { flags: TENANT_FLAGS, names: 'one', run: set },
  remove: { flags: {}, names: 'some', run: remove },
};

async function run(args: string[]): Promise<number> {
  let store: TenantStore | undefined;
  try {
    const [name = '', ...rest] = args;
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
    if (action === undefined) throw new UsageError(`Say first what to do: ${Object.keys(ACTIONS).join(', ')}.`);
    const table = { ...action.flags, json: { type: 'boolean' }, ...DATA_FLAGS } as const;
    const flags = readFlags(rest, table, dataVariables(process.env));
    checkNames(name, action, flags.rest);
    const folder = await dataFolder(flags);
    const lastGood = join(folder, LAST_GOOD);
    const policy = await loadedPolicy(flags.text('policy') ?? (existsSync(lastGood) ? lastGood : undefined));
    store = new SqliteTenants({ folder, busyMs: BUSY_MS });
    const context = { store, folder, flags, json: flags.on('json'), wallMs: Date.now(), policy };
    return await action.run({ ...context, catalog: compilePolicy(policy) });
  } catch (thrown) {
    if (!(thrown instanceof UsageError || thrown instanceof StoreFault)) throw thrown;
    say(thrown.message);
    return thrown instanceof UsageError ? 2 : 1;
  } finally {
    await store?.close();
  }
}

function checkNames(name: string, { names }: Action, given: readonly string[]): void {
  const fits = names === 'none' ? given.length === 0 : names === 'one' ? given.length === 1 : given.length > 0;
  if (fits) return;
  const wanted = { none: 'nothing but flags', one: 'one name of a tenant', some: 'one or more names of tenants' }[
    names
  ];
  throw new UsageError(`spillway tenants ${name} takes ${wanted}. See spillway tenants --help.`);
}

/** Those of the policy and of the store; a name of both stands there twice, and the policy's is in force. */
async function shown({ store, policy, catalog }: Context): Promise<readonly ShownTenant[]> {
  const own = [...policy.tenants].map(([name, rules]): ShownTenant => {
    return { name, source: 'policy', record: null, rules, faults: [], shadowed: false };
  });
  const kept = (await store.all()).map((record): ShownTenant => {
    const reading = catalog.readTenant(record.entry);
    const shadowed = policy.tenants.has(record.name);
    return 'faults' in reading
      ? { name: record.name, source: 'store', record, rules: null, faults: reading.faults, shadowed }
      : { name: record.name, source: 'store', record, rules: reading.rules, faults: [], shadowed };
  });
  return [...own, ...kept].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

async function list(context: Context): Promise<number> {
  const tenants = await shown(context);
  if (context.json) return print(tenants.map(shownJson));
  if (tenants.length === 0)
    say(
      `No tenant is set, in the policy or in ${context.folder}: none has a limit. Set one with spillway tenants set.`,
    );
  else process.stdout.write(tenantTable(tenants));
  return 0;
}

async function show(context: Context): Promise<number> {
  const [name = ''] = context.flags.rest;
  const all = await shown(context);
  const found = all.filter((tenant) => tenant.name === name);
  if (found.length === 0) {
    unknown(
      name,
      all.map((tenant) => tenant.name),
    );
    const other = context.policy.tenants.has(ANY_TENANT) ? `the entry "${ANY_TENANT}" of the policy` : 'the defaults';
    say(`Its calls, if it has keys, have ${other}.`);
    return 1;
  }
  if (context.json) return print(found.length === 1 ? shownJson(found[0]!) : found.map(shownJson));
  for (const tenant of found) process.stdout.write(tenantLines(tenant));
  return 0;
}

async function set(context: Context): Promise<number> {
  const { store, catalog, flags, wallMs, json } = context;
  const [name = ''] = flags.rest;
  const fault = nameFault(name, catalog);
  if (fault !== null) throw new UsageError(`${fault}.`);
  const before = (await store.all()).find((record) => record.name === name);
  const record: TenantRecord = { name, entry: changedEntry(before?.entry ?? {}, flags, wallMs), changedMs: wallMs };
  const reading = catalog.readTenant(record.entry);
  if ('faults' in reading) {
    for (const text of reading.faults) say(`${name} cannot be set so: ${text}`);
    return 1;
  }
  await store.set(record);
  for (const text of reading.warnings) say(`warning: ${text}`);
  const tenant: ShownTenant = { name, source: 'store', record, rules: reading.rules, faults: [], shadowed: false };
  if (json) return print(shownJson(tenant));
  process.stdout.write(tenantLines(tenant));
  say('Running routers on this data take it up within five seconds.');
  return 0;
}

async function remove({ store, flags, json, policy }: Context): Promise<number> {
  const removed: string[] = [];
  const strange: string[] = [];
  for (const name of flags.rest) ((await store.remove(name)) ? removed : strange).push(name);
  if (json) print({ removed });
  else for (const name of removed) say(`${name} is removed; running routers let go of it within five seconds.`);
  if (strange.length === 0) return 0;
  const names = (await store.all()).map((record) => record.name);
  for (const name of strange) {
    if (policy.tenants.has(name)) say(`${visible(name)} is set by the policy: remove it there.`);
    else unknown(name, names);
  }
  return 1;
}

function unknown(name: string, names: readonly string[]): void {
  say(`No tenant ${quoted(visible(name))} is set. ${choicesText(name, names)}`);
}

function print(value: unknown): number {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
  return 0;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

export const tenantsCommand: Command = { summary: 'shows, sets and removes tenants and their limits', usage, run };
