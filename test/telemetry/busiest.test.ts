// Decides which tenants have a label of their own in metrics, and that there are never more labels than there may be.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Busiest } from '../../src/telemetry/busiest.ts';

const PERIOD_MS = 600_000;

function started(most: number) {
  const busiest = new Busiest(most, (label) => ({ label, calls: 0 }));
  const call = (tenant: string, times: number, nowMs: number) => {
    for (let i = 0; i < times; i++) busiest.of(tenant, nowMs).calls++;
  };
  const labels = () => busiest.values().map(({ label }) => label);
  return { busiest, call, labels };
}

describe('labels of tenants', () => {
  it('are given as tenants come; when there are no more, the rest share one', () => {
    const { call, labels, busiest } = started(2);
    for (const tenant of ['a', 'b', 'c', 'd', 'a']) call(tenant, 1, 0);
    expect(labels()).toEqual(['a', 'b', 'other']);
    expect(busiest.values().map(({ calls }) => calls)).toEqual([2, 1, 2]);
    expect(['a', 'c', 'never-seen'].map((one) => busiest.labelOf(one))).toEqual(['a', 'other', 'other']);
  });

  it('change hands after a while, to who is clearly busier, and from who is idlest', () => {
    const { call, labels } = started(2);
    call('busy', 100, 0);
    call('idle', 3, 0);
    call('late', 40, 0);
    call('small', 5, 0);
    expect(labels()).toEqual(['busy', 'idle', 'other']);
    call('small', 1, PERIOD_MS);
    expect(labels()).toEqual(['busy', 'late', 'other']);
  });

  it('stay with a tenant that others hardly exceed', () => {
    const { call, labels } = started(1);
    for (let period = 0; period < 10; period++) {
      call('first', 50, period * PERIOD_MS);
      call('second', 100, period * PERIOD_MS);
    }
    expect(labels()).toEqual(['first', 'other']);
  });

  it('find the busy tenant in a crowd that is larger than what is remembered', () => {
    const { call, labels } = started(1);
    call('first', 1, 0);
    for (let one = 0; one < 20_000; one++) {
      call(`crowd-${one}`, 1, 0);
      if (one % 50 === 0) call('busy', 2, 0);
    }
    call('first', 1, PERIOD_MS);
    expect(labels()).toEqual(['busy', 'other']);
  });

  it('are never more than allowed nor doubled, and no call is lost while a label stays', () => {
    const calls = fc.array(
      fc.record({
        tenant: fc.integer({ min: 0, max: 12 }),
        times: fc.integer({ min: 1, max: 40 }),
        afterMs: fc.integer({ min: 0, max: PERIOD_MS }),
      }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(calls, (list) => {
        const { call, labels, busiest } = started(4);
        let nowMs = 0;
        for (const { tenant, times, afterMs } of list) {
          nowMs += afterMs;
          call(`t${tenant}`, times, nowMs);
          expect(labels().length).toBeLessThanOrEqual(5);
          expect(new Set(labels()).size).toBe(labels().length);
          expect([`t${tenant}`, 'other']).toContain(busiest.labelOf(`t${tenant}`));
        }
      }),
    );
  });

  it('never repeat text that would have to be changed to be written', () => {
    const { busiest } = started(10);
    const hostile = ['', 'other', 'a\nb', 'a\u0000', '\ud800', 'x'.repeat(129), '\u2028', 'a\u007f'];
    for (const tenant of hostile) expect(busiest.of(tenant, 0).label, JSON.stringify(tenant)).toBe('other');
    for (const tenant of ['a"b', 'a\\', '{}', 'ä€😀', '__proto__', 'x'.repeat(128)])
      expect(busiest.of(tenant, 0).label).toBe(tenant);
  });
});
