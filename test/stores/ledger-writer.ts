// A process that holds money and writes calls to the ledger of a folder as fast as it can, until it is killed. For tests of several processes.
import { openSqliteLedger } from '../../src/stores/sqlite/ledger.ts';
import { call } from './ledger-records.ts';

const [folder = '', tenant = 'acme', count = '0', leaseMs = '30000'] = process.argv.slice(2);
const SLICE = 5_000;
const limits = { hour: null, day: null, month: 1_000_000_000, warnAt: [], dryRun: false };
const say = (line: Record<string, unknown>) => process.stdout.write(`${JSON.stringify(line)}\n`);
const log = {
  debug() {},
  info: (event: string) => void say({ event }),
  warn: (event: string) => void say({ event }),
  error: (event: string, fields = {}) => void say({ event, ...fields }),
};
// A limit on the size of files is then an error of the write, and not the end of the process.
process.on('SIGXFSZ', () => {});

const ledger = await openSqliteLedger({ folder, log, nowMs: () => performance.now(), leaseMs: Number(leaseMs) });
say({ event: 'open' });
for (let written = 0; written < Number(count); ) {
  try {
    const { held } = await ledger.hold({ tenant, amount: SLICE, limits });
    for (let spent = 0; spent < held && written < Number(count); spent += 10, written++) {
      ledger.add(call({ tenant, charge: 10, run: `run-${written % 9}` }));
      // The ledger has its time, so that a kill falls into its commits.
      if (written % 64 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await ledger.flush();
    say({ event: 'durable', written });
  } catch (thrown) {
    say({ event: 'fault', code: (thrown as { code?: string }).code, ...ledger.health });
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
await ledger.close();
say({ event: 'closed', ...ledger.health });
