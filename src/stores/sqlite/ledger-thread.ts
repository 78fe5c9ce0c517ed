// The thread that alone writes the ledger of this process: is told which file, opens it, then takes messages. For the ledger on Node, which starts it.
import { statSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { type MessagePort, parentPort } from 'node:worker_threads';
import type { Clock } from '../../core/runtime.ts';
import { StoreFault } from '../../core/store.ts';
import { identityOf, storeFault } from './database.ts';
import { LedgerBook } from './ledger-book.ts';
import { LedgerEngine } from './ledger-engine.ts';
import { emptyLedgerLog, ledgerFile, openLedgerFile } from './ledger-file.ts';
import { type FromThread, type LedgerAnswer, SHARED, type SharedState, type ToLedger } from './ledger-messages.ts';
import { ledgerPurge } from './ledger-purge.ts';
import { CallUnpacker } from './ledger-unpack.ts';
import { inTransaction } from './migrations.ts';
import { Statements } from './statements.ts';
import type { Beginning } from './thread.ts';

export interface LedgerThreadData {
  readonly folder: string;
  readonly holder: string;
  readonly leaseMs: number;
  readonly busyMs: number;
  readonly state: SharedState;
}

function open(port: MessagePort, data: LedgerThreadData): LedgerEngine {
  const { folder, holder, leaseMs, busyMs, state } = data;
  const tell = (message: FromThread<LedgerAnswer>) => port.postMessage(message);
  const clock: Clock = {
    nowMs: () => performance.now(),
    wallMs: () => Date.now() + Number(Atomics.load(state, SHARED.shiftMs)),
    after(delayMs, fn) {
      const timer = setTimeout(fn, delayMs);
      return { cancel: () => clearTimeout(timer) };
    },
  };
  const file = ledgerFile(folder);
  const wal = `${file.path}-wal`;
  const db = openLedgerFile(folder, { busyMs });
  const opened = identityOf(file);
  const sql = new Statements(db);
  const { wallMs, nowMs } = clock;
  const engine = new LedgerEngine({
    file,
    book: new LedgerBook({ db, holder, wallMs, nowMs, leaseMs }),
    purge: ledgerPurge(sql, wallMs),
    unpacker: new CallUnpacker(),
    clock,
    leaseMs,
    transaction(work) {
      const present = identityOf(file);
      if (present?.node !== opened?.node || present?.device !== opened?.device) throw replaced(file.path);
      return inTransaction(db, work);
    },
    emptyLog: () => emptyLedgerLog(folder),
    walBytes: () => statSync(wal, { throwIfNoEntry: false })?.size ?? 0,
    soon: (fn) => setImmediate(fn),
    answer(id, answer) {
      if (!(answer instanceof StoreFault)) return tell({ kind: 'answer', id, answer });
      tell({ kind: 'fault', id, code: answer.code, text: answer.message });
    },
    log: (level, event, fields) => tell({ kind: 'log', level, event, fields }),
    done(records, lost) {
      Atomics.add(state, SHARED.lost, BigInt(lost));
      Atomics.add(state, SHARED.done, BigInt(records));
    },
    failing(now) {
      const sinceUs = now ? BigInt(Math.round((performance.timeOrigin + performance.now()) * 1_000)) : 0n;
      Atomics.store(state, SHARED.failingSinceUs, sinceUs);
    },
    closeFile: () => db.close(),
    closeWay: () => port.close(),
  });
  return engine;
}

/** SQLite would go on writing to what has no name any more. */
function replaced(path: string): StoreFault {
  const text = `${path} was removed or replaced while in use. Put it back, or restart the router to use what is there now.`;
  return new StoreFault('unavailable', text);
}

/** Null where it is refused: then the thread ends. */
function begin(port: MessagePort, data: LedgerThreadData): LedgerEngine | null {
  const tell = (message: FromThread<never>) => port.postMessage(message);
  try {
    const engine = open(port, data);
    tell({ kind: 'ready' });
    // A thread has a cache of its own, which a process that is killed would never have filled.
    setImmediate(() => flushCompileCache());
    return engine;
  } catch (thrown) {
    const fault = storeFault(ledgerFile(data.folder), thrown);
    if (!(fault instanceof StoreFault)) throw thrown;
    tell({ kind: 'refused', code: fault.code, text: fault.message });
    port.close();
    return null;
  }
}

function start(port: MessagePort): void {
  let engine: LedgerEngine | null = null;
  port.on('message', (message: Beginning<LedgerThreadData> | ToLedger) => {
    if (message.kind === 'begin') engine = begin(port, message.data);
    else engine?.receive(message);
  });
}

if (parentPort !== null) start(parentPort);
