// What admission does while the store of quotas fails, is silent or comes back. For src/admission/reserve.
import { describe, expect, it } from 'vitest';
import type { Admitted } from '../../src/admission/admission.ts';
import type { QuotaAnswer, QuotaStore } from '../../src/core/quota.ts';
import { StoreFault } from '../../src/core/store.ts';
import { createMemoryQuota } from '../../src/stores/memory/quota.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { limits, perMinute, stage } from './stage.ts';

const rule = limits({ uncachedTokens: perMinute(30), inFlight: { limit: 2, dryRun: false } });
type Mood = 'well' | 'throws' | 'rejects' | 'silent';

function lossy(withLocal = true) {
  const clock = new VirtualClock();
  const memory = createMemoryQuota({ clock });
  const now: { mood: Mood; asked: number } = { mood: 'well', asked: 0 };
  const late: (() => void)[] = [];
  const store: QuotaStore = {
    read: (limit) => memory.read(limit),
    forget: (prefix) => memory.forget(prefix),
    close: () => memory.close(),
    reserve(claims, leaseMs) {
      now.asked++;
      if (now.mood === 'throws') throw new StoreFault('unavailable', 'The disk at /secret is gone.');
      if (now.mood === 'rejects') return Promise.reject(new StoreFault('unavailable', 'gone'));
      const copy = claims.map((claim) => ({ ...claim }));
      if (now.mood === 'silent')
        return new Promise<QuotaAnswer>((resolve) => late.push(() => resolve(memory.reserve(copy, leaseMs))));
      return Promise.resolve(memory.reserve(claims, leaseMs));
    },
  };
  const local = withLocal ? createMemoryQuota({ clock }) : null;
  return { ...stage({ clock, store, local }), memory, local, now, late };
}

describe('F112 a store that is lost', () => {
  it.each<Mood>(['throws', 'rejects'])(
    'that %s: this process counts by itself, says so once, and goes on later',
    async (mood) => {
      const { admission, call, refusal, clock, log, counted, now, memory } = lossy();
      now.mood = mood;
      const first = await admission.enter(call({ limits: rule }));
      const second = await admission.enter(call({ limits: rule }));
      expect(now.asked).toBe(1);
      // The limit is still one.
      expect(await refusal({ limits: rule })).toMatchObject({ code: 'rate_limit_exceeded', status: 429 });
      clock.advance(1_000);
      await refusal({ limits: rule });
      expect(now.asked).toBe(2);
      expect(log.of('quota_store').map(({ fields }) => fields)).toEqual([
        { state: 'lost', op: 'reserve', code: 'unavailable' },
      ]);
      expect(log.text()).not.toContain('secret');
      expect(counted.filter((text) => text.startsWith('fault'))).toEqual(Array(2).fill('fault quotas reserve'));
      now.mood = 'well';
      clock.advance(1_000);
      const third = await admission.enter(call({ limits: rule }));
      expect(log.of('quota_store')[1]!.fields).toEqual({ state: 'back' });
      for (const each of [first, second, third]) each.settle(1);
      expect(memory.read({ kind: 'slots', bucket: 'acme in flight', limit: 2, dryRun: false }).remaining).toBe(2);
    },
  );

  it('that is silent: no call waits for it longer than a second, and what it grants too late is given back', async () => {
    const { admission, call, clock, now, late, memory, counted } = lossy();
    now.mood = 'silent';
    const waits = admission.enter(call({ limits: rule })) as Promise<Admitted>;
    await clock.advanceSettling(999);
    expect(counted).toEqual([]);
    await clock.advanceSettling(1);
    (await waits).settle(1);
    expect(counted).toEqual(['fault quotas reserve']);
    for (const answer of late) answer();
    await clock.advanceSettling(1);
    for (const limit of [
      { kind: 'slots', bucket: 'acme in flight', limit: 2, dryRun: false } as const,
      { kind: 'rate', bucket: 'acme tokens', limit: 30, periodMs: 60_000, burst: 2, dryRun: false } as const,
    ])
      expect(memory.read(limit).remaining).toBe(2);
    expect(clock.pending).toBe(0);
  });

  it('with nobody to count instead: 503 with a time to come back, never a word of keys; who has no limits is served', async () => {
    const { admission, call, refusal, now } = lossy(false);
    now.mood = 'rejects';
    expect(await refusal({ limits: rule })).toMatchObject({ status: 503, detail: { retryAfterSeconds: 5 } });
    expect(admission.enter(call())).toMatchObject({ quota: null });
  });
});
