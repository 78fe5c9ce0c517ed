// What becomes of workers' time: shares that add up, records that add up, what is billed when. For src/economics/worker-time.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AttemptOutcome } from '../../src/core/gate.ts';
import type { WorkerTimeRecord } from '../../src/core/ledger.ts';
import type { GpuPrice } from '../../src/core/prices.ts';
import { WORKER_STATES, type WorkerState } from '../../src/core/worker.ts';
import { WorkerTime } from '../../src/economics/worker-time.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { gpuPrice } from './prices.ts';

const MINUTE = Date.UTC(2026, 10, 1, 12);

function metering(gpu: GpuPrice | null = gpuPrice(), wallMs = MINUTE) {
  const clock = new VirtualClock({ wallMs });
  const records: WorkerTimeRecord[] = [];
  const time = new WorkerTime({ clock, add: (record) => void records.push(record) });
  const worker = { id: 'pool/1', pool: 'pool', gpu };
  const sum = (of: (record: WorkerTimeRecord) => number) => records.reduce((all, record) => all + of(record), 0);
  const totals = () => ({
    useful: sum((record) => record.usefulMs),
    failed: sum((record) => record.failedMs),
    idle: sum((record) => record.idleMs),
    cold: sum((record) => record.coldMs),
    cost: sum((record) => record.cost),
  });
  return { clock, records, time, worker, totals };
}

