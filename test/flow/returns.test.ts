// When refused callers are told to come back. For src/flow/returns and gate.
import { describe, expect, it } from 'vitest';
import { FairGate } from '../../src/flow/gate.ts';
import { Returns } from '../../src/flow/returns.ts';
import { gateCall } from './calls.ts';
import { PoolSim } from './pool-sim.ts';

describe('those who are refused in the same second', () => {
  it('are told to come one slot after the other, and no earlier than a slot is expected at all', () => {
    const returns = new Returns();
    expect([1, 2, 3].map(() => returns.next(1_000, 2_000, 50))).toEqual([2_000, 2_050, 2_100]);
    // A tenth of a second later two of them are in the past by as much.
    expect(returns.next(1_100, 2_000, 50)).toBe(2_050);
    expect(returns.next(1_100, 9_000, 50)).toBe(9_000);
  });

  it('leave nothing behind when their time is over, whether they came or not', () => {
    const returns = new Returns();
    for (let call = 0; call < 100_000; call++) returns.next(0, 1_000, 50);
    expect(returns.next(0, 1_000, 50)).toBe(60_000);
    expect(returns.next(30_000, 1_000, 50)).toBe(30_000);
    expect(returns.next(90_000, 1_000, 50)).toBe(1_000);
  });
});

describe('a gate', () => {
  it('promises each tenant’s slots by themselves, at the pace at which they come in turn', async () => {
    const sim = new PoolSim((options) => new FairGate(options), 4);
    for (let call = 0; call < 8; call++) sim.submit({ call: {}, usedTokens: 100, serviceMs: 100 });
    await sim.runFor(200);
    const told = (tenant: string) => sim.gate.returnMs(gateCall({ tenant }), 1_000);
    expect([told('loud'), told('loud'), told('loud')]).toEqual([1_000, 1_025, 1_050]);
    expect(told('quiet')).toBe(1_000);
    for (let call = 0; call < 4; call++) sim.submit({ call: { tenant: 'loud' }, usedTokens: 100, serviceMs: 1e9 });
    for (const tenant of ['loud', 'quiet']) sim.submit({ call: { tenant }, usedTokens: 100, serviceMs: 100 });
    expect([told('loud'), told('loud')]).toEqual([1_075, 1_125]);
  });
});
