// Decides what is remembered of a run and for how long: when it began, and where its agents' prompts lie. For router.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RunBookLru } from '../../src/agents/run-book.ts';
import type { PromptMarks } from '../../src/core/dialect.ts';
import type { RunIdentity } from '../../src/core/runs.ts';

const HOUR = 3_600_000;
const identity = (more: Partial<RunIdentity> = {}): RunIdentity => ({
  run: 'r',
  agent: null,
  parent: null,
  source: 'harness',
  ...more,
});

describe('when a run began', () => {
  it('stays with it and with all its agents, however many calls they make', () => {
    const book = new RunBookLru();
    expect(book.enter('t', identity(), 1_000)).toMatchObject({ arrivedMs: 1_000, calls: 0 });
    expect(book.enter('t', identity(), 2_000)).toMatchObject({ arrivedMs: 1_000, calls: 1 });
    expect(book.enter('t', identity({ agent: 'a' }), 3_000)).toMatchObject({ arrivedMs: 1_000, calls: 0 });
    expect(book.enter('t', identity({ agent: 'a' }), 3_000)).toMatchObject({ arrivedMs: 1_000, calls: 1 });
    expect(book.size).toBe(1);
  });

  it('a look at an agent keeps its count while others come', () => {
    const book = new RunBookLru();
    const first = book.enter('t', identity(), 0);
    book.enter('t', identity(), 0);
    expect(first.calls).toBe(0);
  });

  it('begins anew after an idle hour, counted from its last call or reply', () => {
    const book = new RunBookLru();
    const entry = book.enter('t', identity(), 0);
    entry.served('pool', 'w', 10, 'end_turn', HOUR - 1);
    expect(book.enter('t', identity(), 2 * HOUR - 2).arrivedMs).toBe(0);
    const anew = book.enter('t', identity(), 3 * HOUR - 2);
    expect(anew).toMatchObject({ arrivedMs: 3 * HOUR - 2, calls: 0 });
    expect(anew.lease('pool', 3 * HOUR - 2)).toBe(null);
  });

  it('tenants, ids and sources of one name are runs of their own', () => {
    const book = new RunBookLru();
    const ids = [
      identity(),
      identity({ source: 'declared' }),
      identity({ source: 'inferred' }),
      identity({ run: 'r2' }),
    ];
    let nowMs = 0;
    for (const tenant of ['t', 'u', 'r'])
      for (const id of ids) expect(book.enter(tenant, id, ++nowMs)).toMatchObject({ arrivedMs: nowMs, calls: 0 });
    expect(book.size).toBe(12);
  });
});

