// A caller's limits as headers, read back as the router itself reads those of managed APIs. For src/http/rate-limit-headers.
import { describe, expect, it } from 'vitest';
import { RouterError } from '../../src/core/errors.ts';
import { DIALECTS } from '../../src/core/names.ts';
import { dialects } from '../../src/dialects/index.ts';
import { errorReply } from '../../src/http/errors.ts';
import { durationText, rateLimitHeaders } from '../../src/http/rate-limit-headers.ts';
import { countOf, RATE_LIMITS, untilMs } from '../../src/wire/rate-limits.ts';

const WALL_MS = Date.UTC(2026, 10, 22, 12);
const quota = {
  requests: { limit: 600, remaining: 599, resetMs: 100 },
  tokens: { limit: 100_000, remaining: 0, resetMs: 360_000.5 },
  wallMs: WALL_MS,
};

describe('rate-limit headers', () => {
  it('are in OpenAI’s form but for Anthropic’s clients', () => {
    const openAi = {
      'x-ratelimit-limit-requests': '600',
      'x-ratelimit-remaining-requests': '599',
      'x-ratelimit-reset-requests': '100ms',
      'x-ratelimit-limit-tokens': '100000',
      'x-ratelimit-remaining-tokens': '0',
      'x-ratelimit-reset-tokens': '6m1s',
    };
    const anthropic = {
      'anthropic-ratelimit-requests-limit': '600',
      'anthropic-ratelimit-requests-remaining': '599',
      'anthropic-ratelimit-requests-reset': '2026-11-22T12:00:01Z',
      'anthropic-ratelimit-tokens-limit': '100000',
      'anthropic-ratelimit-tokens-remaining': '0',
      'anthropic-ratelimit-tokens-reset': '2026-11-22T12:06:01Z',
    };
    for (const dialect of [...DIALECTS, null])
      expect(rateLimitHeaders(quota, dialect)).toEqual(dialect?.startsWith('anthropic') === true ? anthropic : openAi);
  });

  it('say nothing of a limit that is not there', () => {
    expect(rateLimitHeaders({ requests: null, tokens: null, wallMs: 0 }, null)).toEqual({});
    expect(Object.keys(rateLimitHeaders({ ...quota, tokens: null }, 'rerank'))).toHaveLength(3);
  });

  it.each([0, 0.2, 1, 120, 999, 999.5, 1_000, 1_001, 59_999, 60_000, 359_999, 3_600_000, 90_061_001])(
    'are read back by our own reader, never sooner than %s ms and less than a second later',
    (resetMs) => {
      const at = { limit: 7, remaining: 3, resetMs };
      for (const dialect of ['openai-chat', 'anthropic-messages'] as const) {
        const headers = rateLimitHeaders({ requests: at, tokens: at, wallMs: WALL_MS }, dialect);
        const names = RATE_LIMITS.filter(({ limit }) => limit in headers);
        expect(names).toHaveLength(2);
        for (const name of names) {
          expect([countOf(headers[name.limit]!), countOf(headers[name.remaining]!)]).toEqual([7, 3]);
          const readMs = untilMs(headers[name.reset]!, WALL_MS)!;
          expect(readMs).toBeGreaterThanOrEqual(resetMs);
          expect(readMs).toBeLessThan(resetMs + 1_000);
        }
      }
    },
  );

  it.each([
    [0, '0s'],
    [120, '120ms'],
    [1_000, '1s'],
    [360_000, '6m0s'],
    [3_661_000, '1h1m1s'],
  ])('write %s ms as %s', (ms, text) => {
    expect(durationText(ms)).toBe(text);
  });

  it('stand on refusals, in the form of the dialect that was asked', () => {
    const error = new RouterError('rate_limit_exceeded', 'no', { quota, retryAfterSeconds: 3 });
    const of = (name: string) => {
      const dialect = Object.values(dialects).find((one) => one.name === name);
      return errorReply(error, 'req_1', dialect).headers;
    };
    expect(of('openai-chat')).toMatchObject({ 'retry-after': '3', 'x-ratelimit-remaining-requests': '599' });
    expect(of('anthropic-messages')).toMatchObject({ 'anthropic-ratelimit-requests-remaining': '599' });
  });
});
