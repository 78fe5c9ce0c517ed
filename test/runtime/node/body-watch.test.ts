// Decides when a request body counts as too slow, to the sweep, on a clock that stands still by itself.
// For runtime/node/ingress.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RouterError } from '../../../src/core/errors.ts';
import { DEFAULT_HTTP_LIMITS, type HttpLimits } from '../../../src/core/limits.ts';
import { type BodyEntry, createBodyWatch } from '../../../src/runtime/node/body-watch.ts';
import { VirtualClock } from '../../fakes/virtual-clock.ts';

function start(limits: Partial<HttpLimits> = {}) {
  const clock = new VirtualClock();
  const watch = createBodyWatch({ ...DEFAULT_HTTP_LIMITS, ...limits }, clock);
  /** A body whose end is noted; being stopped it is done, as its reader does. */
  const begin = () => {
    const stopped: { atMs: number; error: RouterError }[] = [];
    const entry: BodyEntry = watch.begin((error) => {
      stopped.push({ atMs: clock.nowMs(), error });
      watch.done(entry);
    });
    const bring = (bytes: number) => {
      entry.bytes += bytes;
      entry.fresh = true;
    };
    return { entry, stopped, bring };
  };
  return { clock, watch, begin };
}

describe('slow bodies', () => {
  it('F006 silence ends a body between 30 s and one sweep later, as a 408', () => {
    const { clock, begin } = start();
    const { stopped, bring } = begin();
    // So much that the average stays good meanwhile.
    bring(64 * 1024);
    clock.advance(29_999);
    expect(stopped).toEqual([]);
    clock.advance(2_001);
    expect(stopped).toHaveLength(1);
    expect(stopped[0]!.error.code).toBe('body_timeout');
    expect(stopped[0]!.error.message).toContain('stopped coming');
    expect(clock.pending).toBe(0);
  });

  it('F006 a body that brings nothing, or next to nothing, ends after the grace time of 10 s', () => {
    for (const bytes of [0, 3, 10_000]) {
      const { clock, begin } = start();
      const { stopped, bring } = begin();
      if (bytes > 0) bring(bytes);
      clock.advance(9_999);
      expect(stopped).toEqual([]);
      clock.advance(1_001);
      expect(stopped.map(({ error }) => error.code)).toEqual(['body_timeout']);
    }
  });

  it('F006 any byte renews the patience, so long as enough of them come', () => {
    const { clock, begin } = start();
    const { stopped, bring } = begin();
    for (let i = 0; i < 20; i++) {
      bring(28 * 1024);
      clock.advance(25_000);
    }
    expect(stopped).toEqual([]);
    clock.advance(40_000);
    expect(stopped).toHaveLength(1);
  });

  it('F006 less than 1 KiB a second on average ends a body after 10 s, not before', () => {
    const { clock, begin } = start();
    const { stopped, bring } = begin();
    for (let second = 0; second < 12; second++) {
      bring(1_000);
      clock.advance(1_000);
      if (second < 8) expect(stopped).toEqual([]);
    }
    expect(stopped).toHaveLength(1);
    expect(stopped[0]!.atMs).toBeGreaterThanOrEqual(10_000);
    expect(stopped[0]!.atMs).toBeLessThanOrEqual(11_000);
    expect(stopped[0]!.error.message).toContain('1024 bytes a second');
  });

  it('F006 a body that came fast at first may rest, within the idle time and the average', () => {
    const { clock, begin } = start();
    const { stopped, bring } = begin();
    bring(1024 * 1024);
    clock.advance(29_000);
    expect(stopped).toEqual([]);
    bring(1);
    clock.advance(29_000);
    expect(stopped).toEqual([]);
  });

  it('many bodies share one timer, and none runs when there is no body', () => {
    const { clock, watch, begin } = start();
    expect(clock.pending).toBe(0);
    const bodies = Array.from({ length: 1_000 }, begin);
    expect(clock.pending).toBe(1);
    for (const { entry } of bodies) watch.done(entry);
    clock.advance(2_000);
    expect(clock.pending).toBe(0);
    begin();
    expect(clock.pending).toBe(1);
    watch.close();
    expect(clock.pending).toBe(0);
  });

  it('a body that is done is never stopped, also when it is done twice', () => {
    const { clock, watch, begin } = start();
    const { entry, stopped } = begin();
    watch.done(entry);
    watch.done(entry);
    clock.advance(100_000);
    expect(stopped).toEqual([]);
  });

  it('F006 property: every body is stopped once it is too slow, at most one sweep late, and never sooner', () => {
    const arrivals = fc.array(
      fc.record({ afterMs: fc.integer({ min: 1, max: 4_000 }), bytes: fc.integer({ min: 1, max: 3_000 }) }),
      {
        maxLength: 40,
      },
    );
    fc.assert(
      fc.property(arrivals, (pieces) => {
        const limits = { bodyIdleMs: 3_000, bodyGraceMs: 2_000, minBodyBytesPerSecond: 500 };
        const sweepMs = 300;
        const { clock, begin } = start(limits);
        const { entry, stopped, bring } = begin();
        let lastMs = 0;
        for (const { afterMs, bytes } of pieces) {
          clock.advance(afterMs);
          if (stopped.length > 0) break;
          bring(bytes);
          lastMs = clock.nowMs();
        }
        clock.advance(200_000);
        expect(stopped).toHaveLength(1);
        const { atMs } = stopped[0]!;
        const idleMs = lastMs + limits.bodyIdleMs;
        // With the bytes that came, the average falls below the bound at this time.
        const slowMs = Math.max(limits.bodyGraceMs, (entry.bytes / limits.minBodyBytesPerSecond) * 1000);
        expect(atMs).toBeGreaterThanOrEqual(Math.min(idleMs, slowMs) - sweepMs);
        expect(atMs).toBeLessThanOrEqual(Math.min(idleMs + sweepMs, slowMs) + sweepMs);
        expect(clock.pending).toBe(0);
      }),
      { numRuns: 1_000 },
    );
  });
});