describe('one call’s share of its worker', () => {
  it('alone it is all of it; of two at once each has half', () => {
    const { clock, time, worker } = metering();
    const first = time.begin(worker);
    clock.advance(100);
    const second = time.begin(worker);
    clock.advance(60);
    expect(time.end(worker, first, 'won', null)).toEqual({ gpuMs: 130, source: 'occupancy' });
    clock.advance(10);
    expect(time.end(worker, second, 'won', null)).toEqual({ gpuMs: 40, source: 'occupancy' });
  });

  it('what the worker reports stands as long as it is no more than the share; the rest was no work', () => {
    const { clock, time, worker, totals } = metering();
    const alone = time.begin(worker);
    clock.advance(100);
    expect(time.end(worker, alone, 'won', 70)).toEqual({ gpuMs: 70, source: 'reported' });
    const [a, b] = [time.begin(worker), time.begin(worker)];
    clock.advance(100);
    expect(time.end(worker, a, 'won', 98)).toEqual({ gpuMs: 50, source: 'occupancy' });
    expect(time.end(worker, b, 'lost', 98)).toEqual({ gpuMs: 50, source: 'occupancy' });
    time.close();
    expect(totals()).toMatchObject({ useful: 120, failed: 50, idle: 30, cold: 0 });
  });

  it('property: shares of all calls add up to the time in which any was under way, and records to all that is billed', () => {
    const step = fc.record({
      gapMs: fc.double({ min: 0, max: 40_000, noNaN: true }),
      what: fc.constantFrom('begin', 'begin', 'end', 'end', 'state', 'pass'),
      pick: fc.nat(),
      outcome: fc.constantFrom<AttemptOutcome>('won', 'lost', 'failed', 'ignored'),
      state: fc.constantFrom<WorkerState>(...WORKER_STATES),
      reported: fc.option(fc.double({ min: 0.001, max: 50_000, noNaN: true }), { nil: null }),
    });
    const billed = fc.constantFrom('always' as const, 'while-up' as const);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), billed, (steps, how) => {
        const gpu = gpuPrice({ billed: how });
        const { clock, time, worker, records, totals } = metering(gpu);
        time.state(worker, 'warm');
        const open: number[] = [];
        let busyMs = 0;
        let billedMs = 0;
        let usefulMs = 0;
        let sharesMs = 0;
        let state: WorkerState = 'warm';
        const end = (at: number, { outcome, reported }: { outcome: AttemptOutcome; reported: number | null }) => {
          const [begun] = open.splice(at, 1);
          const own = time.end(worker, begun!, outcome, null);
          sharesMs += own.gpuMs;
          if (outcome === 'won') usefulMs += own.gpuMs;
          expect(reported === null || own.gpuMs >= 0).toBe(true);
        };
        const pass = (ms: number) => {
          if (open.length > 0) busyMs += ms;
          if (open.length > 0 || how === 'always' || (state !== 'cold' && state !== 'throttled')) billedMs += ms;
          clock.advance(ms);
        };
        for (const one of steps) {
          pass(one.gapMs);
          if (one.what === 'begin') open.push(time.begin(worker));
          else if (one.what === 'end' && open.length > 0) end(one.pick % open.length, one);
          else if (one.what === 'state') {
            state = one.state;
            time.state(worker, state);
          }
        }
        while (open.length > 0) end(0, { outcome: 'failed', reported: null });
        time.close();
        const { useful, failed, idle, cold, cost } = totals();
        const tolerance = 1e-6 * Math.max(1, billedMs);
        expect(Math.abs(sharesMs - busyMs)).toBeLessThan(tolerance);
        expect(Math.abs(useful - usefulMs)).toBeLessThan(tolerance);
        expect(Math.abs(useful + failed - busyMs)).toBeLessThan(tolerance);
        expect(Math.abs(useful + failed + idle + cold - billedMs)).toBeLessThan(tolerance);
        // 3.60 USD an hour is 1,000 nano-USD a ms; what rounding leaves over is carried on.
        expect(Math.abs(cost - 1000 * billedMs)).toBeLessThan(1000 * tolerance + 1);
        for (const { fromMs, toMs } of records) expect(toMs).toBeGreaterThanOrEqual(fromMs);
        expect(clock.pending).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});

describe('what is billed', () => {
  it('always: idle too, and whether it is up or not', () => {
    const { clock, time, worker, totals } = metering();
    time.state(worker, 'cold');
    clock.advance(10_000);
    time.state(worker, 'starting');
    clock.advance(5_000);
    time.state(worker, 'warm');
    clock.advance(1_000);
    time.close();
    expect(totals()).toMatchObject({ idle: 11_000, cold: 5_000, useful: 0, failed: 0, cost: 16_000_000 });
  });

  it('while it is up: in whole increments, with a least time and a price for each coming up', () => {
    const gpu = gpuPrice({ billed: 'while-up', incrementMs: 60_000, minimumMs: 180_000, coldStart: 7 });
    const { clock, time, worker, totals } = metering(gpu);
    time.state(worker, 'cold');
    clock.advance(3_600_000);
    time.state(worker, 'starting');
    clock.advance(30_000);
    time.state(worker, 'warm');
    const begun = time.begin(worker);
    clock.advance(20_000);
    time.end(worker, begun, 'won', null);
    time.state(worker, 'cold');
    clock.advance(3_600_000);
    time.state(worker, 'warm');
    clock.advance(200_000);
    time.state(worker, 'throttled');
    clock.advance(3_600_000);
    time.close();
    expect(totals()).toMatchObject({ cold: 30_000, useful: 20_000, idle: 130_000 + 240_000 });
    expect(totals().cost).toBe(1000 * 420_000 + 2 * 7);
  });

  it('a call that is under way proves that the worker is up, whatever is said of it', () => {
    const { clock, time, worker, totals } = metering(gpuPrice({ billed: 'while-up', incrementMs: 1000 }));
    time.state(worker, 'warm');
    const begun = time.begin(worker);
    time.state(worker, 'cold');
    clock.advance(1_500);
    time.end(worker, begun, 'failed', null);
    clock.advance(60_000);
    time.close();
    expect(totals()).toMatchObject({ failed: 1_500, idle: 500, cold: 0 });
  });

  it('a worker without a price is metered at no cost', () => {
    const { clock, time, worker, totals } = metering(null);
    const begun = time.begin(worker);
    clock.advance(1_000);
    time.end(worker, begun, 'won', null);
    time.close();
    expect(totals()).toEqual({ useful: 1_000, failed: 0, idle: 0, cold: 0, cost: 0 });
  });

  it('a new price holds from then on', () => {
    const { clock, time, worker, totals } = metering(gpuPrice({ usdPerGpuHour: 3.6 }));
    time.state(worker, 'warm');
    clock.advance(1_000);
    time.state({ ...worker, gpu: gpuPrice({ usdPerGpuHour: 7.2 }) }, 'busy');
    clock.advance(1_000);
    time.close();
    expect(totals().cost).toBe(3_000_000);
  });
});

describe('records', () => {
  it('end with the minutes of the calendar, one timer for all workers, and none where nothing was billed', () => {
    const { clock, time, worker, records } = metering(gpuPrice(), MINUTE + 45_000);
    time.state(worker, 'warm');
    time.state({ ...worker, id: 'pool/2', gpu: gpuPrice({ billed: 'while-up' }) }, 'cold');
    expect(clock.pending).toBe(1);
    clock.advance(80_000);
    time.close();
    expect(records.map(({ worker: id, fromMs, toMs, idleMs }) => [id, fromMs - MINUTE, toMs - MINUTE, idleMs])).toEqual(
      [
        ['pool/1', 45_000, 60_000, 15_000],
        ['pool/1', 60_000, 120_000, 60_000],
        ['pool/1', 120_000, 125_000, 5_000],
      ],
    );
  });

  it('a call is counted with the minute in which it ends, also after the close', () => {
    const { clock, time, worker, records } = metering();
    const begun = time.begin(worker);
    clock.advance(150_000);
    expect(records).toEqual([]);
    time.close();
    expect(records).toEqual([]);
    time.end(worker, begun, 'won', null);
    expect(records).toMatchObject([{ usefulMs: 150_000, idleMs: 0 }]);
    expect(clock.pending).toBe(0);
  });

  it('a worker that the policy takes away is told of once its last call is over, and not billed any more', () => {
    const { clock, time, worker, records, totals } = metering();
    const begun = time.begin(worker);
    clock.advance(1_000);
    time.gone(worker);
    clock.advance(1_000);
    time.end(worker, begun, 'won', null);
    expect(records).toMatchObject([{ usefulMs: 2_000 }]);
    clock.advance(3_600_000);
    time.close();
    expect(totals()).toMatchObject({ useful: 2_000, idle: 0 });
    expect(clock.pending).toBe(0);
  });

  it('a worker that comes back before its last call is over stays', () => {
    const { clock, time, worker, totals } = metering();
    const begun = time.begin(worker);
    time.gone(worker);
    time.state(worker, 'warm');
    clock.advance(1_000);
    time.end(worker, begun, 'won', null);
    clock.advance(2_000);
    time.close();
    expect(totals()).toMatchObject({ useful: 1_000, idle: 2_000 });
  });
});
