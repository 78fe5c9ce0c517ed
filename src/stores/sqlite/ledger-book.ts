// What is written for each record, and how much of a limit one router may hold. For the ledger's thread; every method runs within a transaction of its caller.
import type { DatabaseSync } from 'node:sqlite';
import type { CallRecord, HoldReply, HoldRequest, WindowSpend, WorkerTimeRecord } from '../../core/ledger.ts';
import { SPEND_WINDOWS } from '../../core/ledger.ts';
import { windowEndMs, windowStartMs } from '../../core/windows.ts';
import { bindAttempt, bindCall } from './ledger-rows.ts';
import { bounded } from './ledger-unpack.ts';
import { type Row, Statements } from './statements.ts';

const ADD_CALL = `
INSERT INTO calls (id, trace, arrived_ms, written_ms, tenant, key, class, dialect, stream, priority, step, run, agent,
  run_source, prefix, asked, served, target, rung, degraded, how, code, queue_ms, cold_ms, first_content_ms, total_ms,
  input_tokens, uncached_tokens, cached_tokens, cache_write_tokens, cache_write_long_tokens, output_tokens,
  reasoning_tokens, tier, estimated, attempts, gpu_ms, failed_cost, cost, charge)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
  ?, ?, ?)
ON CONFLICT (id) DO NOTHING`;
const ADD_ATTEMPT = `
INSERT INTO attempts (call, place, target, kind, worker, model, outcome, code, began_ms, duration_ms, first_content_ms,
  uncached_tokens, cached_tokens, cache_write_tokens, cache_write_long_tokens, output_tokens, reasoning_tokens, tier,
  estimated, gpu_ms, gpu_source, cost)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const ADD_WORKER_TIME = `
