// How the command line gets at the ledger of a data folder, whether or not a router writes it meanwhile. For `spillway usage`.
import type { Log } from '../../core/runtime.ts';
import { openSqliteLedger } from '../../stores/sqlite/ledger.ts';
import { openLedgerReader } from '../../stores/sqlite/ledger-reader.ts';
import type { LedgerAccess } from './usage.ts';

const nothing = () => {};
/** What goes wrong is told once, as the command's own answer. */
const SILENT: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };

export const ledgerAccess: LedgerAccess = {
  read: (folder) => Promise.resolve(openLedgerReader(folder)),
  async erase(folder, tenant) {
    // A folder without a ledger stays without one.
    const reader = openLedgerReader(folder);
    if (reader === null) return 0;
    reader.close();
    const ledger = await openSqliteLedger({ folder, log: SILENT, nowMs: () => performance.now() });
    try {
      return await ledger.erase(tenant);
    } finally {
      await ledger.close();
    }
  },
};
