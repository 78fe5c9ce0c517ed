// One caller's list in parts: order, bounds, failures, one answer and one charge. For src/router/split.
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { RouterError } from '../../src/core/errors.ts';
import { REPLY_LIMITS } from '../../src/core/limits.ts';
import { CallSignal } from '../../src/core/signal.ts';
import { runScripted } from './split-parts.ts';

const list = (length: number) => Array.from({ length }, (_, at) => `t${at}`);
const vectors = (text: string) =>
  (JSON.parse(text) as { data: { index: number; embedding: number[] }[] }).data.map(({ index, embedding }) => [
    index,
    embedding[0],
  ]);
const inOrder = (length: number) => Array.from({ length }, (_, at) => [at, at]);
const failing = new RouterError('upstream_error', 'The target failed.');

describe('a list in parts', () => {
  it('2,048 inputs at 32 a part are 64 parts, at most 8 at once, and one answer with one charge', async () => {
    const ran = await runScripted(list(2048), 32, () => ({ delayMs: 10 }));
    expect(ran.asked).toHaveLength(64);
    expect(ran.mostAtOnce).toBe(8);
    expect(ran.open).toBe(0);
    expect(vectors(ran.text)).toEqual(inOrder(2048));
    expect(JSON.parse(ran.text)).toMatchObject({ usage: { prompt_tokens: 2048, total_tokens: 2048 } });
    expect(ran.end).toEqual({
      how: 'complete',
      error: null,
      bytes: ran.text.length,
      usage: { uncachedTokens: 2048, cachedTokens: 0, outputTokens: 0, reasoningTokens: 0 },
      stop: null,
    });
    expect(ran.reply!.body.length).toBe(ran.text.length);
  });

  it('comes back in the order of the list, whichever part is first', async () => {
    const delays = fc.array(fc.nat(50), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 9 }), delays, async (n, most, ms) => {
        const ran = await runScripted(list(n), most, (first) => ({ delayMs: ms[Number(first.slice(1)) % ms.length]! }));
        expect(vectors(ran.text)).toEqual(inOrder(n));
        expect([ran.asked.length, ran.open]).toEqual([Math.ceil(n / most), 0]);
      }),
      { numRuns: 60 },
    );
  });

  it('that fits goes as it is', async () => {
    const ran = await runScripted(list(32), 32, () => ({}));
    expect(ran.asked).toEqual(['t0']);
    expect(ran.reply!.headers).toEqual(['x-part', 't0']);
  });

  it('discloses all attempts, the longest wait, what was dropped once, and no header of a part', async () => {
    const script = (first: string) => ({ attempts: first === 't2' ? 2 : 1, queueMs: Number(first.slice(1)) });
    const { reply } = await runScripted(list(6), 2, script);
    expect(reply!.disclosure).toMatchObject({
      served: 'pool/served',
      rung: 1,
      attempts: 4,
      queueMs: 4,
      dropped: ['priority'],
    });
    expect([reply!.headers, reply!.contentType]).toEqual([[], 'application/json']);
  });
});

describe('a part that fails ends the call', () => {
  it.each(['t0', 't6', 't30'])(
    'at %s: the parts under way stop, no other begins, and its error is the answer',
    async (at) => {
      const ran = await runScripted(list(32), 2, (first) =>
        first === at ? { delayMs: 5, throws: failing } : { delayMs: 50 },
      );
      expect(ran.error).toBe(failing);
      expect(ran.open).toBe(0);
      expect(ran.stopped.length).toBeGreaterThan(0);
      const begun = at === 't30' ? 16 : 8;
      expect(ran.asked).toHaveLength(begun);
    },
  );

  it('one that the target refuses for good is not asked for again', async () => {
    const refused = new RouterError('context_length_exceeded', 'Too long.');
    const ran = await runScripted(list(8), 1, (first) => (first === 't3' ? { throws: refused } : { delayMs: 9 }));
    expect([ran.error, ran.asked.filter((first) => first === 't3')]).toEqual([refused, ['t3']]);
  });

  it('a reply that is cut is no part of an answer', async () => {
    const cut = new RouterError('upstream_error', 'The target closed its connection.');
    const ran = await runScripted(list(8), 4, (first) => (first === 't4' ? { delayMs: 3, cut } : { delayMs: 1 }));
    expect([ran.error, ran.open, ran.text]).toEqual([cut, 0, '']);
  });

  it('a reply that comes after another part has failed is thrown away', async () => {
    const script = (first: string) => (first === 't0' ? { throws: failing } : { delayMs: 5, deaf: true });
    const ran = await runScripted(list(4), 2, script);
    expect([ran.error, ran.discarded, ran.open]).toEqual([failing, ['t2'], 0]);
  });

  it('parts that different models answered are no answer', async () => {
    const ran = await runScripted(list(4), 2, (first) => ({
      served: first === 't0' ? 'pool/a' : 'pool/b',
      delayMs: 1,
    }));
    expect([ran.error?.code, ran.error?.retryable, ran.open]).toEqual(['upstream_error', true, 0]);
  });

  it('a part that answers too few items is blamed on the target', async () => {
    const ran = await runScripted(list(4), 2, () => ({ bytes: 40 }));
    expect([ran.error?.code, ran.error?.blame]).toEqual(['upstream_error', 'worker']);
  });

  it('together they hold no more than one reply may', async () => {
    // The last of the eight is one too many in the middle of its reply: the others hear of the end before it does.
    const bytes = REPLY_LIMITS.maxReplyBytes / 4 + 2;
    const ran = await runScripted(list(8), 1, () => ({ bytes, delayMs: 1 }));
    expect([ran.error?.code, ran.error?.retryable, ran.open]).toEqual(['upstream_error', false, 0]);
  });
});

describe('a caller who leaves', () => {
  it('F078 ends the parts under way, and no other begins', async () => {
    const signal = new CallSignal();
    const leave = (clock: { after(ms: number, fn: () => void): unknown }) => clock.after(20, () => signal.abort());
    const ran = await runScripted(list(40), 2, () => ({ delayMs: 15 }), signal, leave);
    expect(ran.error?.code).toBe('client_gone');
    expect([ran.asked.length, ran.stopped.length, ran.open]).toEqual([8, 8, 0]);
  });

  it('before it begins asks for nothing', async () => {
    const signal = new CallSignal();
    signal.abort();
    const ran = await runScripted(list(4), 1, () => ({}), signal);
    expect([ran.error?.code, ran.asked]).toEqual(['client_gone', []]);
  });

  it.each([null, failing])('later is heard by nobody: no listener stays on the signal (error: %s)', async (error) => {
    const signal = new CallSignal();
    const left = new Set<() => void>();
    vi.spyOn(signal, 'onAbort').mockImplementation((listener) => void left.add(listener));
    vi.spyOn(signal, 'offAbort').mockImplementation((listener) => void left.delete(listener));
    const ran = await runScripted(list(4), 1, () => (error === null ? {} : { throws: error }), signal);
    expect([ran.error, left.size]).toEqual([error, 0]);
    expect(signal.onAbort).toHaveBeenCalledOnce();
  });
});
