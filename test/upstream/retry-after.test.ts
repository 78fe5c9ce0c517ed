// Shows how every form of a target's hint is read, that none outlasts a minute, and that the one timer of an attempt
// fires at its deadline and never before.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Deadline } from '../../src/upstream/deadline.ts';
import { coolDownMs } from '../../src/upstream/retry-after.ts';
import { MAX_PAUSE_MS } from '../../src/wire/rate-limits.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';

const WALL_MS = Date.UTC(2026, 10, 22, 12);
const date = (ms: number) => new Date(WALL_MS + ms).toUTCString();

describe('F068 Retry-After', () => {
  it.each<[string, Record<string, string | string[]>, number | null]>([
    ['none', {}, null],
    ['seconds', { 'retry-after': '7' }, 7_000],
    ['zero', { 'retry-after': '0' }, 0],
    ['a fraction', { 'retry-after': '0.4' }, 400],
    ['with blanks', { 'retry-after': ' 3 ' }, 3_000],
    ['milliseconds', { 'retry-after-ms': '250' }, 250],
    ['milliseconds before seconds', { 'retry-after-ms': '250', 'retry-after': '7' }, 250],
    ['broken milliseconds, then seconds', { 'retry-after-ms': 'soon', 'retry-after': '7' }, 7_000],
    ['a date', { 'retry-after': date(9_000) }, 9_000],
    ['a date in the past', { 'retry-after': date(-9_000) }, 0],
    ['a date next year', { 'retry-after': date(365 * 86_400_000) }, MAX_PAUSE_MS],
    ['a day', { 'retry-after': '86400' }, MAX_PAUSE_MS],
    ['a day in milliseconds', { 'retry-after-ms': '86400000' }, MAX_PAUSE_MS],
    ['more digits than a number holds', { 'retry-after': '9'.repeat(400) }, null],
    ['negative', { 'retry-after': '-5' }, null],
    ['nonsense', { 'retry-after': 'soon' }, null],
    ['infinite', { 'retry-after': 'Infinity' }, null],
    ['hexadecimal', { 'retry-after': '0x10' }, null],
    ['empty', { 'retry-after': '' }, null],
    ['twice: the first counts', { 'retry-after': ['2', '9'] }, 2_000],
  ])('F068 %s', (_, headers, expected) => {
    expect(coolDownMs(headers, WALL_MS)).toBe(expected);
  });

  it('F068 whatever a target writes, the pause is a number from 0 to a minute, or none', () => {
    const value = fc.oneof(
      fc.string({ maxLength: 40 }),
      fc.double().map(String),
      fc.date({ noInvalidDate: true }).map((at) => at.toUTCString()),
    );
    fc.assert(
      fc.property(value, value, (first, second) => {
        const pause = coolDownMs({ 'retry-after': first, 'retry-after-ms': second }, WALL_MS);
        if (pause === null) return;
        expect(pause).toBeGreaterThanOrEqual(0);
        expect(pause).toBeLessThanOrEqual(MAX_PAUSE_MS);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('F064 the deadline of an attempt', () => {
  type Move = { advanceMs: number } | { inMs: number } | 'suspend' | 'cancel';
  const move: fc.Arbitrary<Move> = fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 0, max: 100 }).map((inMs) => ({ inMs })) },
    { weight: 4, arbitrary: fc.integer({ min: 1, max: 60 }).map((advanceMs) => ({ advanceMs })) },
    fc.constantFrom<Move>('suspend', 'cancel'),
  );

  it('F064 moved about as you like, it fires exactly at the deadline that stands, with one timer at most', () => {
    fc.assert(
      fc.property(fc.array(move, { maxLength: 60, size: 'max' }), (moves) => {
        const clock = new VirtualClock({ nowMs: 10 });
        const fired: number[] = [];
        let dueMs = Number.POSITIVE_INFINITY;
        const expected: number[] = [];
        const deadline = new Deadline(clock, () => {
          fired.push(clock.nowMs());
          deadline.cancel();
        });
        const set = (atMs: number) => {
          dueMs = atMs;
          deadline.set(atMs, clock.nowMs());
        };
        for (const step of moves) {
          if (step === 'cancel') {
            dueMs = Number.POSITIVE_INFINITY;
            deadline.cancel();
          } else if (step === 'suspend') set(Number.POSITIVE_INFINITY);
          else if ('inMs' in step) set(clock.nowMs() + step.inMs);
          else {
            if (dueMs <= clock.nowMs() + step.advanceMs) {
              expected.push(dueMs);
              dueMs = Number.POSITIVE_INFINITY;
            }
            clock.advance(step.advanceMs);
          }
          expect(fired).toEqual(expected);
          expect(clock.pending).toBeLessThanOrEqual(1);
        }
        deadline.cancel();
        expect(clock.pending).toBe(0);
      }),
      { numRuns: 2_000 },
    );
  });
});