INSERT INTO worker_time (holder, seq, from_ms, to_ms, pool, worker, useful_ms, failed_ms, idle_ms, cold_ms, cost)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`;
const SPEND = `
INSERT INTO spend (tenant, span, start_ms, amount) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET amount = amount + excluded.amount`;
const SPENT = 'SELECT amount FROM spend WHERE tenant = ? AND span = ? AND start_ms = ?';
const USE_HOLD = 'UPDATE holds SET amount = max(0, amount - ?3) WHERE tenant = ?1 AND holder = ?2';
const HELD_BY_OTHERS = 'SELECT coalesce(sum(amount), 0) AS amount FROM holds WHERE tenant = ? AND holder <> ?';
const HOLD = `
INSERT INTO holds (tenant, holder, amount) VALUES (?, ?, ?)
ON CONFLICT DO UPDATE SET amount = excluded.amount`;
const GIVE_BACK = 'DELETE FROM holds WHERE tenant = ? AND holder = ?';
const BEGIN_HOLDER = `
INSERT INTO holders (holder, beat, renewed_ms) VALUES (?, 1, ?) ON CONFLICT DO NOTHING`;
const RENEW = 'UPDATE holders SET beat = beat + 1, renewed_ms = ?2 WHERE holder = ?1';
const OTHERS = 'SELECT holder, beat FROM holders WHERE holder <> ?';
const HOLDS_OF = 'SELECT tenant, amount FROM holds WHERE holder = ? AND amount > 0';
const END_HOLDS = 'DELETE FROM holds WHERE holder = ?';
const END_HOLDER = 'DELETE FROM holders WHERE holder = ?';
const TOUCH = `
INSERT INTO meta (name, value) VALUES ('touched_ms', ?) ON CONFLICT DO UPDATE SET value = excluded.value`;
const LOSE = 'INSERT INTO lost (at_ms, tenant, holder, amount) VALUES (?, ?, ?, ?)';

/** SQLITE_TOOBIG, SQLITE_CONSTRAINT, SQLITE_MISMATCH. */
const ROW_REFUSED: ReadonlySet<number> = new Set([18, 19, 20]);
/** What nothing limits. */
const BOUNDLESS = Number.MAX_SAFE_INTEGER;

export interface BookOptions {
  readonly db: DatabaseSync;
  /** Of this router's start; unique among all. */
  readonly holder: string;
  /** The store's clock: Unix epoch, ms. */
  readonly wallMs: () => number;
  /** Monotonic, ms: by it alone others are found dead, so that no step of a clock takes anything from them. */
  readonly nowMs: () => number;
  readonly leaseMs: number;
}

/** Money of a router that died, now counted as spent. */
export interface LostHold {
  readonly holder: string;
  readonly tenants: number;
  readonly amount: number;
}

export class LedgerBook {
  readonly #options: BookOptions;
  readonly #sql: Statements;
  #holding = false;
  /** How often each other holder had renewed when we last saw a change, and when that was. */
  readonly #seen = new Map<string, { readonly beat: number; readonly sinceMs: number }>();

  constructor(options: BookOptions) {
    this.#options = options;
    this.#sql = new Statements(options.db);
  }

  /** Answers with how many could not be written, now or ever. What is there already, by its id, is not written again. */
  addCalls(records: readonly CallRecord[]): number {
    const writtenMs = Math.round(this.#options.wallMs());
    const charges = new Map<string, number>();
    let refused = 0;
    for (const record of records) {
      const seq = this.#addCall(record, writtenMs);
      if (seq === 'refused') refused++;
      if (typeof seq === 'string') continue;
      for (const [place, attempt] of record.attempts.entries()) {
        this.#sql.run(ADD_ATTEMPT, ...bindAttempt(seq, place, attempt));
      }
      if (record.charge > 0) charges.set(record.tenant, (charges.get(record.tenant) ?? 0) + record.charge);
    }
    for (const [tenant, charge] of charges) {
      this.#spend(tenant, BigInt(charge), writtenMs);
      this.#sql.run(USE_HOLD, tenant, this.#options.holder, BigInt(charge));
    }
    return refused;
  }

  #addCall(record: CallRecord, writtenMs: number): number | bigint | 'known' | 'refused' {
    try {
      const { changes, lastInsertRowid } = this.#sql.run(ADD_CALL, ...bindCall(record, writtenMs));
      return changes === 0n ? 'known' : lastInsertRowid;
    } catch (thrown) {
      // The statement alone is undone. A row that never fits must not keep the others from being written.
      if (isRowRefused(thrown)) return 'refused';
      throw thrown;
    }
  }

  /** `firstSeq`: their place among all that this holder ever adds; a place that is taken is not written again. */
  addWorkerTime(records: readonly WorkerTimeRecord[], firstSeq: number): void {
    for (const [at, record] of records.entries()) {
      const whole = [record.fromMs, record.toMs].map(bounded).map(Math.round);
      const times = [record.usefulMs, record.failedMs, record.idleMs, record.coldMs].map(bounded);
      const { pool, worker, cost } = record;
      const key = [this.#options.holder, firstSeq + at, ...whole] as const;
      this.#sql.run(ADD_WORKER_TIME, ...key, pool, worker, ...times, Math.round(bounded(cost)));
    }
  }

  hold({ tenant, amount, limits }: HoldRequest): HoldReply {
    const { holder, wallMs } = this.#options;
    const nowMs = Math.round(wallMs());
    const windows: WindowSpend[] = [];
    const others = limits === null ? 0n : amountOf(this.#sql.one(HELD_BY_OTHERS, tenant, holder));
    let room: bigint | null = null;
    for (const window of SPEND_WINDOWS) {
      const limit = limits?.[window] ?? null;
      if (limit === null) continue;
      const startMs = windowStartMs(window, nowMs);
      const spent = amountOf(this.#sql.one(SPENT, tenant, window, startMs));
      windows.push({ window, limit, spent: Number(spent), startMs, resetsMs: windowEndMs(window, startMs) });
      const left = wholeNano(limit) - spent - others;
      room = room === null || left < room ? left : room;
    }
    if (room === null) {
      this.#sql.run(GIVE_BACK, tenant, holder);
      return { held: 0, free: BOUNDLESS, windows };
    }
    const most = room > 0n ? room : 0n;
    const wished = BigInt(Math.round(bounded(amount)));
    const held = wished < most ? wished : most;
    this.#sql.run(BEGIN_HOLDER, holder, nowMs);
    this.#holding = true;
    if (held > 0n) this.#sql.run(HOLD, tenant, holder, held);
    else this.#sql.run(GIVE_BACK, tenant, holder);
    return { held: Number(held), free: Number(most - held), windows };
  }

  /** Writes something, to see whether that is possible. */
  touch(): void {
    this.#sql.run(TOUCH, Math.round(this.#options.wallMs()));
  }

  get holding(): boolean {
    return this.#holding;
  }

  /** One statement for all that is held here. False: others found this router dead, and what it held is spent. */
  renew(): boolean {
    this.#holding = this.#sql.run(RENEW, this.#options.holder, Math.round(this.#options.wallMs())).changes > 0n;
    return this.#holding;
  }

  /** Others that have not renewed for a whole lease, as far as this one has seen. Reads alone; needs no transaction. */
  dead(): readonly string[] {
    const { holder, nowMs, leaseMs } = this.#options;
    const now = nowMs();
    const rows = this.#sql.all(OTHERS, holder);
    const present = new Set(rows.map((row) => String(row['holder'])));
    for (const known of this.#seen.keys()) if (!present.has(known)) this.#seen.delete(known);
    return rows.flatMap((row) => {
      const other = String(row['holder']);
      const beat = Number(row['beat']);
      const seen = this.#seen.get(other);
      if (seen?.beat === beat) return now - seen.sinceMs >= leaseMs ? [other] : [];
      this.#seen.set(other, { beat, sinceMs: now });
      return [];
    });
  }

  /** What the dead held counts as spent from now on, in all windows. They are looked at again: one may have come back. */
  countDead(): readonly LostHold[] {
    const atMs = Math.round(this.#options.wallMs());
    return this.dead().map((holder) => {
      let sum = 0n;
      const holds = this.#sql.all(HOLDS_OF, holder);
      for (const row of holds) {
        const tenant = String(row['tenant']);
        const amount = row['amount'] as bigint;
        this.#spend(tenant, amount, atMs);
        this.#sql.run(LOSE, atMs, tenant, holder, amount);
        sum += amount;
      }
      this.#end(holder);
      return { holder, tenants: holds.length, amount: Number(sum) };
    });
  }

  /** All that this router holds. */
  giveBack(): void {
    this.#end(this.#options.holder);
  }

  #end(holder: string): void {
    this.#sql.run(END_HOLDS, holder);
    this.#sql.run(END_HOLDER, holder);
  }

  #spend(tenant: string, amount: bigint, atMs: number): void {
    for (const window of SPEND_WINDOWS) this.#sql.run(SPEND, tenant, window, windowStartMs(window, atMs), amount);
  }
}

const amountOf = (row: Row | undefined): bigint => (row?.['amount'] as bigint | undefined) ?? 0n;

/** A limit may be larger than what a number holds exactly. */
const wholeNano = (limit: number): bigint => BigInt(Math.round(Math.min(Math.max(limit, 0), 2 ** 62)));

/** The row itself is refused, whatever the state of the file. */
export function isRowRefused(thrown: unknown): boolean {
  return ROW_REFUSED.has(((thrown as { errcode?: number }).errcode ?? 0) & 255);
}
