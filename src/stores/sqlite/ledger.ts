// The ledger in the file ledger.db of the data folder, written by a thread of its own. For the router on Node.
import { randomUUID } from 'node:crypto';
import type {
  CallRecord,
  HoldReply,
  HoldRequest,
  LedgerHealth,
  LedgerStore,
  PoolTimeRow,
  UsageQuery,
  UsageRow,
  WorkerTimeRecord,
} from '../../core/ledger.ts';
import type { Log } from '../../core/runtime.ts';
import { StoreFault } from '../../core/store.ts';
import { CallPacker } from './ledger-codec.ts';
import { type LedgerQuestion, newSharedState, SHARED, type SharedState, type ToLedger } from './ledger-messages.ts';
import type { ReportQuestion, ReportThreadData } from './ledger-report-thread.ts';
import type { LedgerThreadData } from './ledger-thread.ts';
import { StoreThread } from './thread.ts';

/** Records go to the thread in groups of so many, or after so long. */
const GROUP = 256;
const GROUP_MS = 20;
/** Records that wait at most, here and there together. */
const MAX_WAITING = 65_536;
const LEASE_MS = 30_000;
const BUSY_MS = 5_000;
/** A thread that died is started again after so long. */
const RESTART_MS = 1_000;

const THREAD = 'ledger-thread';

/** For whoever knows that a ledger will be opened before it is known which: the thread comes up meanwhile. */
export const startLedgerThread = (): StoreThread => new StoreThread(THREAD);

export interface SqliteLedgerOptions {
  /** The data folder. It and the file are made where they are not there, for their owner alone. */
  readonly folder: string;
  readonly log: Log;
  /** The router's clock, by which `health` tells since when writing fails. */
  readonly nowMs: () => number;
  readonly leaseMs?: number;
  readonly busyMs?: number;
  readonly maxWaiting?: number;
  /** Tests move the store's clock by `shiftMs` in it. */
  readonly state?: SharedState;
}

/**
 * Rejects with a StoreFault when there is a file that cannot be used: a router does not start on it. `thread` is one that
 * `startLedgerThread` started; from now on it is the ledger's to end.
 */
export async function openSqliteLedger(options: SqliteLedgerOptions, thread?: StoreThread): Promise<SqliteLedger> {
  const ledger = new SqliteLedger(options, thread);
  await ledger.ready;
  return ledger;
}

export class SqliteLedger implements LedgerStore {
  readonly ready: Promise<void>;
  readonly #options: SqliteLedgerOptions;
  readonly #state: SharedState;
  #thread: StoreThread;
  #reports: StoreThread | null = null;
  #packer = new CallPacker();
  #times: WorkerTimeRecord[] = [];
  #timer: NodeJS.Timeout | null = null;
  #timesEver = 0;
  /** Records handed over; those that are done are counted in the shared state. */
  #sent = 0;
  /** Lost here, for want of room or of a thread. */
  #lost = 0;
  #dropping = false;
  /** Since when there is no thread, by the router's clock. */
  #threadlessMs: number | null = null;
  #restart: NodeJS.Timeout | null = null;
  #closed: Promise<void> | null = null;
  #began = false;

