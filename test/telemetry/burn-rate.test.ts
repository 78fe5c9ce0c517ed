// Decides which calls use up a class's objective, and how fast that is said to go.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CallFacts } from '../../src/core/metrics.ts';
import type { ServiceLevel } from '../../src/core/plan.ts';
import { BurnRate, isBad } from '../../src/telemetry/burn-rate.ts';
import { aCall } from './call-facts.ts';

const LEVEL: ServiceLevel = { firstContentMs: 2_000, totalMs: 10_000, objective: 0.99 };
const FIVE_MINUTES = 30;
const HOUR = 360;

describe('a call is bad', () => {
  const table: readonly [string, Partial<CallFacts>, boolean | null][] = [
    ['on time', {}, false],
    ['just on time', { firstContentMs: 2_000, totalMs: 10_000 }, false],
    ['its first content too late', { firstContentMs: 2_001 }, true],
    ['its end too late', { totalMs: 10_001 }, true],
    ['empty, and its end too late for content', { firstContentMs: null, totalMs: 2_001 }, true],
    ['refused for want of capacity', { how: 'failed', code: 'capacity_contended', target: null }, true],
    ['refused under pressure', { how: 'failed', code: 'server_is_overloaded' }, true],
    ['failed at a worker', { how: 'failed', code: 'upstream_error' }, true],
    ['failed in the router', { how: 'failed', code: 'internal_error' }, true],
    ['failed by its caller', { how: 'failed', code: 'model_not_found', totalMs: 60_000 }, null],
    ['over its own limit', { how: 'failed', code: 'rate_limit_exceeded' }, null],
    ['left in time', { how: 'client_gone', code: 'client_gone', firstContentMs: null, totalMs: 1_900 }, null],
    [
      'left after the promise was broken',
      { how: 'client_gone', code: 'client_gone', firstContentMs: null, totalMs: 2_100 },
      true,
    ],
    ['left while reading', { how: 'client_gone', code: 'client_gone', firstContentMs: 100, totalMs: 5_000 }, null],
  ];

  it.each(table)('%s', (_what, facts, bad) => {
    expect(isBad(aCall(facts), LEVEL)).toBe(bad);
  });

  it('without a promise only when it failed', () => {
    const none: ServiceLevel = { firstContentMs: null, totalMs: null, objective: 0.99 };
    expect(isBad(aCall({ firstContentMs: 1e6, totalMs: 1e7 }), none)).toBe(false);
    expect(isBad(aCall({ how: 'failed', code: 'upstream_timeout' }), none)).toBe(true);
  });
});

describe('burn rate', () => {
  const bad = aCall({ how: 'failed', code: 'upstream_error' });

  it('is 1 at exactly what the objective allows, and 0 without calls', () => {
    const burn = new BurnRate(() => LEVEL);
    expect(burn.rate('chat', FIVE_MINUTES, 0)).toBe(0);
    for (let i = 0; i < 99; i++) burn.note(aCall(), 1_000);
    burn.note(bad, 1_000);
    expect(burn.rate('chat', FIVE_MINUTES, 1_000)).toBeCloseTo(1, 10);
    expect(burn.rate('embed', FIVE_MINUTES, 1_000)).toBe(0);
  });

  it('forgets what is older than the window, the short one first', () => {
    const burn = new BurnRate(() => LEVEL);
    burn.note(bad, 0);
    for (const nowMs of [0, 100_000, 299_999]) expect(burn.rate('chat', FIVE_MINUTES, nowMs)).toBeCloseTo(100);
    expect(burn.rate('chat', FIVE_MINUTES, 300_000)).toBe(0);
    expect(burn.rate('chat', HOUR, 3_599_999)).toBeCloseTo(100);
    expect(burn.rate('chat', HOUR, 3_600_000)).toBe(0);
  });

  it('follows the objective of the policy in force', () => {
    let objective = 0.99;
    const burn = new BurnRate(() => ({ ...LEVEL, objective }));
    burn.note(bad, 0);
    burn.note(aCall(), 0);
    expect(burn.rate('chat', HOUR, 0)).toBeCloseTo(50);
    objective = 0.5;
    expect(burn.rate('chat', HOUR, 0)).toBeCloseTo(1);
  });

  it('is what a list of all calls would give', () => {
    const step = fc.record({ afterMs: fc.integer({ min: 0, max: 400_000 }), isBad: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 0, max: 5_000_000 }), (steps, thenMs) => {
        const burn = new BurnRate(() => LEVEL);
        const all: { slot: number; bad: boolean }[] = [];
        let nowMs = 0;
        for (const one of steps) {
          nowMs += one.afterMs;
          burn.note(one.isBad ? bad : aCall(), nowMs);
          all.push({ slot: Math.floor(nowMs / 10_000), bad: one.isBad });
        }
        nowMs += thenMs;
        for (const slots of [FIVE_MINUTES, HOUR]) {
          const within = all.filter(({ slot }) => slot > Math.floor(nowMs / 10_000) - slots);
          const share = within.length === 0 ? 0 : within.filter((one) => one.bad).length / within.length;
          expect(burn.rate('chat', slots, nowMs)).toBeCloseTo(share / 0.01, 6);
        }
      }),
    );
  });
});
