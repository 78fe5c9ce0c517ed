// How short a line that never gets empty is kept, and how long. For src/flow/standing and gate.
import { describe, expect, it } from 'vitest';
import type { GateCall } from '../../src/core/gate.ts';
import { FairGate } from '../../src/flow/gate.ts';
import { Standing } from '../../src/flow/standing.ts';
import { gateRules } from './calls.ts';
import { PoolSim } from './pool-sim.ts';

const WAIT_MS = 10_000;
const NEVER = Number.POSITIVE_INFINITY;

describe('a line that has not been empty for its longest wait', () => {
  it('takes what is a fifth of that away while it refuses calls, and as long as nobody finds it empty', () => {
    const standing = new Standing();
    standing.begins(0, WAIT_MS);
    standing.refused(5_000, false);
    expect(standing.mayWaitMs(9_999, WAIT_MS, 10)).toBe(NEVER);
    expect(standing.mayWaitMs(10_000, WAIT_MS, 10)).toBe(2_000);
    standing.refused(14_000, true);
    expect(standing.mayWaitMs(20_000, WAIT_MS, 10)).toBe(2_000);
    standing.begins(21_000, WAIT_MS);
    expect(standing.mayWaitMs(22_000, WAIT_MS, 10)).toBe(NEVER);
  });

  it('is left as it is where it turns nobody away', () => {
    const standing = new Standing();
    standing.begins(0, WAIT_MS);
    expect(standing.mayWaitMs(60_000, WAIT_MS, 10)).toBe(NEVER);
    standing.refused(60_000, false);
    expect(standing.mayWaitMs(70_001, WAIT_MS, 10)).toBe(NEVER);
  });

  it('holds at least what keeps the slots busy', () => {
    const standing = new Standing();
    standing.begins(0, WAIT_MS);
    standing.refused(10_000, false);
    expect(standing.mayWaitMs(10_000, WAIT_MS, 3_000)).toBe(6_000);
  });

  it('is allowed more each time that it got empty for this, until it is forgotten', () => {
    const standing = new Standing();
    const at = (nowMs: number) => {
      standing.begins(nowMs, WAIT_MS);
      standing.refused(nowMs + WAIT_MS, true);
      return standing.mayWaitMs(nowMs + WAIT_MS, WAIT_MS, 10);
    };
    expect([at(0), at(10_001), at(20_002), at(30_003), at(40_004)]).toEqual([2_000, 4_000, 8_000, 10_000, 10_000]);
    expect(at(200_000)).toBe(2_000);
  });
});

describe('in an overloaded pool', () => {
  /** A call each 5 ms to four slots of 100 ms; the longest wait of the answered since a time. */
  async function longestWaitMs(more: Partial<GateCall>, sinceMs: number): Promise<number> {
    const rules = gateRules({ line: { maxWaiting: 10_000, longestWaitMs: WAIT_MS } });
    const sim = new PoolSim((options) => new FairGate(options), 4, rules);
    let longest = 0;
    const come = () => {
      const granted = (waitedMs: number) => {
        if (sim.clock.nowMs() >= sinceMs) longest = Math.max(longest, waitedMs);
      };
      sim.submit({ call: { maxWaitMs: WAIT_MS, ...more }, usedTokens: 100, serviceMs: 100, granted });
      sim.clock.after(5, come);
    };
    come();
    await sim.runFor(40_000);
    return longest;
  }

  it('interactive calls wait for a fifth of the longest wait, once what stood in line is served', async () => {
    expect(await longestWaitMs({}, 0)).toBeGreaterThan(5_000);
    expect(await longestWaitMs({}, 25_000)).toBeLessThan(2_200);
  });

  it('batch and background calls may wait as long as ever', async () => {
    for (const priority of ['batch', 'background'] as const) {
      expect(await longestWaitMs({ priority }, 25_000)).toBeGreaterThan(5_000);
    }
  });
});
