// The engine of the ledger's thread on a clock that the test moves, over a real file, with writes that fail when the test says so. For tests of it.
import type { DatabaseSync } from 'node:sqlite';
import type { CallRecord } from '../../src/core/ledger.ts';
import type { StoreFault } from '../../src/core/store.ts';
import { LedgerBook } from '../../src/stores/sqlite/ledger-book.ts';
import { CallPacker } from '../../src/stores/sqlite/ledger-codec.ts';
import { LedgerEngine } from '../../src/stores/sqlite/ledger-engine.ts';
import { emptyLedgerLog, ledgerFile, openLedgerFile } from '../../src/stores/sqlite/ledger-file.ts';
import type { LedgerAnswer, LedgerQuestion } from '../../src/stores/sqlite/ledger-messages.ts';
import { ledgerPurge } from '../../src/stores/sqlite/ledger-purge.ts';
import { CallUnpacker } from '../../src/stores/sqlite/ledger-unpack.ts';
import { inTransaction } from '../../src/stores/sqlite/migrations.ts';
import { Statements } from '../../src/stores/sqlite/statements.ts';
import { recordingLog } from '../fakes/recording-log.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';

export const LEASE_MS = 30_000;

export interface EngineStage {
  readonly db: DatabaseSync;
  readonly book: LedgerBook;
  readonly clock: VirtualClock;
  readonly log: ReturnType<typeof recordingLog>;
  /** Records dealt with and lost, and since when writing fails. */
  readonly state: { done: number; lost: number; failing: boolean; walBytes: number; closed: boolean };
  /** Called before each transaction, and after one that was kept; what it throws is what SQLite says. */
  before: () => void;
  after: () => void;
  add(...records: readonly CallRecord[]): void;
  receive: LedgerEngine['receive'];
  ask(question: LedgerQuestion): { answer: LedgerAnswer | StoreFault | undefined };
  close(): void;
}

export function engineOn(folder: string, holder: string, clock = new VirtualClock()): EngineStage {
  const db = openLedgerFile(folder, { busyMs: 0 });
  const log = recordingLog();
  const { wallMs, nowMs } = { wallMs: () => clock.wallMs(), nowMs: () => clock.nowMs() };
  const book = new LedgerBook({ db, holder, wallMs, nowMs, leaseMs: LEASE_MS });
  const state = { done: 0, lost: 0, failing: false, walBytes: 0, closed: false };
  const asked = new Map<number, { answer: LedgerAnswer | StoreFault | undefined }>();
  const packer = new CallPacker();
  const engine = new LedgerEngine({
    file: ledgerFile(folder),
    book,
    purge: ledgerPurge(new Statements(db), wallMs),
    unpacker: new CallUnpacker(),
    clock,
    leaseMs: LEASE_MS,
    transaction: (work) => {
      stage.before();
      const answer = inTransaction(db, work);
      stage.after();
      return answer;
    },
    walBytes: () => state.walBytes,
    emptyLog: () => emptyLedgerLog(folder),
    soon: (fn) => void clock.after(0, fn),
    answer: (id, answer) => {
      asked.get(id)!.answer = answer;
    },
    log: (level, event, fields) => log[level](event, fields),
    done: (records, lost) => {
      state.done += records;
      state.lost += lost;
    },
    failing: (now) => {
      state.failing = now;
    },
    closeFile: () => db.close(),
    closeWay: () => {
      state.closed = true;
    },
  });
  const stage: EngineStage = {
    db,
    book,
    clock,
    log,
    state,
    before: () => {},
    after: () => {},
    add(...records) {
      for (const record of records) packer.add(record);
      engine.receive({ kind: 'calls', batch: packer.take() });
    },
    receive: (message) => engine.receive(message),
    ask(question) {
      const id = asked.size + 1;
      const slot = { answer: undefined };
      asked.set(id, slot);
      engine.receive({ kind: 'ask', id, question });
      return slot;
    },
    close: () => {
      if (db.isOpen) db.close();
    },
  };
  return stage;
}

/** As node:sqlite throws it. */
export const sqliteError = (errcode: number): Error =>
  Object.assign(new Error('a fault of the file'), { code: 'ERR_SQLITE_ERROR', errcode, errstr: 'a fault of the file' });

/** What the books say, in nano-USD: within one window, charges and lost money are what is spent. */
export function books(db: DatabaseSync): { charges: number; lost: number; spent: number; held: number; calls: number } {
  const row = db
    .prepare(
      `SELECT (SELECT coalesce(sum(charge), 0) FROM calls) AS charges, (SELECT count(*) FROM calls) AS calls,
        (SELECT coalesce(sum(amount), 0) FROM lost) AS lost,
        (SELECT coalesce(sum(amount), 0) FROM spend WHERE span = 'month') AS spent,
        (SELECT coalesce(sum(amount), 0) FROM holds) AS held`,
    )
    .get()!;
  const { charges, lost, spent, held, calls } = row as Record<string, number>;
  return { charges: charges!, lost: lost!, spent: spent!, held: held!, calls: calls! };
}
