// When what waits is written, what is tried again and when, and what is answered. For the ledger's thread.
import type { Clock, LogFields, Timer } from '../../core/runtime.ts';
import { StoreFault } from '../../core/store.ts';
import { type DatabaseFile, storeFault } from './database.ts';
import { isRowRefused, type LedgerBook } from './ledger-book.ts';
import type { LedgerAnswer, LedgerQuestion, ToLedger } from './ledger-messages.ts';
import type { LedgerPurge } from './ledger-purge.ts';
import type { CallUnpacker } from './ledger-unpack.ts';

/** Records in one transaction at most: what has piled up is written in steps, between which questions are answered. */
const GROUP = 4_096;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1_000;
/** Beyond it, some reader keeps the log of changes from being taken up into the file. */
const WAL_ALARM_BYTES = 64 * 1024 * 1024;

/** Who asks for a trial: nobody. */
const TRIAL = -1;

export interface EngineParts {
  readonly file: DatabaseFile;
  readonly book: LedgerBook;
  readonly purge: LedgerPurge;
  readonly unpacker: CallUnpacker;
  readonly clock: Clock;
  readonly leaseMs: number;
  /** All of `work` is kept, or nothing. */
  readonly transaction: <T>(work: () => T) => T;
  readonly walBytes: () => number;
  /** Empties the log of changes, in which what was taken away lives on, unless somebody reads it. Never throws. */
  readonly emptyLog: () => void;
  /** Runs `fn` once all messages that have come are taken. */
  readonly soon: (fn: () => void) => void;
  readonly answer: (id: number, answer: LedgerAnswer | StoreFault) => void;
  readonly log: (level: 'info' | 'warn' | 'error', event: string, fields: LogFields) => void;
  /** So many records are dealt with; of them `lost` never will be written. */
  readonly done: (records: number, lost: number) => void;
  /** Writing fails from now on, or no longer. */
  readonly failing: (now: boolean) => void;
  /** Nothing more is written: the file is closed before that is answered, the way of messages after it. */
  readonly closeFile: () => void;
  readonly closeWay: () => void;
}

interface Entry {
  readonly records: number;
  /** Within a transaction; answers with what follows once that is durable. */
  readonly work: () => () => void;
  /** The question's own id; null: records, which wait instead of failing. */
  readonly id: number | null;
}

export class LedgerEngine {
  readonly #parts: EngineParts;
  #waiting: Entry[] = [];
  #scheduled = false;
  #fault: StoreFault | null = null;
  #pauseMs = FIRST_PAUSE_MS;
  #retry: Timer | null = null;
  #renewal: Timer;
  #walAlarm = false;
  #oneByOne = false;
  #over = false;
  #closing: number | null = null;

  constructor(parts: EngineParts) {
    this.#parts = parts;
    this.#renewal = parts.clock.after(parts.leaseMs / 3, () => this.#renew());
    // Others are known from the first moment on, so that a dead one's lease is not waited for twice.
    parts.book.dead();
  }

