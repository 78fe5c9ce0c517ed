// What readers make of recorded traffic, on cuts of the real files. For src/simulation/traces.
import { describe, expect, it } from 'vitest';
import { TraceError } from '../../src/simulation/traces/forms.ts';
import { readTrace } from '../../src/simulation/traces/index.ts';
import { fixture, trace } from './staged.ts';

describe('Claude Code sessions', () => {
  const { sessions } = trace('claude-code.jsonl', 'sessions');

  it('are read with sizes, pauses, tools, blocks and ends of turns', () => {
    const [first] = sessions;
    expect(sessions.length).toBe(4);
    expect(first).toMatchObject({ id: 'trace_0254', blockTokens: 64, toolTokens: 12_166, systemTokens: 2_868 });
    expect(first!.calls[0]).toMatchObject({
      inputTokens: 21_352,
      outputTokens: 431,
      answersTool: false,
      stop: 'tool_use',
      tookMs: 10_470,
      keep: 0,
      runs: [[1, 333]],
    });
    expect(first!.calls[1]).toMatchObject({ thinkMs: 19_000, answersTool: true, keep: 333 });
  });

  it('tell as many blocks as the recording counted', () => {
    const lines = fixture('claude-code.jsonl').trim().split('\n');
    for (const [at, line] of lines.entries()) {
      const counted = (JSON.parse(line) as { requests: { type: string; blocks: number }[] }).requests
        .filter(({ type }) => type !== 'subagent')
        .map(({ blocks }) => blocks);
      const told = sessions[at]!.calls.map(({ keep, runs }) => keep + runs.reduce((sum, [, count]) => sum + count, 0));
      expect(told).toEqual(counted);
    }
  });

  it('start sub-agents behind the call that set them off', () => {
    const started = sessions.flatMap(({ calls }) => calls.flatMap(({ starts }) => starts));
    expect(started.length).toBeGreaterThan(0);
    expect(started[0]!.session.id).toBe('trace_0254/agent_001');
    expect(started[0]!.session.calls.length).toBeGreaterThan(0);
    // It began at 137.013 s, the call before it at 30 s and took 22.85 s.
    expect(started[0]!.afterMs).toBeCloseTo(84_163, 0);
  });
});

describe('Mooncake calls', () => {
  const { calls } = trace('mooncake.jsonl', 'calls');

  it('are spread where many have one timestamp, in the order of the file', () => {
    const times = calls.map(({ atMs }) => atMs);
    expect(new Set(times).size).toBe(times.length);
    expect([...times].sort((a, b) => a - b)).toEqual(times);
    expect(times.filter((atMs) => atMs < 3_000).length).toBeGreaterThan(5);
  });

  it('hold whole blocks alone', () => {
    expect(calls[0]).toMatchObject({ inputTokens: 6_758, outputTokens: 500, blockTokens: 512 });
    expect(calls[0]!.blocks).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    for (const { blocks, inputTokens } of calls) expect(blocks.length).toBeLessThanOrEqual(inputTokens / 512);
  });
});

describe('Azure calls', () => {
  it('come at their recorded time, to a ten thousandth of a millisecond', () => {
    const { calls } = trace('azure-code.csv', 'calls');
    expect(calls.length).toBe(120);
    expect(calls.slice(0, 2)).toMatchObject([
      { atMs: 0, inputTokens: 4_808, outputTokens: 10 },
      { inputTokens: 3_180, outputTokens: 8 },
    ]);
    expect(calls[1]!.atMs).toBeCloseTo(52, 3);
  });
});

describe('ServeGen clients', () => {
  it('have rates and gaps by window, and sizes by quantile', () => {
    const { rates } = trace('servegen-rates.csv', 'rates');
    const { tokens } = trace('servegen-tokens.csv', 'tokens');
    expect(new Set(rates.map(({ client }) => client)).size).toBe(12);
    expect(rates[0]).toMatchObject({ startMs: 216_000_000 });
    expect(
      tokens.every(({ inputTokens, outputTokens }) => inputTokens?.length === 10 && outputTokens?.length === 10),
    ).toBe(true);
  });
});

describe('LMCache sessions', () => {
  it('keep what they share with the call before, in tokens', () => {
    const { sessions } = trace('lmcache.jsonl', 'sessions');
    expect(sessions.map(({ id }) => id.split('-')[0])).toEqual(['miniswe', 'magagent', 'taubench']);
    const [first, second] = sessions[0]!.calls;
    // 5,561 characters, of which the next call repeats all.
    expect(first).toMatchObject({ inputTokens: 1_391, keep: 0, runs: [[0, 21]] });
    expect(second).toMatchObject({ thinkMs: 2_334, answersTool: true, keep: 21, runs: [] });
  });
});

describe('a trace that cannot be read', () => {
  const azure = 'TIMESTAMP,ContextTokens,GeneratedTokens\n';
  it.each([
    ['', /line 1: neither/],
    ['hello', /line 1: neither/],
    ['{"timestamp": 0, "input_length": 1}', /line 1: hash_ids is not a list/],
    ['{"timestamp": 0,', /line 1: no JSON/],
    [`${azure}2023-11-16 18:17:03.9,10,2\nyesterday,1,1`, /line 3: TIMESTAMP/],
    [`${azure}2023-11-16 18:17:03.9,-10,2`, /line 2: ContextTokens/],
    ['client,start_s,rate_rps,iat_cv,dist,p1,p2\n0,0,1,1,Normal,1,1', /line 2: dist is not Gamma or Weibull/],
    ['{"id":"a","block_size":64,"tool_tokens":0,"system_tokens":0,"requests":[{"t":0}]}', /line 1: type/],
  ])('says which line and why: %j', (text, why) => {
    expect(() => readTrace(text)).toThrow(TraceError);
    expect(() => readTrace(text)).toThrow(why);
  });
});
