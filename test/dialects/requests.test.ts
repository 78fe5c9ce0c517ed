// What is read of a request body, and which bodies are refused because two readers could read them differently.
// For src/dialects.
import { describe, expect, it } from 'vitest';
import type { Dialect } from '../../src/core/dialect.ts';
import { RouterError } from '../../src/core/errors.ts';
import { DEFAULT_HTTP_LIMITS } from '../../src/core/limits.ts';
import { dialects } from '../../src/dialects/index.ts';
import type { GenerateCall } from '../../src/dialects/openai-generate.ts';
import { headFor, parseCall, toward } from '../fakes/call-parts.ts';
import { bytesOf, textFrom } from './json-bodies.ts';

const { 'openai-chat': chat, 'openai-completions': completions, 'openai-embeddings': embeddings } = dialects;
const parse = (dialect: Dialect, text: string) => parseCall(dialect, bytesOf(text)) as GenerateCall;

function refusal(dialect: Dialect, text: string): RouterError {
  try {
    parse(dialect, text);
  } catch (thrown) {
    if (thrown instanceof RouterError) return thrown;
    throw thrown;
  }
  throw new Error(`accepted: ${text.slice(0, 80)}`);
}

describe('the model that is read is the model that the target reads', () => {
  it('F019 a model that stands twice is refused, in any spelling', () => {
    for (const text of [
      '{"model":"cheap","messages":[],"model":"dear"}',
      '{"mod\\u0065l":"cheap","messages":[],"model":"dear"}',
      '{"messages":[],"model":"a","\\u006dodel":"a"}',
    ]) {
      const error = refusal(chat, text);
      expect([error.status, error.code, error.blame]).toEqual([400, 'duplicate_key', 'caller']);
    }
  });

  it('F019 an escaped key is the same key: read, and edited in place', () => {
    const call = parse(chat, '{"mod\\u0065l" : "a\\u0062c", "messages":[]}');
    expect(call.model).toBe('abc');
    expect(textFrom(toward(call, 'x').body)).toBe('{"mod\\u0065l" : "x", "messages":[]}');
  });

  it('F019 a nested model, or one inside a string, is content', () => {
    const text =
      '{"messages":[{"model":"no","content":"\\"model\\":\\"no\\""}],"metadata":{"model":"no"},"model":"yes"}';
    const call = parse(chat, text);
    expect(call.model).toBe('yes');
    expect(textFrom(toward(call, 'served').body)).toBe(text.replace('"model":"yes"', '"model":"served"'));
  });

  it('F019 prototype keys are refused at any depth, escaped or not, and nothing is polluted', () => {
    const before = Object.getOwnPropertyNames(Object.prototype);
    for (const key of ['__proto__', 'constructor', 'prototype', '__pr\\u006fto__']) {
      expect(refusal(chat, `{"model":"m","messages":[{"${key}":{"polluted":1}}]}`).code).toBe('forbidden_key');
      expect(refusal(embeddings, `{"model":"m","input":"x","${key}":1}`).code).toBe('forbidden_key');
    }
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(before);
  });

  it('a served name is written as a JSON string, whatever it holds', () => {
    const call = parse(chat, '{"model":"m","messages":[]}');
    for (const served of ['a"b', 'a\\b', 'ünï/🦙', '$& $1', '\u2028']) {
      expect(JSON.parse(textFrom(toward(call, served).body))).toEqual({ model: served, messages: [] });
    }
  });
});