  receive(message: ToLedger): void {
    const { book, unpacker } = this.#parts;
    if (message.kind === 'calls') {
      const read = unpacker.accept(message.batch);
      const { count } = message.batch;
      this.#push({
        records: count,
        id: null,
        work: () => {
          const refused = book.addCalls(read());
          return () => this.#parts.done(count, refused);
        },
      });
    } else if (message.kind === 'time') {
      const { records, firstSeq } = message;
      this.#push({
        records: records.length,
        id: null,
        work: () => {
          book.addWorkerTime(records, firstSeq);
          return () => this.#parts.done(records.length, 0);
        },
      });
    } else this.#ask(message.id, message.question);
  }

  #ask(id: number, question: LedgerQuestion): void {
    const { book, answer } = this.#parts;
    if (question.what === 'close') {
      this.#closing = id;
      return this.#commit();
    }
    // A later try has its time; until then nobody waits for it.
    if (this.#fault !== null) return answer(id, this.#fault);
    const work = (): (() => void) => {
      if (question.what === 'hold') {
        const reply = book.hold(question.request);
        return () => answer(id, reply);
      }
      if (question.what === 'flush') return () => answer(id, null);
      return () => this.#takeAway(id, question);
    };
    this.#push({ records: 0, id, work });
  }

  #push(entry: Entry): void {
    this.#waiting.push(entry);
    if (this.#scheduled || this.#retry !== null) return;
    this.#scheduled = true;
    this.#parts.soon(() => {
      this.#scheduled = false;
      this.#commit();
    });
  }

  #commit(): void {
    if (this.#over) return;
    this.#retry?.cancel();
    this.#retry = null;
    if (this.#waiting.length === 0 && this.#fault !== null) this.#waiting.push(this.#trial());
    while (this.#waiting.length > 0) {
      const group = this.#group();
      let after: (() => void)[];
      try {
        after = this.#parts.transaction(() => group.map(({ work }) => work()));
      } catch (thrown) {
        return this.#failed(group, thrown);
      }
      this.#waiting.splice(0, group.length);
      for (const then of after) then();
    }
    this.#oneByOne = false;
    this.#recovered();
    this.#watchWal();
    if (this.#closing !== null) this.#close(this.#closing);
  }

  /** Where nothing waits, a write for its own sake tells whether it works again. */
  #trial(): Entry {
    const work = () => {
      this.#parts.book.touch();
      return () => {};
    };
    return { records: 0, id: TRIAL, work };
  }

  #group(): readonly Entry[] {
    if (this.#oneByOne) return this.#waiting.slice(0, 1);
    let records = 0;
    const end = this.#waiting.findIndex((entry) => {
      records += entry.records;
      return records > GROUP;
    });
    return this.#waiting.slice(0, end < 0 ? this.#waiting.length : Math.max(1, end));
  }

  /** Questions are answered with the fault; records wait. */
  #failed(group: readonly Entry[], thrown: unknown): void {
    const fault = this.#noted(thrown);
    const asked = this.#waiting.filter(({ id }) => id !== null);
    this.#waiting = this.#waiting.filter(({ id }) => id === null);
    for (const { id } of asked) if (id !== TRIAL) this.#parts.answer(id!, fault);
    // A question may be what fails: records that stand alone then have their try at once, and only once.
    if (group.some(({ id }) => id !== null) && this.#waiting.length > 0) {
      return this.#closing === null ? this.#again(0) : this.#commit();
    }
    if (isOurs(thrown) && this.#dropped(group)) return this.#commit();
    if (this.#closing !== null) return this.#giveUp(this.#closing, fault);
    this.#again(this.#pauseMs);
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
  }

  /** What fails by itself, whatever the file's state, must not hold up the rest: it is found one by one, and given up. */
  #dropped(group: readonly Entry[]): boolean {
    this.#oneByOne = true;
    if (group.length > 1) return true;
    const [entry] = this.#waiting.splice(0, group.length);
    if (entry === undefined) return false;
    this.#parts.done(entry.records, entry.records);
    this.#parts.log('error', 'ledger_lost', { records: entry.records, why: 'fault' });
    return true;
  }

  #again(afterMs: number): void {
    this.#retry?.cancel();
    this.#retry = this.#parts.clock.after(afterMs, () => this.#commit());
  }

  #noted(thrown: unknown): StoreFault {
    const known = storeFault(this.#parts.file, thrown);
    const fault =
      known instanceof StoreFault
        ? known
        : new StoreFault('unavailable', `The ledger failed on a fault of our own: ${(known as Error)?.name}.`);
    if (this.#fault === null) this.#parts.failing(true);
    if (this.#fault?.code !== fault.code) {
      this.#parts.log('error', 'ledger_failing', { why: fault.code, message: fault.message });
    }
    this.#fault = fault;
    return fault;
  }

  #recovered(): void {
    if (this.#fault === null) return;
    this.#fault = null;
    this.#pauseMs = FIRST_PAUSE_MS;
    this.#parts.failing(false);
    this.#parts.log('info', 'ledger_writes_again', {});
  }

  /** Holds are renewed, and those of dead routers counted, whether or not anything is written. */
  #renew(): void {
    const { book, transaction, log, clock, leaseMs } = this.#parts;
    this.#renewal = clock.after(leaseMs / 3, () => this.#renew());
    try {
      if (book.holding && !transaction(() => book.renew())) log('warn', 'ledger_hold_lost', {});
      if (book.dead().length > 0) {
        for (const { holder, tenants, amount } of transaction(() => book.countDead())) {
          log('warn', 'ledger_dead_holder', { holder, tenants, nanoUsd: amount });
        }
      }
    } catch (thrown) {
      this.#noted(thrown);
      if (this.#retry === null) this.#again(this.#pauseMs);
    }
  }

  /** A step at a time, so that commits go on. */
  #takeAway(id: number, question: Extract<LedgerQuestion, { what: 'erase' | 'expire' }>): void {
    const { purge, transaction, soon, answer } = this.#parts;
    const job = question.what === 'erase' ? purge.erase(question.tenant) : purge.expire(question.beforeMs);
    const step = () => {
      if (this.#over) return;
      try {
        if (transaction(() => job.step())) return soon(step);
        this.#parts.emptyLog();
      } catch (thrown) {
        const fault = storeFault(this.#parts.file, thrown);
        return answer(id, fault instanceof StoreFault ? fault : this.#noted(thrown));
      }
      answer(id, job.count);
    };
    soon(step);
  }

  #watchWal(): void {
    const bytes = this.#parts.walBytes();
    const large = bytes > WAL_ALARM_BYTES;
    if (large !== this.#walAlarm) {
      const [level, event] = large ? (['error', 'ledger_wal_large'] as const) : (['info', 'ledger_wal_small'] as const);
      this.#parts.log(level, event, { bytes });
    }
    this.#walAlarm = large;
  }

  #close(id: number): void {
    try {
      this.#parts.transaction(() => this.#parts.book.giveBack());
    } catch (thrown) {
      return this.#giveUp(id, this.#noted(thrown));
    }
    this.#ended(id, null);
  }

  #giveUp(id: number, fault: StoreFault): void {
    const lost = this.#waiting.reduce((sum, { records }) => sum + records, 0);
    this.#parts.done(lost, lost);
    if (lost > 0) this.#parts.log('error', 'ledger_lost', { records: lost, why: fault.code });
    this.#ended(id, fault);
  }

  #ended(id: number, answer: StoreFault | null): void {
    this.#over = true;
    this.#waiting = [];
    this.#renewal.cancel();
    this.#retry?.cancel();
    this.#parts.closeFile();
    this.#parts.answer(id, answer);
    this.#parts.closeWay();
  }
}

/** Neither SQLite's nor the system's: a fault of this code, or of what it was given. */
function isOurs(thrown: unknown): boolean {
  const { errcode, errno } = thrown as { errcode?: number; errno?: number };
  return isRowRefused(thrown) || (errcode === undefined && errno === undefined && !(thrown instanceof StoreFault));
}
