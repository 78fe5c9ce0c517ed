// How long the prompts that workers were sent take to read, and who is not let into line for it. For src/flow/reading and forecast.
import { describe, expect, it } from 'vitest';
import { cautiousMs } from '../../src/flow/forecast.ts';
import { FairGate } from '../../src/flow/gate.ts';
import { Reading } from '../../src/flow/reading.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { gateCall, gateRules, held, on, told } from './calls.ts';
import { slotWorker } from './slots.ts';

describe('what is yet to be read', () => {
  it('takes as long as reading has taken of late, and time in which there was nothing to read does not count', async () => {
    const clock = new VirtualClock();
    const reading = new Reading(clock);
    reading.sent(500, clock.nowMs());
    expect(reading.leftMs()).toBe(0);
    for (let prompt = 0; prompt < 100; prompt++) {
      await clock.advance(100);
      reading.read(500);
      await clock.advance(5_000);
      reading.sent(500, clock.nowMs());
    }
    reading.sent(7_500, clock.nowMs());
    expect(reading.leftMs()).toBeCloseTo(1_600, -2);
    // Nothing is read, so it goes slower by the moment.
    await clock.advance(1_000);
    expect(reading.leftMs()).toBeGreaterThan(1_700);
    reading.read(8_000);
    expect(reading.leftMs()).toBe(0);
  });

  it('bounds what a wait may come to from below', () => {
    expect(cautiousMs(1_000, 0, 0)).toBe(1_450);
    expect(cautiousMs(1_000, 0, 400)).toBe(1_450);
    expect(cautiousMs(1_000, 0, 10_000)).toBe(10_000);
  });
});

describe('behind a burst of long prompts', () => {
  /** Two slots whose calls took 100 ms for 100 tokens each, and now hold 10,000 each that are not read. */
  async function flooded(streams: boolean) {
    const clock = new VirtualClock();
    const worker = slotWorker('w', 2);
    const gate = new FairGate({ clock, rules: gateRules(), capacity: () => 2 });
    const enter = (tokens: number) => gate.acquire(gateCall({ streams, uncachedAt: () => tokens }), on(worker));
    for (let round = 0; round < 40; round++) {
      const permits = [held(enter(100)), held(enter(100))];
      await clock.advance(100);
      for (const permit of permits) permit.close('won');
    }
    const permits = [held(enter(10_000)), held(enter(10_000))];
    await clock.advance(10);
    const answer = enter(100);
    gate.close();
    for (const permit of permits) permit.close('won');
    return told(answer);
  }

  it('nobody is let into line who cannot wait until they are read', async () => {
    expect(await flooded(true)).toBe('forecast');
  });

  it.each([
    [4, 'forecast'],
    [3, 'waits'],
  ])('though no call has ended yet, once %i prompts were read (%s)', async (read, answer) => {
    const clock = new VirtualClock();
    const worker = slotWorker('w', 8);
    const gate = new FairGate({ clock, rules: gateRules(), capacity: () => 8 });
    const enter = () => gate.acquire(gateCall({ uncachedAt: () => 1_000 }), on(worker));
    const permits = Array.from({ length: 8 }, () => held(enter()));
    for (const permit of permits.slice(0, read)) {
      await clock.advance(250);
      permit.began();
    }
    // Those that were sent are read within its second, but not who stands before it as well.
    const first = enter();
    expect([told(first), told(enter())]).toEqual(['waits', answer]);
    gate.close();
    for (const permit of permits) permit.close('won');
  });

  it('a reply that comes whole does not tell when its prompt was read, and so the mean pace counts', async () => {
    expect(await flooded(false)).toBe('waits');
  });
});