  constructor(options: SqliteLedgerOptions, thread: StoreThread = startLedgerThread()) {
    this.#options = options;
    this.#state = options.state ?? newSharedState();
    this.#thread = thread;
    this.ready = this.#begin(thread).then(() => {
      this.#began = true;
    });
  }

  add(record: CallRecord): void {
    if (this.#closed !== null) return this.#lose(1, 'closed');
    this.#packer.add(record);
    if (this.#packer.count >= GROUP) this.#handOver();
    else this.#timer ??= setTimeout(() => this.#handOver(), GROUP_MS);
  }

  addWorkerTime(record: WorkerTimeRecord): void {
    if (this.#closed !== null) return this.#lose(1, 'closed');
    this.#times.push({ ...record });
    if (this.#times.length >= GROUP) this.#handOver();
    else this.#timer ??= setTimeout(() => this.#handOver(), GROUP_MS);
  }

  async flush(): Promise<void> {
    await this.#ask({ what: 'flush' });
  }

  hold(request: HoldRequest): Promise<HoldReply> {
    return this.#ask({ what: 'hold', request });
  }

  usage(query: UsageQuery): Promise<readonly UsageRow[]> {
    return this.#report({ what: 'usage', query });
  }

  poolTime(fromMs: number, toMs: number): Promise<readonly PoolTimeRow[]> {
    return this.#report({ what: 'poolTime', fromMs, toMs });
  }

  erase(tenant: string): Promise<number> {
    return this.#ask({ what: 'erase', tenant });
  }

  expire(beforeMs: number): Promise<number> {
    return this.#ask({ what: 'expire', beforeMs });
  }

  get health(): LedgerHealth {
    const failingSinceMs = this.#failingSinceMs();
    const lost = this.#lost + this.#shared(SHARED.lost);
    const waiting = this.#waiting() + this.#packer.count + this.#times.length;
    return { ok: failingSinceMs === null, failingSinceMs, waiting, lost };
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  #begin(thread: StoreThread): Promise<void> {
    const { folder, leaseMs = LEASE_MS, busyMs = BUSY_MS, log } = this.#options;
    const data: LedgerThreadData = { folder, holder: randomUUID(), leaseMs, busyMs, state: this.#state };
    return thread.begin({
      data,
      log: ({ level, event, fields }) => log[level](event, fields),
      died: (why) => this.#died(why),
    });
  }

  #handOver(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#threadlessMs !== null) return this.#keep();
    const times = this.#times;
    if (this.#packer.count > 0) {
      const batch = this.#packer.take();
      // Texts that later batches may name go over in any case.
      if (this.#mayGo(batch.count)) {
        this.#send({ kind: 'calls', batch }, batch.count, [batch.numbers.buffer]);
      } else this.#packer.repeat();
    }
    if (times.length === 0) return;
    this.#times = [];
    if (!this.#mayGo(times.length)) return;
    const firstSeq = this.#timesEver;
    this.#timesEver += times.length;
    this.#send({ kind: 'time', records: times, firstSeq }, times.length);
  }

  /** Until there is a thread again, within the bound. */
  #keep(): void {
    const { maxWaiting = MAX_WAITING } = this.#options;
    const records = this.#packer.count + this.#times.length;
    if (records <= maxWaiting) return;
    this.#lose(records, 'no_room');
    this.#packer = new CallPacker();
    this.#times = [];
  }

  #send(message: ToLedger, records: number, transfer: readonly ArrayBuffer[] = []): void {
    this.#sent += records;
    this.#thread.post(message, transfer);
  }

  /** Beyond the bound records are given up, which is said when it begins. */
  #mayGo(records: number): boolean {
    const { maxWaiting = MAX_WAITING } = this.#options;
    const room = this.#waiting() + records <= maxWaiting;
    if (!room) this.#lose(records, 'no_room');
    else if (this.#dropping) {
      this.#dropping = false;
      this.#options.log.info('ledger_keeps_again', { lost: this.#lost });
    }
    return room;
  }

  #lose(records: number, why: string): void {
    this.#lost += records;
    if (this.#dropping) return;
    this.#dropping = true;
    this.#options.log.error('ledger_lost', { records, why });
  }

  #waiting(): number {
    return this.#sent - this.#shared(SHARED.done);
  }

  #shared(place: number): number {
    return Number(Atomics.load(this.#state, place));
  }

  #failingSinceMs(): number | null {
    if (this.#threadlessMs !== null) return this.#threadlessMs;
    const sinceUs = this.#shared(SHARED.failingSinceUs);
    if (sinceUs === 0) return null;
    const agoMs = performance.timeOrigin + performance.now() - sinceUs / 1_000;
    return this.#options.nowMs() - Math.max(0, agoMs);
  }

  #ask<Answer>(question: LedgerQuestion): Promise<Answer> {
    if (this.#closed !== null) {
      return Promise.reject(new StoreFault('unavailable', 'The ledger has been closed.'));
    }
    this.#handOver();
    return this.#thread.ask((id) => ({ kind: 'ask', id, question }) satisfies ToLedger);
  }

  /** Of all that was added before, if that can be written now; else of what is there. */
  async #report<Answer>(question: ReportQuestion): Promise<Answer> {
    await this.flush().catch(() => {});
    if (this.#closed !== null) throw new StoreFault('unavailable', 'The ledger has been closed.');
    if (this.#reports === null) {
      this.#reports = new StoreThread('ledger-report-thread');
      void this.#reports.begin({
        data: { folder: this.#options.folder } satisfies ReportThreadData,
        log: () => {},
        died: () => {
          this.#reports = null;
        },
      });
    }
    return this.#reports.ask((id) => ({ kind: 'ask', id, question }));
  }

  /** What it had not written is lost; what it held is counted as spent by the next, as after any crash. */
  #died(why: string): void {
    const { log, nowMs } = this.#options;
    this.#threadlessMs ??= nowMs();
    log.error('ledger_thread_ended', { why });
    const waiting = this.#waiting();
    Atomics.add(this.#state, SHARED.done, BigInt(waiting));
    if (waiting > 0) this.#lose(waiting, 'no_thread');
    this.#packer.repeat();
    if (this.#closed !== null || !this.#began) return;
    this.#restart = setTimeout(() => {
      Atomics.store(this.#state, SHARED.failingSinceUs, 0n);
      this.#thread = startLedgerThread();
      this.#begin(this.#thread).then(
        () => {
          this.#threadlessMs = null;
          this.#handOver();
        },
        () => this.#died('refused'),
      );
    }, RESTART_MS);
    this.#restart.unref();
  }

  async #close(): Promise<void> {
    this.#handOver();
    if (this.#restart !== null) clearTimeout(this.#restart);
    await this.#reports?.stop();
    if (this.#threadlessMs !== null) {
      const records = this.#packer.count + this.#times.length;
      return records > 0 ? this.#lose(records, 'no_thread') : undefined;
    }
    await this.#thread.last((id) => ({ kind: 'ask', id, question: { what: 'close' } }) satisfies ToLedger);
  }
}
