// What a call is said to have used: read on every path, in one normal form, shown only to who asked. For src/dialects.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Usage } from '../../src/core/dialect.ts';
import { dialects } from '../../src/dialects/index.ts';
import { usageFrom } from '../../src/dialects/openai-usage.ts';
import { toward } from '../fakes/call-parts.ts';
import { chatReply, completionReply, embeddingReply, usageOf } from '../fakes/chat-fixtures.ts';
import { bytesOf } from './json-bodies.ts';
import { judging, chunk as of, streamCall, textChunk } from './judged.ts';

const { 'openai-chat': chat, 'openai-completions': completions, 'openai-embeddings': embeddings } = dialects;
const ASKED = { stream_options: { include_usage: true } };
const usage = { prompt_tokens: 10, completion_tokens: 4, prompt_tokens_details: { cached_tokens: 6 } };
const normal: Usage = { uncachedTokens: 4, cachedTokens: 6, outputTokens: 4, reasoningTokens: 0 };

describe('the usage event of a stream', () => {
  it.each(['[]', '[ ]', 'null'])(
    'F133 is removed where nobody asked for it, and read all the same: choices %s',
    (empty) => {
      for (const dialect of [chat, completions]) {
        const j = judging(dialect);
        j.event(dialect === chat ? of({ content: 'H' }, 'stop') : textChunk('H', 'stop'));
        expect(j.raw(`data: {"choices":${empty},"usage":${JSON.stringify(usage)}}\n\n`)).toBe('drop');
        expect(j.judge.usage).toEqual(normal);
        expect(j.event('[DONE]')).toBe('forward');
      }
    },
  );

  it('F133 is removed too when it has no choices at all', () => {
    const j = judging(chat);
    j.event(of({ content: 'H' }, 'stop'));
    expect(j.event({ usage })).toBe('drop');
    expect(j.judge.usage).toEqual(normal);
  });

  it('F133 goes on to a caller who asked for it', () => {
    const j = judging(chat, ASKED);
    j.event(of({ content: 'H' }, 'stop'));
    expect(j.event({ choices: [], usage })).toBe('forward');
    expect(j.judge.usage).toEqual(normal);
  });

  it('F133 an event without usage is never removed', () => {
    const j = judging(chat);
    expect(j.event({ choices: [], usage: null })).toBe('forward');
    expect(j.event({ choices: [] })).toBe('forward');
    expect(j.event({ ...of({ content: 'H' }), usage })).toBe('forward');
  });

  it('running totals replace each other: the last one counts', () => {
    const j = judging(chat);
    for (const completion_tokens of [1, 2, 3]) {
      j.event({ ...of({ content: 'x' }), usage: { prompt_tokens: 5, completion_tokens } });
    }
    j.event({ ...of({ content: 'x' }), usage: null });
    expect(j.judge.usage).toMatchObject({ uncachedTokens: 5, outputTokens: 3 });
  });
});

describe('one normal form', () => {
  const shape = { prompt: fc.nat(1e6), completion: fc.nat(1e6), cached: fc.nat(1e6), reasoning: fc.nat(1e6) };
  it('F134 no token is counted twice, whichever vendor says it', () => {
    fc.assert(
      fc.property(fc.record(shape), fc.constantFrom('openai' as const, 'vllm' as const), (said, vendor) => {
        const read = usageFrom(usageOf(vendor, said))!;
        expect(read.uncachedTokens + read.cachedTokens).toBe(said.prompt);
        expect(read.cachedTokens).toBe(Math.min(said.cached, said.prompt));
        expect(read.outputTokens).toBe(said.completion);
        expect(read.reasoningTokens).toBe(vendor === 'vllm' ? 0 : Math.min(said.reasoning, said.completion));
      }),
      { numRuns: 1000 },
    );
  });

  it('F076 negative, absurd and mistyped numbers are clamped; nothing it returns is no count', () => {
    const odd = fc.oneof(
      fc.double(),
      fc.integer(),
      fc.constantFrom(null, '7', {}, [], true, -1, 1e300, Number.POSITIVE_INFINITY, Number.NaN),
    );
    const lie = fc.record(
      {
        prompt_tokens: odd,
        completion_tokens: odd,
        prompt_tokens_details: fc.oneof(odd, fc.record({ cached_tokens: odd })),
        completion_tokens_details: fc.oneof(odd, fc.record({ reasoning_tokens: odd })),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(lie, (said) => {
        const read = usageFrom(said)!;
        for (const tokens of Object.values(read)) {
          expect(Number.isSafeInteger(tokens)).toBe(true);
          expect(tokens).toBeGreaterThanOrEqual(0);
        }
        expect(read.reasoningTokens).toBeLessThanOrEqual(read.outputTokens);
      }),
      { numRuns: 1000 },
    );
    expect(usageFrom({ prompt_tokens: -5, completion_tokens: 1e300 })).toEqual({
      uncachedTokens: 0,
      cachedTokens: 0,
      outputTokens: 0,
      reasoningTokens: 0,
    });
    expect(usageFrom({ prompt_tokens: 3, prompt_tokens_details: { cached_tokens: 9 } })).toMatchObject({
      uncachedTokens: 0,
      cachedTokens: 3,
    });
  });

  it('what is no object is no usage', () => {
    for (const value of [null, undefined, 7, 'x', true]) expect(usageFrom(value)).toBe(null);
  });
});

describe('a whole reply', () => {
  const check = (dialect: typeof chat, reply: unknown) =>
    toward(streamCall(dialect, { stream: false, input: 'x' }), 'm').check(
      bytesOf(typeof reply === 'string' ? reply : JSON.stringify(reply)),
      {},
    );

  it('says its usage and its model', () => {
    const said = { prompt: 10, completion: 4, cached: 6 };
    expect(check(chat, chatReply({ usage: said, model: 'served' }))).toMatchObject({
      usage: normal,
      servedModel: 'served',
    });
    expect(check(completions, completionReply({ vendor: 'vllm', usage: said })).usage).toEqual(normal);
    expect(check(embeddings, embeddingReply({ promptTokens: 7 })).usage).toMatchObject({ uncachedTokens: 7 });
    expect(check(chat, { choices: [] })).toMatchObject({ usage: null, servedModel: null });
  });

  it.each([
    ['nothing', ''],
    ['HTML', '<html>'],
    ['cut JSON', '{"choices":[{"ind'],
    ['a list', '[]'],
    ['no choices', '{"id":"x"}'],
    ['choices that are no list', '{"choices":{}}'],
    ['finish_reason error', { choices: [{ finish_reason: 'error' }] }],
    ['an error', { choices: [], error: { message: 'sk-secret' } }],
  ])('F057 %s is no chat reply', (_, reply) => {
    expect(() => check(chat, reply)).toThrow(
      expect.objectContaining({ code: 'upstream_error', message: expect.not.stringContaining('sk-secret') }),
    );
  });

  it('F057 embeddings without data are no reply, and an in-band refusal keeps its meaning', () => {
    expect(() => check(embeddings, '{"object":"list"}')).toThrow(expect.objectContaining({ code: 'upstream_error' }));
    expect(() => check(embeddings, { error: { code: 429 } })).toThrow(expect.objectContaining({ code: 'worker_full' }));
  });
});