describe('where an agent was served', () => {
  it('is told per pool and agent, with how much is held, and whether it is in a tool', () => {
    const book = new RunBookLru();
    const main = book.enter('t', identity(), 0);
    main.served('big', 'big/1', 5_000, 'tool_use', 100);
    main.served('small', 'small/2', 300, 'end_turn', 200);
    expect(main.lease('big', 300)).toMatchObject({ workerId: 'big/1', tokens: 5_000, usedMs: 100, inTool: true });
    expect(main.lease('small', 300)).toMatchObject({ workerId: 'small/2', tokens: 300, usedMs: 200, inTool: false });
    expect(main.lease('other', 300)).toBe(null);
    expect(book.enter('t', identity({ agent: 'a' }), 300).lease('big', 300)).toBe(null);
    expect(book.enter('t', identity(), 300).lease('big', 300)?.workerId).toBe('big/1');
  });

  it('is known to calls that were entered before it was', () => {
    const book = new RunBookLru();
    const [one, two] = [book.enter('t', identity(), 0), book.enter('t', identity(), 0)];
    one.served('pool', 'w', 10, null, 5);
    expect(two.lease('pool', 5)).toMatchObject({ workerId: 'w', inTool: false });
  });

  it('is not worth knowing after an hour', () => {
    const entry = new RunBookLru().enter('t', identity(), 0);
    entry.served('pool', 'w', 10, 'tool_use', 0);
    expect(entry.lease('pool', HOUR - 1)?.workerId).toBe('w');
    expect(entry.lease('pool', HOUR)).toBe(null);
  });

  it('moves with the conversation', () => {
    const entry = new RunBookLru().enter('t', identity(), 0);
    entry.served('pool', 'one', 50_000, 'tool_use', 0);
    entry.served('pool', 'two', 50_700, 'end_turn', 10);
    expect(entry.lease('pool', 10)).toMatchObject({ workerId: 'two', tokens: 50_700, usedMs: 10, inTool: false });
  });

  it('does not move with an aside, such as a title: the next call finds the conversation where it was', () => {
    const entry = new RunBookLru().enter('t', identity(), 0);
    entry.served('pool', 'one', 50_000, 'tool_use', 0);
    for (let step = 1; step < 5; step++) {
      entry.served('pool', 'two', 400, 'end_turn', step * 10);
      expect(entry.lease('pool', step * 10)).toMatchObject({ workerId: 'one', inTool: true });
      entry.served('pool', 'one', 50_000 + step, 'tool_use', step * 10 + 5);
    }
    expect(entry.lease('pool', 60)).toMatchObject({ workerId: 'one', tokens: 50_004, usedMs: 45 });
  });

  it('follows a conversation that was made shorter, from its second call on', () => {
    const entry = new RunBookLru().enter('t', identity(), 0);
    entry.served('pool', 'one', 200_000, 'end_turn', 0);
    entry.served('pool', 'two', 20_000, 'tool_use', 10);
    expect(entry.lease('pool', 10)).toMatchObject({ workerId: 'one', tokens: 200_000 });
    entry.served('pool', 'two', 20_700, 'tool_use', 20);
    expect(entry.lease('pool', 20)).toMatchObject({ workerId: 'two', tokens: 20_700, inTool: true });
  });

  it('comes with samples of the prompt once one began as the one before did, so that a program that writes all anew is no changer', () => {
    const entry = new RunBookLru().enter('t', identity(), 0);
    const marks = (...prints: number[]) => ({
      stepBytes: 512,
      bytes: 512 * prints.length,
      prints: Int32Array.of(...prints),
    });
    const served = (at: number, of: PromptMarks | null) => entry.served('pool', 'w', 10_000, 'tool_use', at, of);
    served(0, marks(1, 2, 3, 4));
    served(1, marks(9, 8, 7, 6, 5));
    expect(entry.lease('pool', 1)!.marks).toBe(null);
    served(2, marks(9, 8, 7, 6, 5, 4));
    expect(entry.lease('pool', 2)!.marks).toEqual(marks(9, 8, 7, 6, 5, 4));
    served(3, marks(9, 1, 2, 3, 4, 5));
    expect(entry.lease('pool', 3)!.marks).toEqual(marks(9, 1, 2, 3, 4, 5));
    served(4, null);
    expect(entry.lease('pool', 4)!.marks).toBe(null);
  });

  it('an aside is nothing beside a place that is not worth knowing any more', () => {
    const entry = new RunBookLru().enter('t', identity(), 0);
    entry.served('pool', 'one', 50_000, 'end_turn', 0);
    entry.served('pool', 'two', 400, 'end_turn', HOUR);
    expect(entry.lease('pool', HOUR)).toMatchObject({ workerId: 'two', tokens: 400 });
  });
});

describe('the book is bounded', () => {
  it('by runs: the one that was silent longest is forgotten', () => {
    const book = new RunBookLru(3);
    for (const run of ['a', 'b', 'c', 'a', 'd']) book.enter('t', identity({ run }), 0);
    expect(book.size).toBe(3);
    expect(book.enter('t', identity({ run: 'a' }), 9).arrivedMs).toBe(0);
    expect(book.enter('t', identity({ run: 'b' }), 9)).toMatchObject({ arrivedMs: 9, calls: 0 });
  });

  it('by agents of a run and pools of an agent, the same way', () => {
    const book = new RunBookLru();
    for (let at = 0; at < 64; at++) book.enter('t', identity({ agent: `a${at}` }), at);
    book.enter('t', identity({ agent: 'a0' }), 70);
    book.enter('t', identity({ agent: 'more' }), 71);
    expect(book.enter('t', identity({ agent: 'a0' }), 72).calls).toBe(2);
    expect(book.enter('t', identity({ agent: 'a1' }), 73).calls).toBe(0);
    const entry = book.enter('t', identity(), 74);
    for (let at = 0; at < 9; at++) entry.served(`p${at}`, 'w', 1, null, 75);
    expect([entry.lease('p0', 75), entry.lease('p1', 75)?.workerId, entry.lease('p8', 75)?.workerId]).toEqual([
      null,
      'w',
      'w',
    ]);
  });

  it('property: whatever is entered, it holds no more than it may, and knows the newest', () => {
    const call = fc.record({ run: fc.nat(30), agent: fc.option(fc.nat(3)), waitMs: fc.nat(2 * HOUR) });
    fc.assert(
      fc.property(fc.array(call, { maxLength: 120 }), fc.integer({ min: 1, max: 10 }), (calls, most) => {
        const book = new RunBookLru(most);
        let nowMs = 0;
        for (const { run, agent, waitMs } of calls) {
          nowMs += waitMs;
          const who = identity({ run: `r${run}`, agent: agent === null ? null : `a${agent}` });
          const { arrivedMs, calls: before } = book.enter('t', who, nowMs);
          expect(arrivedMs).toBeLessThanOrEqual(nowMs);
          expect(book.enter('t', who, nowMs)).toMatchObject({ arrivedMs, calls: before + 1 });
          expect(book.size).toBeLessThanOrEqual(most);
        }
      }),
    );
  });
});