describe('wrong types and values', () => {
  const bad = [
    [chat, '{"messages":[]}', 'missing_field', 'model'],
    [chat, '{"model":7,"messages":[]}', 'invalid_value', 'model'],
    [chat, '{"model":null,"messages":[]}', 'invalid_value', 'model'],
    [chat, '{"model":["m"],"messages":[]}', 'invalid_value', 'model'],
    [chat, '{"model":"","messages":[]}', 'invalid_value', 'model'],
    [chat, `{"model":"${'m'.repeat(257)}","messages":[]}`, 'invalid_value', 'model'],
    [chat, '{"model":"m"}', 'missing_field', 'messages'],
    [chat, '{"model":"m","messages":[],"stream":"true"}', 'invalid_value', 'stream'],
    [chat, '{"model":"m","messages":[],"stream":1}', 'invalid_value', 'stream'],
    [chat, '{"model":"m","messages":[],"stream":true,"stream_options":[]}', 'invalid_value', 'stream_options'],
    [chat, '{"model":"m","messages":[],"n":0}', 'invalid_value', 'n'],
    [chat, '{"model":"m","messages":[],"n":1.5}', 'invalid_value', 'n'],
    [chat, '{"model":"m","messages":[],"max_tokens":-1}', 'invalid_value', 'max_tokens'],
    [chat, '{"model":"m","messages":[],"max_tokens":1e400}', 'invalid_value', 'max_tokens'],
    [completions, '{"model":"m","messages":[]}', 'missing_field', 'prompt'],
    [embeddings, '{"model":"m"}', 'missing_field', 'input'],
    [embeddings, '{"model":"m","input":{"text":"x"}}', 'invalid_value', 'input'],
    [embeddings, '{"model":"m","input":null}', 'invalid_value', 'input'],
  ] as const;
  it.each(bad)('%# is a 400 that names the field: %s', (dialect, text, code, param) => {
    const error = refusal(dialect, text);
    expect([error.status, error.code, error.detail.param]).toEqual([400, code, param]);
    expect(error.message).toContain(`"${param}"`);
  });

  it('stream_options.include_usage must be a boolean, and may stand there once', () => {
    const streams = (options: string) => `{"model":"m","messages":[],"stream":true,"stream_options":${options}}`;
    expect(refusal(chat, streams('{"include_usage":"yes"}')).code).toBe('invalid_value');
    expect(refusal(chat, streams('{"include_usage":false,"include_usage":true}')).code).toBe('duplicate_key');
  });

  it('F011 a control character in the model name is a 400, escaped or not', () => {
    for (const code of [0x00, 0x0a, 0x0d, 0x1f, 0x7f]) {
      const escaped = `\\u${code.toString(16).padStart(4, '0')}`;
      expect(refusal(chat, `{"model":"a${escaped}b","messages":[]}`).code).toBe('invalid_value');
    }
    expect(refusal(chat, '{"model":"a\nb","messages":[]}').code).toBe('invalid_json');
  });

  it('F014 what is no JSON object in UTF-8 is a 400', () => {
    const invalid = ['', ' ', '[]', '"x"', 'null', '{"model":"m","messages":[]}x', '\ufeff{"model":"m","messages":[]}'];
    for (const text of invalid) expect(refusal(chat, text).code).toBe('invalid_json');
    const latin1 = Uint8Array.from('{"model":"\xe9","messages":[]}', (char) => char.charCodeAt(0));
    expect(() => parseCall(chat, latin1)).toThrow(expect.objectContaining({ code: 'invalid_json' }));
  });

  it('F017 nesting beyond 64 levels is a 400', () => {
    const nested = (depth: number) => `{"model":"m","messages":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    expect(parse(chat, nested(63)).model).toBe('m');
    expect(refusal(chat, nested(64)).code).toBe('too_deep');
    expect(refusal(chat, nested(1_000_000)).code).toBe('too_deep');
  });

  it('F018 more tokens than the limit are a 400, but embedding inputs are not counted', () => {
    const limits = { ...DEFAULT_HTTP_LIMITS, maxTokens: 100 };
    const numbers = `[${'7,'.repeat(200)}7]`;
    expect(() => chat.parse(bytesOf(`{"model":"m","messages":${numbers}}`), limits, headFor(chat))).toThrow(
      expect.objectContaining({ code: 'too_complex' }),
    );
    expect(embeddings.parse(bytesOf(`{"model":"m","input":${numbers}}`), limits, headFor(embeddings)).model).toBe('m');
  });

  it('F022 more embedding inputs than the limit are a 400 that names it; one token list is one input', () => {
    const list = (count: number, item: string) => `[${Array.from({ length: count }, () => item).join(', ')}]`;
    const input = (text: string) => `{"model":"m","input":${text}}`;
    expect(parse(embeddings, input(list(2048, '"a,]\\""'))).model).toBe('m');
    expect(refusal(embeddings, input(list(2049, '"a,]\\""'))).message).toMatch(/2049 entries; the limit is 2048/);
    expect(refusal(embeddings, input(list(2049, '[1, 2]'))).code).toBe('too_many');
    expect(parse(embeddings, input(list(5000, '17'))).model).toBe('m');
  });
});

describe('what a call says of itself', () => {
  it('its output bound, its number of choices, whether it streams', () => {
    const call = parse(
      chat,
      '{"model":"m","messages":[],"max_tokens":9,"max_completion_tokens":5,"n":3,"stream":null}',
    );
    expect([call.maxOutputTokens, call.choices, call.stream]).toEqual([5, 3, false]);
    expect(parse(chat, '{"model":"m","messages":[],"max_tokens":null}').maxOutputTokens).toBe(null);
  });

  it('a text completion answers each prompt of a list', () => {
    const choices = (rest: string) => parse(completions, `{"model":"m",${rest}}`).choices;
    expect(choices('"prompt":"x"')).toBe(1);
    expect(choices('"prompt":["a","b,c"],"n":2')).toBe(4);
    expect(choices('"prompt":[1,2,3]')).toBe(1);
    expect(choices('"prompt":[[1,2],[3]]')).toBe(2);
  });

  it('what it needs of a target', () => {
    const needs = (rest: string) => parse(chat, `{"model":"m",${rest}}`).needs;
    const part = (type: string) => `"messages":[null,"x",{"role":"user","content":[null,{"type":"${type}"}]}]`;
    expect(needs('"messages":[]')).toEqual([]);
    expect(needs('"messages":[],"tools":[]')).toEqual([]);
    expect(needs('"messages":[],"tools":[{}]')).toEqual(['tools']);
    expect(needs('"messages":[],"response_format":{"type":"json_schema"}')).toEqual(['schema']);
    expect(needs('"messages":[],"response_format":{"type":"json_object"}')).toEqual([]);
    expect(needs('"messages":[],"logprobs":true')).toEqual(['logprobs']);
    expect(needs(part('image_url'))).toEqual(['vision']);
    expect(needs(part('input_audio'))).toEqual(['audio']);
    expect(needs(part('text'))).toEqual([]);
  });
});
