// A ledger in SQLite whose log is kept and whose clock the test sets. For tests of it.

import { openSqliteLedger, type SqliteLedger, type SqliteLedgerOptions } from '../../src/stores/sqlite/ledger.ts';
import { newSharedState, SHARED } from '../../src/stores/sqlite/ledger-messages.ts';
import { recordingLog } from '../fakes/recording-log.ts';

export interface OpenedLedger {
  readonly ledger: SqliteLedger;
  readonly log: ReturnType<typeof recordingLog>;
  setClock(epochMs: number): void;
}

export async function ledgerOn(folder: string, options: Partial<SqliteLedgerOptions> = {}): Promise<OpenedLedger> {
  const state = newSharedState();
  const log = recordingLog();
  const ledger = await openSqliteLedger({ folder, log, nowMs: () => performance.now(), state, ...options });
  return {
    ledger,
    log,
    setClock: (epochMs) => void Atomics.store(state, SHARED.shiftMs, BigInt(Math.round(epochMs - Date.now()))),
  };
}
