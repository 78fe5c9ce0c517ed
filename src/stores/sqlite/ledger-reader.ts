// Looks into the ledger of a data folder, whether or not a router writes it meanwhile. For the command line.
import type { PoolTimeRow, UsageQuery, UsageRow } from '../../core/ledger.ts';
import { guarded } from './database.ts';
import { ledgerFile, openLedgerForReading } from './ledger-file.ts';
import { poolTimeRows, usageRows } from './ledger-usage.ts';
import { Statements } from './statements.ts';

/** All of it throws a StoreFault. */
export interface LedgerReader {
  usage(query: UsageQuery): readonly UsageRow[];
  poolTime(fromMs: number, toMs: number): readonly PoolTimeRow[];
  close(): void;
}

/** Null: this folder has no ledger yet. Blocks its thread, so it is not for a process that serves. */
export function openLedgerReader(folder: string): LedgerReader | null {
  const db = openLedgerForReading(folder);
  if (db === null) return null;
  const file = ledgerFile(folder);
  const sql = new Statements(db);
  return {
    usage: (query) => guarded(file, () => usageRows(sql, query)),
    poolTime: (fromMs, toMs) => guarded(file, () => poolTimeRows(sql, fromMs, toMs)),
    close: () => db.close(),
  };
}
