// Shows that the breaker agrees with a model of its contract under any sequence of calls, and that it can always recover.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Breaker, DEFAULT_BREAKER } from '../../src/upstream/breaker.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';

const START_MS = 5_000;
const middle = () => 0.5;
function start(random: () => number = middle) {
  const clock = new VirtualClock({ nowMs: START_MS });
  return { clock, breaker: new Breaker(DEFAULT_BREAKER, clock, random) };
}

function fail(breaker: Breaker, times: number) {
  for (let n = 0; n < times; n++) {
    breaker.begin();
    breaker.failure();
  }
}

describe('opening', () => {
  it('F081 five failures in a row open it, four do not', () => {
    const { clock, breaker } = start();
    fail(breaker, 4);
    expect([breaker.state(clock.nowMs()), breaker.admits(clock.nowMs()), breaker.retryAtMs]).toEqual([
      'closed',
      true,
      0,
    ]);
    fail(breaker, 1);
    expect([breaker.state(clock.nowMs()), breaker.admits(clock.nowMs())]).toEqual(['open', false]);
    expect(breaker.retryAtMs).toBe(START_MS + 1_000);
  });

  it('a success in between starts the row anew', () => {
    const { clock, breaker } = start();
    for (let n = 0; n < 5; n++) {
      fail(breaker, 3);
      for (let m = 0; m < 4; m++) breaker.success();
    }
    expect(breaker.state(clock.nowMs())).toBe('closed');
  });

  it('half of at least twenty in ten seconds opens it; older ones do not count', () => {
    const alternating = (breaker: Breaker, times: number) => {
      for (let n = 0; n < times; n++) n % 2 === 0 ? breaker.success() : breaker.failure();
    };
    const { clock, breaker } = start();
    alternating(breaker, 19);
    expect(breaker.state(clock.nowMs())).toBe('closed');
    breaker.failure();
    expect(breaker.state(clock.nowMs())).toBe('open');

    const later = start();
    alternating(later.breaker, 18);
    later.clock.advance(10_000);
    alternating(later.breaker, 18);
    expect(later.breaker.state(later.clock.nowMs())).toBe('closed');
  });

  it('calls that say nothing of the worker neither open nor close it', () => {
    const { clock, breaker } = start();
    for (let n = 0; n < 100; n++) {
      breaker.begin();
      breaker.ignored();
    }
    expect(breaker.state(clock.nowMs())).toBe('closed');
    fail(breaker, 5);
    breaker.ignored();
    expect(breaker.state(clock.nowMs())).toBe('open');
  });
});

describe('half-open', () => {
  it('F081 one probe at a time; its failure doubles the pause up to half a minute', () => {
    const { clock, breaker } = start();
    fail(breaker, 5);
    for (const pauseMs of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
      clock.advance(pauseMs - 1);
      expect(breaker.admits(clock.nowMs())).toBe(false);
      clock.advance(1);
      expect([breaker.state(clock.nowMs()), breaker.admits(clock.nowMs())]).toEqual(['half-open', true]);
      breaker.begin();
      expect(breaker.admits(clock.nowMs())).toBe(false);
      breaker.failure();
    }
  });

  it('the success of its probe closes it, and the next pause is short again', () => {
    const { clock, breaker } = start();
    fail(breaker, 5);
    clock.advance(1_000);
    fail(breaker, 1);
    clock.advance(2_000);
    breaker.begin();
    breaker.success();
    expect([breaker.state(clock.nowMs()), breaker.retryAtMs]).toEqual(['closed', 0]);
    fail(breaker, 5);
    expect(breaker.retryAtMs - clock.nowMs()).toBe(1_000);
  });

  it('a probe whose caller left gives its turn to the next', () => {
    const { clock, breaker } = start();
    fail(breaker, 5);
    clock.advance(1_000);
    breaker.begin();
    breaker.ignored();
    expect([breaker.state(clock.nowMs()), breaker.admits(clock.nowMs())]).toEqual(['half-open', true]);
  });

  it('failures of calls that began before it opened do not lengthen the pause', () => {
    const { clock, breaker } = start();
    fail(breaker, 5);
    const { retryAtMs } = breaker;
    for (let n = 0; n < 10; n++) breaker.failure();
    expect(breaker.retryAtMs).toBe(retryAtMs);
    clock.advance(1_000);
    expect(breaker.admits(clock.nowMs())).toBe(true);
  });

  it('pauses are spread by a fifth either way', () => {
    for (const [random, pauseMs] of [
      [0, 800],
      [0.999_999, 1_200],
    ] as const) {
      const { clock, breaker } = start(() => random);
      fail(breaker, 5);
      expect(breaker.retryAtMs - clock.nowMs()).toBeCloseTo(pauseMs, 0);
    }
  });
});

