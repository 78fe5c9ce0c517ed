// Shows that the fixtures have the sizes, habits and vendor shapes they claim, and are the same on every run.

import { describe, expect, test } from 'vitest';
import {
  agentBody,
  chatReply,
  chatStream,
  embeddingsBody,
  langchainBody,
  openaiSdkBody,
  opencodeBody,
  prose,
  qwenCodeBody,
} from './chat-fixtures.ts';
import { strictJsonEvents } from './strict-events.ts';

const sizeOf = (body: unknown) => Buffer.byteLength(JSON.stringify(body));

describe('request bodies', () => {
  test.each([
    ['opencode', opencodeBody, 9_000, 12_000],
    ['Qwen Code', qwenCodeBody, 74_000, 78_000],
    ['openai SDK', openaiSdkBody, 50, 200],
    ['LangChain', langchainBody, 500, 2_000],
    ['agent', agentBody, 220 * 1024, 240 * 1024],
  ])('%s has its size and is the same each time', (_, body, least, most) => {
    expect(sizeOf(body())).toBeGreaterThanOrEqual(least);
    expect(sizeOf(body())).toBeLessThanOrEqual(most);
    expect(JSON.stringify(body())).toBe(JSON.stringify(body()));
  });

  test('clients keep their habits', () => {
    expect(opencodeBody()).toMatchObject({ stream: true, stream_options: { include_usage: true } });
    expect(qwenCodeBody()).toMatchObject({ messages: [{}, { content: [{ type: 'text' }] }, {}, {}] });
    expect(qwenCodeBody()['tools']).toHaveLength(14);
    expect(embeddingsBody()).toMatchObject({ encoding_format: 'base64', input: ['one', 'two'] });
    expect(Object.keys(agentBody()).at(-1)).toBe('stream_options');
    expect(sizeOf(agentBody(1024 * 1024))).toBeGreaterThan(1024 * 1024);
    expect(prose(1_000, 9)).toHaveLength(1_000);
  });
});

describe('vendor shapes', () => {
  test('vLLM: member order of usage, role frame, stop_reason', () => {
    const events = strictJsonEvents(Buffer.concat(chatStream({ usageEvents: 'last', tokens: ['a', 'b'] })));
    expect(events).toHaveLength(6);
    expect(events[0]).toMatchObject({
      choices: [{ delta: { role: 'assistant', content: '' } }],
      prompt_token_ids: null,
    });
    expect(events[3]).toMatchObject({
      choices: [{ delta: { content: '' }, finish_reason: 'stop', stop_reason: null }],
    });
    const usage = '"usage":{"prompt_tokens":12,"total_tokens":14,"completion_tokens":2,"prompt_tokens_details":null}';
    expect(JSON.stringify(events[4])).toContain(`"choices":[],${usage}`);
    expect(events[5]).toBe('[DONE]');
  });

  test('vLLM with continuous usage counts up', () => {
    const events = strictJsonEvents(Buffer.concat(chatStream({ usageEvents: 'every', tokens: ['a', 'b', 'c'] })));
    const counts = events
      .slice(0, -1)
      .map((e) => (e as { usage: { completion_tokens: number } }).usage.completion_tokens);
    expect(counts).toEqual([0, 1, 2, 3, 3, 3]);
  });

  test('OpenAI: usage is null in all events but the last', () => {
    const events = strictJsonEvents(
      Buffer.concat(chatStream({ vendor: 'openai', usageEvents: 'last', tokens: ['a'] })),
    );
    const usages = events.slice(0, -1).map((e) => (e as { usage: unknown }).usage);
    expect(usages.slice(0, -1).every((usage) => usage === null)).toBe(true);
    expect(usages.at(-1)).toMatchObject({ total_tokens: 13, completion_tokens_details: { reasoning_tokens: 0 } });
    expect(chatReply({ vendor: 'openai' })).toHaveProperty('system_fingerprint');
  });
});
