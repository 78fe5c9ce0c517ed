// Cache writes, service tiers and times that a target tells of a call: read on every path, in one normal form. For src/dialects.
import { describe, expect, it } from 'vitest';
import type { CheckedReply, Usage } from '../../src/core/dialect.ts';
import type { RerankForm } from '../../src/core/names.ts';
import type { HeaderView } from '../../src/core/transport.ts';
import { dialects } from '../../src/dialects/index.ts';
import { tierOf } from '../../src/dialects/usage.ts';
import { toward } from '../fakes/call-parts.ts';
import { begin, close, delta, message, openText, reason, text } from './anthropic-events.ts';
import { streaming } from './anthropic-judged.ts';
import { bytesOf } from './json-bodies.ts';
import { judging, chunk as of, streamCall, textChunk } from './judged.ts';
import { begun, created, textDelta } from './openai-responses-events.ts';
import { asked, parseRerank, ROUTE_OF, targetOf } from './rerank-forms.ts';

const {
  'openai-chat': chat,
  'openai-completions': completions,
  'openai-embeddings': embeddings,
  'openai-responses': responses,
  'anthropic-messages': messages,
} = dialects;

function checked(dialect: typeof chat, reply: object, headers: HeaderView = {}): CheckedReply {
  return toward(streamCall(dialect, { stream: false, input: 'x' }), 'm').check(bytesOf(JSON.stringify(reply)), headers);
}

/** Every token is in one field, but for the parts that the form names. */
function billed({ uncachedTokens, cachedTokens, outputTokens }: Usage): number {
  return uncachedTokens + cachedTokens + outputTokens;
}

const openai = {
  prompt_tokens: 100,
  completion_tokens: 20,
  prompt_tokens_details: { cached_tokens: 40, cache_write_tokens: 50 },
  completion_tokens_details: { reasoning_tokens: 5 },
};
const openaiNormal: Usage = {
  uncachedTokens: 60,
  cachedTokens: 40,
  outputTokens: 20,
  reasoningTokens: 5,
  cacheWriteTokens: 50,
  serviceTier: 'flex',
};

describe('OpenAI', () => {
  it.each([
    ['chat', chat, of({ content: 'H' }, 'stop')],
    ['completions', completions, textChunk('H', 'stop')],
  ] as const)('%s: cached, written and reasoning tokens count once, streamed and whole', (_, dialect, said) => {
    const j = judging(dialect);
    j.event({ ...said, service_tier: 'auto' });
    j.event({ choices: [], usage: openai, service_tier: 'flex' });
    expect(j.judge.usage).toEqual(openaiNormal);
    expect(billed(j.judge.usage!)).toBe(120);
    const whole = checked(dialect, { choices: [], usage: openai, service_tier: 'flex' });
    expect(whole.usage).toEqual(openaiNormal);
  });

  it('a tier that only the first event names holds for the whole stream', () => {
    const j = judging(chat);
    j.event({ ...of({ content: 'H' }, 'stop'), service_tier: 'priority' });
    j.event({ choices: [], usage: openai });
    expect(j.judge.usage).toMatchObject({ serviceTier: 'priority' });
  });

  it('responses: the same, from the last event or the whole', () => {
    const usage = {
      input_tokens: 100,
      output_tokens: 20,
      total_tokens: 120,
      input_tokens_details: { cached_tokens: 40, cache_write_tokens: 50 },
      output_tokens_details: { reasoning_tokens: 5 },
    };
    const response = begun({ status: 'completed', usage, service_tier: 'flex' });
    expect(checked(responses, response).usage).toEqual(openaiNormal);
    const j = judging(responses, { input: 'x' });
    j.event(created());
    j.event(textDelta('H'));
    j.event({ type: 'response.completed', response, sequence_number: 5 });
    expect(j.judge.usage).toEqual(openaiNormal);
  });

  it('embeddings have a prompt alone', () => {
    const reply = { data: [], usage: { prompt_tokens: 7, total_tokens: 7 } };
    expect(checked(embeddings, reply).usage).toEqual({
      uncachedTokens: 7,
      cachedTokens: 0,
      outputTokens: 0,
      reasoningTokens: 0,
    });
  });

  it('fields stay absent where the target says nothing, or nothing of worth', () => {
    const plain = { prompt_tokens: 5, completion_tokens: 1, prompt_tokens_details: { cache_write_tokens: 0 } };
    const { usage } = checked(chat, { choices: [], usage: plain, service_tier: null });
    expect(Object.keys(usage!)).toEqual(['uncachedTokens', 'cachedTokens', 'outputTokens', 'reasoningTokens']);
    const lies = { ...openai, prompt_tokens_details: { cached_tokens: 90, cache_write_tokens: 1e300 } };
    expect(checked(chat, { choices: [], usage: lies, service_tier: 7 }).usage).not.toHaveProperty('cacheWriteTokens');
  });

  it('F076 more written than was read anew is cut to it', () => {
    const lies = { ...openai, prompt_tokens_details: { cached_tokens: 90, cache_write_tokens: 50 } };
    const { usage } = checked(chat, { choices: [], usage: lies });
    expect(usage).toMatchObject({ uncachedTokens: 10, cachedTokens: 90, cacheWriteTokens: 10 });
  });

  it.each(['', 'a b', 'x'.repeat(33), '=cmd()', 'a\n', null, 7, {}])('%j is no service tier', (value) => {
    expect(tierOf(value)).toBe(undefined);
    const reply = { choices: [], usage: openai, service_tier: value };
    expect(checked(chat, reply).usage).not.toHaveProperty('serviceTier');
  });
});

