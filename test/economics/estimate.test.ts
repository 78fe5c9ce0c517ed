// What is charged of a stream that its caller left, when nobody says what it used. For src/economics/estimate.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { estimatedUsage } from '../../src/economics/estimate.ts';

const cut = { inputTokens: 100, uncachedTokens: 30, contentEvents: 12, bytes: 12 * 230, maxOutputTokens: null };

it('an event of an engine is a token', () => {
  expect(estimatedUsage(cut, null)).toEqual({
    uncachedTokens: 30,
    cachedTokens: 70,
    outputTokens: 12,
    reasoningTokens: 0,
  });
});

it('an event that is much larger than its frame holds a token in four bytes of the rest', () => {
  expect(estimatedUsage({ ...cut, contentEvents: 2, bytes: 2 * (256 + 400) }, null).outputTokens).toBe(200);
});

it('the caller’s own bound is never passed', () => {
  expect(estimatedUsage({ ...cut, maxOutputTokens: 5 }, null).outputTokens).toBe(5);
});

it('what the target told of a prompt stands; its output is at least what it told', () => {
  const said = { uncachedTokens: 8, cachedTokens: 90, outputTokens: 1, reasoningTokens: 0, cacheWriteTokens: 4 };
  expect(estimatedUsage(cut, said)).toEqual({ ...said, outputTokens: 12 });
  expect(estimatedUsage(cut, { ...said, outputTokens: 40 }).outputTokens).toBe(40);
});

it('property: counts that are counts, whatever is delivered', () => {
  const whole = fc.nat(1e6);
  const delivered = fc.record({
    inputTokens: whole,
    uncachedTokens: fc.double({ min: 0, max: 2e6, noNaN: true }),
    contentEvents: whole,
    bytes: whole,
    maxOutputTokens: fc.option(whole, { nil: null }),
  });
  fc.assert(
    fc.property(delivered, (one) => {
      const usage = estimatedUsage(one, null);
      for (const tokens of Object.values(usage)) expect(Number.isSafeInteger(tokens) && tokens >= 0).toBe(true);
      expect(usage.uncachedTokens + usage.cachedTokens).toBe(one.inputTokens);
      expect(usage.outputTokens).toBeLessThanOrEqual(Math.max(one.contentEvents, one.bytes / 4));
    }),
  );
});