type Move = 'call' | 'success' | 'failure' | 'ignored' | { advanceMs: number };

/** The contract in its own words: windows are lists of what happened, nothing is counted ahead. */
class Model {
  row = 0;
  window: { startMs: number; results: boolean[] } = { startMs: Number.NEGATIVE_INFINITY, results: [] };
  open: { untilMs: number; pauseMs: number } | null = null;
  probe = false;

  admits(nowMs: number): boolean {
    return this.open === null || (nowMs >= this.open.untilMs && !this.probe);
  }
  end(result: 'success' | 'failure' | 'ignored', nowMs: number): void {
    if (result === 'ignored') {
      this.probe = false;
      return;
    }
    if (result === 'success' && this.open !== null) {
      this.open = null;
      this.probe = false;
      this.window.results = [];
    }
    if (nowMs - this.window.startMs >= 10_000) this.window = { startMs: nowMs, results: [] };
    const { results } = this.window;
    results.push(result === 'success');
    this.row = result === 'success' ? 0 : this.row + 1;
    if (result === 'success') return;
    if (this.open !== null) {
      if (this.probe) this.opens(nowMs, Math.min(this.open.pauseMs * 2, 30_000));
      return;
    }
    const bad = results.filter((good) => !good).length;
    if (this.row >= 5 || (results.length >= 20 && bad * 2 >= results.length)) this.opens(nowMs, 1_000);
  }
  opens(nowMs: number, pauseMs: number): void {
    this.open = { pauseMs, untilMs: nowMs + pauseMs };
    this.probe = false;
  }
}

const arbitraryMoves = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom<Move>('call', 'failure') },
    { weight: 2, arbitrary: fc.constantFrom<Move>('success', 'ignored') },
    { weight: 2, arbitrary: fc.integer({ min: 1, max: 20_000 }).map((advanceMs): Move => ({ advanceMs })) },
  ),
  { maxLength: 120, size: 'max' },
);

describe('any sequence of calls', () => {
  const run = (moves: readonly Move[]) => {
    const { clock, breaker } = start();
    const model = new Model();
    let running = 0;
    for (const move of moves) {
      if (typeof move === 'object') clock.advance(move.advanceMs);
      else if (move === 'call') {
        if (model.admits(clock.nowMs())) {
          breaker.begin();
          model.probe ||= model.open !== null;
          running++;
        }
      } else if (running > 0) {
        running--;
        breaker[move]();
        model.end(move, clock.nowMs());
      }
      expect(breaker.admits(clock.nowMs())).toBe(model.admits(clock.nowMs()));
      expect(breaker.retryAtMs).toBe(model.open === null ? 0 : model.open.untilMs);
    }
    return { clock, breaker, running };
  };

  it('F081 it admits what the model admits, and pauses as long', () => {
    fc.assert(
      fc.property(arbitraryMoves, (moves) => void run(moves)),
      { numRuns: 1_000 },
    );
  });

  it('it is never stuck: once its calls are over, half a minute later one success closes it', () => {
    fc.assert(
      fc.property(arbitraryMoves, (moves) => {
        const { clock, breaker, running } = run(moves);
        for (let n = 0; n < running; n++) breaker.ignored();
        breaker.ignored();
        clock.advance(30_000);
        expect(breaker.admits(clock.nowMs())).toBe(true);
        breaker.begin();
        breaker.success();
        expect(breaker.state(clock.nowMs())).toBe('closed');
      }),
      { numRuns: 300 },
    );
  });
});

describe('calls that began before it opened', () => {
  it('F081 neither close it, nor lengthen its pause, nor free its probe', () => {
    const { clock, breaker } = start();
    const early = [breaker.begin(), breaker.begin(), breaker.begin()];
    fail(breaker, 5);
    breaker.success(early[0]!);
    expect(breaker.state(clock.nowMs())).toBe('open');
    clock.advance(1_000);
    expect(breaker.admits(clock.nowMs())).toBe(true);
    const probe = breaker.begin();
    breaker.ignored(early[1]!);
    breaker.failure(early[2]!);
    expect([breaker.state(clock.nowMs()), breaker.admits(clock.nowMs())]).toEqual(['half-open', false]);
    breaker.success(probe);
    expect(breaker.state(clock.nowMs())).toBe('closed');
  });
});