describe('Anthropic', () => {
  const usage = {
    input_tokens: 10,
    cache_creation_input_tokens: 50,
    cache_read_input_tokens: 40,
    cache_creation: { ephemeral_5m_input_tokens: 20, ephemeral_1h_input_tokens: 30 },
    output_tokens: 20,
    output_tokens_details: { thinking_tokens: 5 },
    service_tier: 'priority',
  };
  const normal: Usage = { ...openaiNormal, cacheWriteLongTokens: 30, serviceTier: 'priority' };

  it('a whole message says what filled its cache, for minutes and for an hour', () => {
    const read = checked(messages, { ...message(), usage }).usage!;
    expect(read).toEqual(normal);
    expect(billed(read)).toBe(120);
  });

  it('a streamed one says so at its beginning, and its totals at the end', () => {
    const j = streaming();
    j.say({ ...begin(), message: { ...message(), usage: { ...usage, output_tokens: 1 } } } as never);
    j.say(openText(''));
    j.say(text('H'));
    expect(j.judge.usage).toMatchObject({ outputTokens: 1, cacheWriteLongTokens: 30 });
    j.say(close());
    j.say({ ...reason('end_turn'), usage: { output_tokens: 20 } } as never);
    expect(j.judge.usage).toEqual(normal);
  });

  it('the split alone tells the sum', () => {
    const { cache_creation_input_tokens: _, ...split } = usage;
    expect(checked(messages, { ...message(), usage: split }).usage).toEqual(normal);
  });

  it('without a split all was written for minutes', () => {
    const { cache_creation: _, ...sum } = usage;
    const { cacheWriteLongTokens: __, ...short } = normal;
    expect(checked(messages, { ...message(), usage: { ...sum, cache_creation: null } }).usage).toEqual(short);
  });

  it('counts no token more than once in deltas of every kind', () => {
    const j = streaming();
    j.say(begin());
    j.say(openText(''));
    for (const piece of ['a', 'b', 'c']) j.say(delta({ type: 'text_delta', text: piece }));
    expect(j.judge.contentEvents).toBe(3);
  });
});

describe('times that a worker reports', () => {
  const timings = { prompt_n: 3, prompt_ms: 12.5, predicted_n: 9, predicted_ms: 30.25, cache_n: 0 };

  it('llama.cpp: in a whole reply and in the last event of a stream', () => {
    expect(checked(chat, { choices: [], timings }).reportedMs).toBe(42.75);
    expect(checked(messages, { ...message(), timings }).reportedMs).toBe(42.75);
    expect(checked(responses, { ...begun({ status: 'completed' }), timings }).reportedMs).toBe(42.75);
    const j = judging(chat);
    j.event(of({ content: 'H' }));
    expect(j.judge.reportedMs).toBe(null);
    j.event(of({}, 'stop', 0, { timings }));
    expect(j.judge.reportedMs).toBe(42.75);
    j.event({ choices: [], usage: openai });
    expect(j.judge.reportedMs).toBe(42.75);
    const m = streaming();
    m.say(begin());
    m.say({ ...reason('end_turn'), timings } as never);
    expect(m.judge.reportedMs).toBe(42.75);
  });

  it.each([{ prompt_ms: -1 }, { prompt_ms: 1e300 }, { prompt_ms: '5' }, { prompt_ms: 0, predicted_ms: 0 }, {}, []])(
    '%j tells nothing',
    (odd) => {
      expect(checked(chat, { choices: [], timings: odd }).reportedMs).toBe(null);
    },
  );

  it('Text Embeddings Inference: in its headers, for embeddings and rankings', () => {
    const headers = { 'x-compute-time': '9', 'x-inference-time': '7' };
    expect(checked(embeddings, { data: [] }, headers).reportedMs).toBe(7);
    expect(checked(embeddings, { data: [] }, { 'x-compute-time': '9' }).reportedMs).toBe(9);
    for (const value of ['0', '-3', 'nine', '1e9', '99999999999'])
      expect(checked(embeddings, { data: [] }, { 'x-compute-time': value }).reportedMs).toBe(null);
    const ranking = '[{"index":0,"score":1},{"index":1,"score":0.5}]';
    expect(ranked('tei', ranking, headers)).toMatchObject({ reportedMs: 7, usage: null });
  });
});

function ranked(form: RerankForm, reply: string, headers: HeaderView = {}): CheckedReply {
  const wish = { query: 'q', texts: ['a', 'b'], cut: null, echo: false };
  return parseRerank(ROUTE_OF.jina, asked('jina', wish)).toward(targetOf(form), 'm').check(bytesOf(reply), headers);
}

describe('rerank', () => {
  const results = '"results":[{"index":0,"relevance_score":1},{"index":1,"relevance_score":0.5}]';
  it('tokens are read anew, and search units are told beside them', () => {
    const meta = '"meta":{"billed_units":{"search_units":2},"tokens":{"input_tokens":30}}';
    const read = ranked('cohere', `{${results},${meta}}`);
    expect(read.usage).toEqual({ uncachedTokens: 30, cachedTokens: 0, outputTokens: 0, reasoningTokens: 0 });
    expect(read.searchUnits).toBe(2);
    expect(ranked('cohere', `{${results}}`)).not.toHaveProperty('searchUnits');
    expect(ranked('cohere', `{${results},"meta":{"billed_units":{"search_units":-1}}}`)).not.toHaveProperty(
      'searchUnits',
    );
  });
});
