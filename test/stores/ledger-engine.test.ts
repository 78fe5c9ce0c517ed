// The ledger's thread when its file fails, when routers die, and when clocks jump. For src/stores/sqlite.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HoldReply } from '../../src/core/ledger.ts';
import type { SpendLimits } from '../../src/core/plan.ts';
import type { VirtualClock } from '../fakes/virtual-clock.ts';
import { books, type EngineStage, engineOn, LEASE_MS, sqliteError } from './engine-stage.ts';
import { call } from './ledger-records.ts';

const base = mkdtempSync(join(tmpdir(), 'spillway-ledger-engine-'));
let count = 0;
let folder: string;
const open: EngineStage[] = [];
const engine = (holder = 'router-1', clock?: VirtualClock): EngineStage => {
  const stage = engineOn(folder, holder, clock);
  open.push(stage);
  return stage;
};
beforeEach(() => {
  folder = join(base, `data-${count++}`);
});
afterEach(() => {
  for (const stage of open.splice(0)) stage.close();
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

const limits: SpendLimits = { hour: null, day: null, month: 1_000, warnAt: [], dryRun: false };
const hold = (amount: number) => ({ what: 'hold', request: { tenant: 'acme', amount, limits } }) as const;
const charged = (charge: number) => call({ charge });

describe('F095 a write that fails', () => {
  it.each([1, 2, 3, 4, 5, 6])('is the %i. one: records wait, and each is written once', (failing) => {
    const stage = engine();
    let writes = 0;
    stage.before = () => {
      if (++writes === failing) throw sqliteError(10);
    };
    for (let at = 0; at < 6; at++) {
      stage.add(charged(1), charged(2));
      stage.clock.advance(10);
    }
    stage.clock.advance(2_000);
    expect(books(stage.db)).toMatchObject({ calls: 12, charges: 18, spent: 18 });
    expect(stage.state).toMatchObject({ done: 12, lost: 0, failing: false });
    expect(stage.log.of('ledger_failing')).toMatchObject([{ level: 'error', fields: { why: 'unavailable' } }]);
    expect(stage.log.of('ledger_writes_again')).toHaveLength(1);
  });

  it('although it was kept is known by the calls’ ids: nothing is counted twice', () => {
    const stage = engine();
    let told = false;
    stage.after = () => {
      if (!told) {
        told = true;
        throw sqliteError(10);
      }
    };
    const other = stage.ask(hold(100));
    stage.add(charged(30));
    stage.receive({ kind: 'time', records: [TIME], firstSeq: 0 });
    stage.clock.advance(0);
    expect(other.answer).toMatchObject({ code: 'unavailable' });
    expect(books(stage.db)).toMatchObject({ calls: 1, spent: 30, held: 70 });
    stage.clock.advance(2_000);
    expect(books(stage.db)).toMatchObject({ calls: 1, charges: 30, spent: 30, held: 70 });
    expect(stage.db.prepare('SELECT count(*) AS n FROM worker_time').get()).toEqual({ n: 1 });
    expect(stage.state).toMatchObject({ done: 2, failing: false });
  });

  it('for want of room answers questions with that, and goes on by itself once there is some', () => {
    const stage = engine();
    stage.add(charged(1));
    stage.clock.advance(0);
    stage.db.exec('PRAGMA max_page_count = 1');
    for (let at = 0; at < 50; at++) stage.add(...Array.from({ length: 20 }, () => charged(1)));
    const asked = [stage.ask(hold(10)), stage.ask({ what: 'flush' })];
    stage.clock.advance(5_000);
    for (const { answer } of asked) expect(answer).toMatchObject({ name: 'StoreFault', code: 'full' });
    // While it fails nobody waits for an answer.
    expect(stage.ask(hold(10)).answer).toMatchObject({ code: 'full' });
    expect(stage.ask({ what: 'erase', tenant: 'acme' }).answer).toMatchObject({ code: 'full' });
    expect(stage.state).toMatchObject({ done: 1, failing: true });
    expect(stage.log.of('ledger_failing')).toHaveLength(1);
    stage.db.exec('PRAGMA max_page_count = 100000');
    stage.clock.advance(1_000);
    expect(books(stage.db)).toMatchObject({ calls: 1_001, charges: 1_001, spent: 1_001 });
    expect(stage.state).toMatchObject({ done: 1_001, lost: 0, failing: false });
  });

  it('with nothing that waits is tried for its own sake, so that health is true again', () => {
    const stage = engine();
    let broken = true;
    stage.before = () => {
      if (broken) throw sqliteError(13);
    };
    const asked = stage.ask(hold(10));
    stage.clock.advance(3_000);
    expect(asked.answer).toMatchObject({ code: 'full' });
    expect(stage.state.failing).toBe(true);
    broken = false;
    stage.clock.advance(1_000);
    expect(stage.state.failing).toBe(false);
    expect(stage.clock.pending).toBe(1);
  });

  it.each([
    [8, 'read_only'],
    [11, 'damaged'],
    [5, 'busy'],
    [14, 'unavailable'],
  ])('with SQLite’s %i is %s', (errcode, code) => {
    const stage = engine();
    stage.before = () => {
      throw sqliteError(errcode);
    };
    const asked = stage.ask({ what: 'flush' });
    stage.clock.advance(0);
    expect(asked.answer).toMatchObject({ name: 'StoreFault', code });
  });

  it('at the end is said with how many are lost', () => {
    const stage = engine();
    stage.before = () => {
      throw sqliteError(10);
    };
    stage.add(charged(1), charged(1));
    const closed = stage.ask({ what: 'close' });
    expect(closed.answer).toMatchObject({ code: 'unavailable' });
    expect(stage.state).toMatchObject({ done: 2, lost: 2, closed: true });
    expect(stage.log.of('ledger_lost')).toMatchObject([{ level: 'error', fields: { records: 2 } }]);
    stage.clock.advance(0);
    expect(stage.clock.pending).toBe(0);
  });

  it('because of what it is given, and not of the file, gives up that alone', () => {
    const stage = engine();
    stage.add(charged(1));
    stage.receive({ kind: 'time', records: [{ ...TIME, pool: undefined as never }], firstSeq: 0 });
    stage.add(charged(2));
    const asked = stage.ask(hold(0));
    stage.clock.advance(1_000);
    expect(books(stage.db)).toMatchObject({ calls: 2, spent: 3 });
    expect(stage.state).toMatchObject({ done: 3, lost: 1, failing: false });
    expect(asked.answer).toMatchObject({ code: 'unavailable' });
    expect(stage.book.addCalls([charged(4), call({ how: null as never }), charged(8)])).toBe(1);
    expect(books(stage.db)).toMatchObject({ calls: 4, spent: 15 });
  });
});

describe('F096 a file that another process holds', () => {
  it('is waited for; questions are answered that it is busy', () => {
    const stage = engine();
    const other = new DatabaseSync(join(folder, 'ledger.db'));
    other.exec('BEGIN IMMEDIATE');
    stage.add(charged(5));
    const asked = stage.ask(hold(10));
    stage.clock.advance(1_000);
    expect(asked.answer).toMatchObject({ code: 'busy', message: expect.stringContaining('ledger.db') });
    other.exec('ROLLBACK');
    other.close();
    stage.clock.advance(1_000);
    expect(books(stage.db)).toMatchObject({ calls: 1, spent: 5 });
  });

  it('and whose log of changes grows beyond 64 MiB raises an alarm, once', () => {
    const stage = engine();
    const write = (walBytes: number) => {
      stage.state.walBytes = walBytes;
      stage.add(charged(1));
      stage.clock.advance(0);
    };
    for (const mib of [64, 65, 80, 65]) write(mib * 1024 * 1024);
    expect(stage.log.of('ledger_wal_large')).toMatchObject([{ level: 'error' }]);
    write(0);
    expect(stage.log.of('ledger_wal_small')).toHaveLength(1);
  });
});

describe('F108 money that a router holds', () => {
  const spentAndFree = (stage: EngineStage) => {
    const asked = stage.ask(hold(0));
    stage.clock.advance(0);
    const { free, windows } = asked.answer as HoldReply;
    return [windows[0]!.spent, free];
  };

  it('is given back when it closes', () => {
    const stage = engine();
    stage.ask(hold(600));
    stage.clock.advance(0);
    expect(books(stage.db).held).toBe(600);
    expect(stage.ask({ what: 'close' }).answer).toBeNull();
    const next = engine('router-2');
    expect(books(next.db)).toMatchObject({ held: 0, lost: 0 });
    expect(spentAndFree(next)).toEqual([0, 1_000]);
  });

  it('binds on when it dies, until its lease is over, and then counts as spent', () => {
    const dead = engine();
    dead.ask(hold(600));
    dead.add(charged(100));
    dead.clock.advance(0);
    dead.close();
    const next = engine('router-2');
    expect(spentAndFree(next)).toEqual([100, 400]);
    next.clock.advance(LEASE_MS - 1);
    expect(spentAndFree(next)).toEqual([100, 400]);
    next.clock.advance(LEASE_MS / 3);
    expect(spentAndFree(next)).toEqual([600, 400]);
    expect(books(next.db)).toMatchObject({ charges: 100, lost: 500, spent: 600, held: 0 });
    expect(next.log.of('ledger_dead_holder')).toMatchObject([
      { level: 'warn', fields: { holder: 'router-1', tenants: 1, nanoUsd: 500 } },
    ]);
    next.clock.advance(LEASE_MS * 3);
    expect(books(next.db)).toMatchObject({ lost: 500, spent: 600 });
  });

  it('is counted once, however many see it die', () => {
    const dead = engine();
    dead.ask(hold(600));
    dead.clock.advance(0);
    dead.close();
    const others = [engine('router-2'), engine('router-3')];
    for (let at = 0; at < 12; at++) for (const other of others) other.clock.advance(LEASE_MS / 6);
    expect(books(others[0]!.db)).toMatchObject({ lost: 600, spent: 600 });
  });

  it('F100 is taken from nobody because a clock jumped', () => {
    const [alive, other] = [engine(), engine('router-2')];
    alive.ask(hold(600));
    for (let at = 0; at < 40; at++) {
      alive.clock.advance(LEASE_MS / 3);
      if (at % 5 === 0) other.clock.stepWall(at % 2 === 0 ? 3_600_000 : -7_200_000);
      other.clock.advance(LEASE_MS / 3);
    }
    expect(books(other.db)).toMatchObject({ lost: 0, held: 600 });
  });

  it('is lost to a router that slept through its lease: that is said, and no charge goes uncounted', () => {
    const [sleeper, other] = [engine(), engine('router-2')];
    sleeper.ask(hold(600));
    sleeper.clock.advance(0);
    other.clock.advance(LEASE_MS * 2);
    expect(books(other.db)).toMatchObject({ lost: 600, spent: 600 });
    sleeper.add(charged(50));
    sleeper.clock.advance(LEASE_MS / 3);
    expect(sleeper.log.of('ledger_hold_lost')).toHaveLength(1);
    expect(books(other.db)).toMatchObject({ charges: 50, lost: 600, spent: 650, held: 0 });
    const again = sleeper.ask(hold(600));
    sleeper.clock.advance(0);
    expect(again.answer).toMatchObject({ held: 350, free: 0 });
  });
});

const TIME = {
  fromMs: 1,
  toMs: 2,
  pool: 'p',
  worker: 'w',
  usefulMs: 1,
  failedMs: 0,
  idleMs: 0,
  coldMs: 0,
  cost: 1,
};
