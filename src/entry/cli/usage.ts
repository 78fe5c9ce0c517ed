// `spillway usage`: what calls used, cost and were charged, and what became of workers' time. For operators.
import type { LedgerStore } from '../../core/ledger.ts';
import { StoreFault } from '../../core/store.ts';
import { poolsJson, usageJson } from '../../http/usage-json.ts';
import { momentText, readUsageQuery } from '../../http/usage-query.ts';
import { quoted } from '../../policy/suggest.ts';
import { visible } from '../../tenants/key-terms.ts';
import type { Command } from './command.ts';
import { DATA_FLAGS, DATA_USAGE, dataFolder, dataVariables } from './data-folder.ts';
import { type Flags, readFlags, UsageError } from './flags.ts';
import { poolCsv, poolTable, usageCsv, usageSum, usageTable } from './usage-text.ts';

const usage = `Usage: spillway usage [--by tenant,model] [--from 2026-11-01] [--to 2026-12-01] [--tenant NAME] [--limit N]
       spillway usage --pools [--from 2026-11-01] [--to 2026-12-01]
       spillway usage erase --tenant NAME --yes

  --by KEYS          any of tenant, model, run, key, class, target, day, hour [tenant]
  --from, --to WHEN  a day, or a time such as 2026-11-01T08:00Z, in UTC; calls that arrived at --to or later are not
                     counted [the current month]
  --tenant NAME      of this tenant alone [of all]
  --limit N          groups at most, the dearest first [100]
  --pools            what became of the time that workers were billed for: useful, failed, idle, cold
  --csv, --json      for spreadsheets and programs
${DATA_USAGE}

Charges are what tenants pay. What attempts cost that came to nothing, idle workers and cold starts are the operator's.
erase takes away all records of a tenant; what it has spent stays counted against its limits. Exit code 1: the ledger cannot
be read. 2: wrongly called.
`;

/** The ledger of a data folder, as the command line gets at it. */
export interface LedgerAccess {
  /** Null: this folder has none yet. */
  read(folder: string): Promise<(Pick<LedgerStore, 'usage' | 'poolTime'> & { close(): void | Promise<void> }) | null>;
  /** Answers with how many records it took away. */
  erase(folder: string, tenant: string): Promise<number>;
}

const FLAGS = {
  by: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  tenant: { type: 'string' },
  limit: { type: 'string' },
  pools: { type: 'boolean' },
  yes: { type: 'boolean' },
  csv: { type: 'boolean' },
  json: { type: 'boolean' },
  ...DATA_FLAGS,
} as const;

export function usageCommandOn(access: LedgerAccess): Command {
  return {
    summary: 'adds up what calls used, cost and were charged',
    usage,
    async run(args) {
      try {
        const flags = readFlags(args, FLAGS, dataVariables(process.env));
        const [what, ...more] = flags.rest;
        if ((what !== undefined && what !== 'erase') || more.length > 0)
          throw new UsageError('spillway usage takes flags, or erase and flags. See spillway usage --help.');
        return what === 'erase' ? await erase(access, flags) : await report(access, flags);
      } catch (thrown) {
        if (!(thrown instanceof UsageError || thrown instanceof StoreFault)) throw thrown;
        say(thrown.message);
        return thrown instanceof UsageError ? 2 : 1;
      }
    },
  };
}

async function report(access: LedgerAccess, flags: Flags): Promise<number> {
  if (flags.on('csv') && flags.on('json')) throw new UsageError('--csv or --json, not both.');
  if (flags.on('yes')) throw new UsageError('--yes is for spillway usage erase.');
  const read = readUsageQuery((name) => flags.text(name), Date.now());
  if ('fault' in read) throw new UsageError(`--${read.fault.name} ${read.fault.text}.`);
  const { query } = read;
  if (flags.on('pools') && ['by', 'tenant', 'limit'].some((name) => flags.text(name) !== undefined))
    throw new UsageError('--pools takes --from and --to: workers belong to no tenant.');
  const folder = await dataFolder(flags);
  const ledger = await access.read(folder);
  if (ledger === null) {
    say(`There is no ledger in ${folder}: no router has kept one there.`);
    return 1;
  }
  try {
    const { fromMs, toMs, by } = query;
    const span = `from ${momentText(fromMs)} to ${momentText(toMs)} (UTC)`;
    if (flags.on('pools')) {
      const rows = await ledger.poolTime(fromMs, toMs);
      if (flags.on('json')) return print(poolsJson(fromMs, toMs, rows));
      if (flags.on('csv')) process.stdout.write(poolCsv(rows));
      else if (rows.length === 0) say(`No worker's time was recorded ${span}.`);
      else process.stdout.write(poolTable(rows));
      return 0;
    }
    const rows = await ledger.usage(query);
    if (flags.on('json')) return print(usageJson(query, rows));
    if (flags.on('csv')) process.stdout.write(usageCsv(by, rows));
    else if (rows.length === 0) say(`No calls were recorded ${span}.`);
    else process.stdout.write(usageTable(by, rows));
    if (rows.length > 0 && !flags.on('csv')) say(`${usageSum(rows)} Calls that arrived ${span}.`);
    if (rows.length === query.limit) say(`Only the ${query.limit} dearest groups are shown; --limit shows more.`);
    return 0;
  } finally {
    await ledger.close();
  }
}

async function erase(access: LedgerAccess, flags: Flags): Promise<number> {
  const tenant = flags.text('tenant');
  if (tenant === undefined || tenant === '') throw new UsageError('Say whose records: --tenant NAME.');
  const strange = ['by', 'from', 'to', 'limit'].find((name) => flags.text(name) !== undefined);
  if (strange !== undefined || flags.on('pools') || flags.on('csv'))
    throw new UsageError('spillway usage erase takes away all of a tenant: --tenant and --yes are all it takes.');
  if (!flags.on('yes'))
    throw new UsageError(`This takes away all records of ${quoted(visible(tenant))}, for good. Say --yes.`);
  const erased = await access.erase(await dataFolder(flags), tenant);
  if (flags.on('json')) return print({ tenant, erased });
  say(`Took away ${erased} records of ${quoted(visible(tenant))}.`);
  return 0;
}

function print(value: unknown): number {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
  return 0;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
