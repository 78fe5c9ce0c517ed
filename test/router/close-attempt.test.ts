// What a worker is told of an attempt that is over. For src/router/settle.
import { describe, expect, it } from 'vitest';
import type { InferenceRequest } from '../../src/core/request.ts';
import type { AttemptReport } from '../../src/core/worker.ts';
import { closeAttempt } from '../../src/router/settle.ts';

/** A call of 100,000 tokens, of which 90,000 were expected to be cached, behind so many tokens of others. */
function told(aheadTokens: number, usage: { uncachedTokens: number; cachedTokens: number } | null) {
  const reports: AttemptReport[] = [];
  const closed: unknown[][] = [];
  const worker = { record: (report: AttemptReport) => void reports.push(report) };
  const placing = { model: 'm', inputTokens: 100_000, uncachedAt: () => 10_000 };
  const held = {
    permit: { close: (...how: unknown[]) => void closed.push(how) },
    worker,
    placing,
    begun: 3,
    inFlight: 4,
    backlogTokens: aheadTokens + 10_000,
  };
  const request = { call: { stream: true }, dialect: { class: 'chat' } } as InferenceRequest;
  const attempt = {
    usage: usage === null ? null : { ...usage, outputTokens: 70, reasoningTokens: 0 },
    firstContentMs: 800,
    committedMs: 900,
    ageMs: 2_000,
  };
  closeAttempt(held as unknown as Parameters<typeof closeAttempt>[0], request, attempt, null, 'complete');
  return { report: reports[0]!, closed };
}

describe('what a worker is told of an attempt', () => {
  it('is what was read for the call itself, and others’ part of its work by estimate', () => {
    // The reply counts in tokens of its own; shares carry over.
    const { report } = told(5_000, { uncachedTokens: 250, cachedTokens: 24_750 });
    expect(report).toMatchObject({ uncachedTokens: 1_000, backlogTokens: 6_000, inFlight: 4, firstContentMs: 800 });
    expect(told(5_000, { uncachedTokens: 25_000, cachedTokens: 0 }).report).toMatchObject({
      uncachedTokens: 100_000,
      backlogTokens: 105_000,
    });
  });

  it('is the estimate where the reply does not say', () => {
    expect(told(5_000, null).report).toMatchObject({ uncachedTokens: 10_000, backlogTokens: 15_000 });
  });

  it('is never less than nothing of others, though their prompts were read in the meantime', () => {
    expect(told(-4_000, { uncachedTokens: 0, cachedTokens: 0 }).report.backlogTokens).toBe(100_000);
  });
});
