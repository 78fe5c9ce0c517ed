// Decides what the router may rely on from this machine: time that runs forward, ids nobody guesses, true digests.
// For entry/node.

import { describe, expect, it } from 'vitest';
import { newRequestId, nodeClock, nodeDigest } from '../../../src/runtime/node/machine.ts';
import { eventually } from '../../fakes/eventually.ts';

describe('the clock', () => {
  it('runs forward in fractions of a millisecond, and knows the wall', () => {
    let last = nodeClock.nowMs();
    let fractions = 0;
    for (let i = 0; i < 10_000; i++) {
      const now = nodeClock.nowMs();
      expect(now).toBeGreaterThanOrEqual(last);
      if (now % 1 !== 0) fractions++;
      last = now;
    }
    expect(fractions).toBeGreaterThan(5_000);
    expect(Math.abs(nodeClock.wallMs() - Date.now())).toBeLessThan(1_000);
  });

  it('runs what was set once and not early, and not at all what was cancelled', async () => {
    const ran: string[] = [];
    const fromMs = nodeClock.nowMs();
    nodeClock.after(30, () => ran.push('later'));
    const cancelled = nodeClock.after(10, () => ran.push('cancelled'));
    nodeClock.after(0, () => ran.push('soon'));
    cancelled.cancel();
    cancelled.cancel();
    await eventually(() => ran.includes('later'));
    expect(nodeClock.nowMs() - fromMs).toBeGreaterThanOrEqual(29);
    expect(ran).toEqual(['soon', 'later']);
  });
});

describe('request ids', () => {
  const ids = Array.from({ length: 100_000 }, newRequestId);

  it('are unique and of one form', () => {
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^req_[0-9a-f]{32}$/);
  });

  it('begin with the time of day, so that they sort by it', () => {
    const times = ids.map((id) => Number.parseInt(id.slice(4, 16), 16));
    expect(Math.abs(times[0]! - Date.now())).toBeLessThan(60_000);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  it('are chance in the rest', () => {
    // Each of the 20 places takes each of the 16 digits about equally often; 6,250 expected, 8 standard deviations off.
    for (let place = 16; place < 36; place++) {
      const counts = new Map<string, number>();
      for (const id of ids) counts.set(id[place]!, (counts.get(id[place]!) ?? 0) + 1);
      expect(counts.size).toBe(16);
      for (const count of counts.values()) expect(Math.abs(count - 6_250)).toBeLessThan(620);
    }
  });
});

describe('digests', () => {
  it('are SHA-256', async () => {
    const hex = async (text: string) => Buffer.from(await nodeDigest(Buffer.from(text))).toString('hex');
    expect(await hex('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(await hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(await nodeDigest(new Uint8Array(4 * 1024 * 1024))).toHaveLength(32);
  });
});
