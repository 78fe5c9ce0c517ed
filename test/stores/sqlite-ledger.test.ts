// The ledger in a file: alike to all others, with one router on it and with three. For src/stores/sqlite.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { describeLedger } from './ledger-conformance.ts';
import { ledgerOn, type OpenedLedger } from './opened-ledger.ts';

const base = mkdtempSync(join(tmpdir(), 'spillway-ledger-'));
let count = 0;
afterAll(() => rmSync(base, { recursive: true, force: true }));

for (const routers of [1, 3]) {
  describeLedger(`the ledger in SQLite, ${routers} on one file`, async () => {
    const folder = join(base, `data-${count++}`);
    const opened: OpenedLedger[] = [];
    for (let at = 0; at < routers; at++) opened.push(await ledgerOn(folder));
    return {
      stores: opened.map(({ ledger }) => ledger),
      settle: async (answer) => answer,
      setClock: (epochMs) => {
        for (const { setClock } of opened) setClock(epochMs);
      },
    };
  });
}
