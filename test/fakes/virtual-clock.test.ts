// Shows that the virtual clock, the recording log and the deadline poll do what tests rely on.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Clock, Log } from '../../src/core/runtime.ts';
import { eventually, eventuallyHolds } from './eventually.ts';
import { recordingLog } from './recording-log.ts';
import { VirtualClock } from './virtual-clock.ts';

describe('virtual clock', () => {
  test('stands still, then runs what is due in order, each at its own time', () => {
    const clock = new VirtualClock({ wallMs: 1_000 });
    const port: Clock = clock;
    const seen: [string, number][] = [];
    const note = (name: string) => () => seen.push([name, port.nowMs()]);
    port.after(20, note('late'));
    port.after(10, () => {
      note('early')();
      port.after(5, note('nested'));
    });
    port.after(10, note('early too'));
    port.after(12, note('cancelled')).cancel();
    expect(clock.pending).toBe(3);
    clock.advance(9.5);
    expect([seen, clock.nextInMs]).toEqual([[], 0.5]);
    clock.advance(10);
    expect(seen).toEqual([
      ['early', 10],
      ['early too', 10],
      ['nested', 15],
    ]);
    expect([clock.nowMs(), clock.wallMs(), clock.pending]).toEqual([19.5, 1_019.5, 1]);
    clock.stepWall(-500);
    clock.advance(0.5);
    expect([seen.at(-1), clock.nowMs(), clock.wallMs(), clock.nextInMs]).toEqual([['late', 20], 20, 520, undefined]);
  });

  test('lets promises follow between timers when asked to', async () => {
    const clock = new VirtualClock();
    const sleep = (ms: number) => new Promise<void>((resolve) => void clock.after(ms, resolve));
    const seen: number[] = [];
    const going = (async () => {
      for (let i = 0; i < 3; i++) {
        await sleep(10);
        seen.push(clock.nowMs());
      }
    })();
    await clock.advanceSettling(25);
    expect(seen).toEqual([10, 20]);
    await clock.advanceSettling(5);
    await going;
    expect(seen).toEqual([10, 20, 30]);
  });

  test('any set of timers runs by time, then by order of setting, cancelled ones never', () => {
    const timer = fc.record({ delayMs: fc.integer({ min: 0, max: 20 }), cancelled: fc.boolean() });
    fc.assert(
      fc.property(fc.array(timer, { maxLength: 40 }), (timers) => {
        const clock = new VirtualClock();
        const ran: number[] = [];
        const set = timers.map(({ delayMs }, i) => clock.after(delayMs, () => ran.push(i)));
        timers.forEach(({ cancelled }, i) => {
          if (cancelled) set[i]!.cancel();
        });
        clock.advance(20);
        const due = timers.map((t, i) => ({ ...t, i })).filter((t) => !t.cancelled);
        expect(ran).toEqual(due.sort((a, b) => a.delayMs - b.delayMs || a.i - b.i).map(({ i }) => i));
        expect(clock.pending).toBe(0);
      }),
    );
  });
});

test('the recording log keeps level, event and fields', () => {
  const log = recordingLog();
  const port: Log = log;
  const fields = { pool: 'a' };
  port.warn('pool_cooling', fields);
  fields.pool = 'changed afterwards';
  port.info('ready');
  port.debug('x');
  port.error('y', { n: 1 });
  expect(log.entries.map((entry) => entry.level)).toEqual(['warn', 'info', 'debug', 'error']);
  expect(log.of('pool_cooling')).toEqual([{ level: 'warn', event: 'pool_cooling', fields: { pool: 'a' } }]);
  expect(log.text()).toContain('"event":"ready"');
});

describe('eventually', () => {
  test('gives the first value, also past throwing probes', async () => {
    let polls = 0;
    const probe = () => {
      polls += 1;
      if (polls < 5) throw new Error('not yet');
      return polls >= 25 ? polls : undefined;
    };
    expect(await eventually(probe)).toBe(25);
    let left = 3;
    await eventuallyHolds(() => expect(left--).toBe(0));
    expect(await eventually(() => 0)).toBe(0);
  });

  test('fails at the deadline with the last reason', async () => {
    const never = eventually(
      () => {
        throw new Error('the reason');
      },
      { deadlineMs: 10, what: 'the impossible' },
    );
    await expect(never).rejects.toMatchObject({
      message: 'not within 10 ms: the impossible',
      cause: { message: 'the reason' },
    });
  });
});
