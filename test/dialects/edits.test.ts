// What a target sees of a caller's body: the caller's bytes but for the allowed edits. For src/dialects.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Dialect } from '../../src/core/dialect.ts';
import { dialects } from '../../src/dialects/index.ts';
import type { GenerateCall } from '../../src/dialects/openai-generate.ts';
import { parseCall, toward } from '../fakes/call-parts.ts';
import {
  agentBody,
  embeddingsBody,
  langchainBody,
  openaiSdkBody,
  opencodeBody,
  qwenCodeBody,
} from '../fakes/chat-requests.ts';
import { type Body, body, bytesOf, space, spelled, textFrom, textOf, valueText } from './json-bodies.ts';

const { 'openai-chat': chat, 'openai-completions': completions, 'openai-embeddings': embeddings } = dialects;
const parse = (dialect: Dialect, text: string) => parseCall(dialect, bytesOf(text)) as GenerateCall;
const upstream = (dialect: Dialect, text: string, served: string) =>
  textFrom(toward(parse(dialect, text), served).body);

const modelName = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
  .filter((name) => !/[\u0000-\u001f\u007f]/.test(name) && name.length <= 256);
const model = modelName.chain(spelled);
const runs = { numRuns: 1000 };

/** The text with the model's value replaced and, in a stream, usage asked for: DESIGN section 6, "Allowed edits". */
function allowed(given: Body, asked: string, served: string, streams: boolean): string {
  const options = given.members.find((member) => member.key === 'stream_options');
  const text = textOf(given, ({ key, value }) => {
    if (key === 'model') return served === asked ? value : JSON.stringify(served);
    return key === 'stream_options' && streams ? withUsage(value) : value;
  });
  if (!streams || options !== undefined) return text;
  return text.replace('{', '{"stream_options":{"include_usage":true},');
}

function withUsage(value: string): string {
  if (value === 'null') return '{"include_usage":true}';
  if (/^\{\s*\}$/.test(value)) return value.replace('{', '{"include_usage":true');
  const said = /("include_usage"\s*:\s*)(true|false|null)/.exec(value);
  if (said === null) return value.replace('{', '{"include_usage":true,');
  return value.replace(said[0], `${said[1]}true`);
}

const streamOptions = fc
  .tuple(fc.constantFrom('null', '', 'true', 'false', 'say null', 'other'), space, space)
  .map(([kind, a, b]) => {
    if (kind === 'null') return 'null';
    if (kind === '') return `{${a}}`;
    if (kind === 'other') return `{${a}"chunk_include_usage"${b}:${a}1}`;
    const value = kind === 'say null' ? 'null' : kind;
    return `{${a}"x":[{"y":2}],${a}"include_usage"${b}:${a}${value}${b}}`;
  });

describe('bytes in = bytes out, but for the allowed edits', () => {
  it('a buffered body differs in the value of model alone', () => {
    const given = body({ model, messages: valueText });
    fc.assert(
      fc.property(given, modelName, (one, served) => {
        const text = textOf(one);
        const asked = JSON.parse(text).model as string;
        const out = upstream(chat, text, served);
        expect(out).toBe(allowed(one, asked, served, false));
        expect(JSON.parse(out)).toEqual({ ...JSON.parse(text), model: served });
      }),
      runs,
    );
  });

  it('a streamed body differs in model and in stream_options, whatever the caller said there', () => {
    const without = body({ model, messages: valueText, stream: fc.constant('true') });
    const having = body({ model, prompt: valueText, stream: fc.constant('true'), stream_options: streamOptions });
    fc.assert(
      fc.property(fc.oneof(without, having), modelName, (one, served) => {
        const text = textOf(one);
        const asked = JSON.parse(text).model as string;
        const dialect = one.members.some(({ key }) => key === 'prompt') ? completions : chat;
        const out = upstream(dialect, text, served);
        expect(out).toBe(allowed(one, asked, served, true));
        const before = JSON.parse(text) as Record<string, unknown>;
        const options = { ...(before['stream_options'] as object | null), include_usage: true };
        expect(JSON.parse(out)).toEqual({ ...before, model: served, stream_options: options });
      }),
      runs,
    );
  });

  it('an embeddings body keeps even numbers that no double holds', () => {
    const input = fc.constantFrom('"x"', '["a","b"]', '[1,2]', '[[1e400,12345678901234567890]]', '[ ]');
    fc.assert(
      fc.property(body({ model, input }), modelName, (one, served) => {
        const text = textOf(one);
        const asked = JSON.parse(text).model as string;
        expect(upstream(embeddings, text, served)).toBe(allowed(one, asked, served, false));
      }),
      runs,
    );
  });

  it('is idempotent: every attempt gets its own body, and no attempt moves the caller’s bytes', () => {
    const given = body({ model, messages: valueText, stream: fc.constant('true') });
    fc.assert(
      fc.property(given, modelName, modelName, (one, first, second) => {
        const bytes = bytesOf(textOf(one));
        const kept = bytes.slice();
        const call = parseCall(chat, bytes);
        const once = textFrom(toward(call, first).body);
        textFrom(toward(call, second).body);
        expect(textFrom(toward(call, first).body)).toBe(once);
        expect(bytes).toEqual(kept);
        // A router behind this router changes nothing more.
        const again = parse(chat, once);
        expect(again.usageAsked).toBe(true);
        expect(textFrom(toward(again, first).body)).toBe(once);
      }),
      runs,
    );
  });

  it('leaves the very same array when nothing is to be changed', () => {
    const bytes = bytesOf('{"model":"m","messages":[]}');
    expect(toward(parseCall(chat, bytes), 'm').body).toBe(bytes);
  });

  it.each([
    ['opencode', opencodeBody()],
    ['Qwen Code', qwenCodeBody()],
    ['the openai SDK', openaiSdkBody()],
    ['LangChain', langchainBody()],
    ['an agent of 220 KiB', agentBody()],
    ['an agent of 1 MiB', agentBody(1024 * 1024)],
  ])('the body of %s goes on with another model and nothing else', (_, value) => {
    const text = JSON.stringify(value);
    const out = upstream(chat, text, 'acme/other');
    expect(out).toBe(text.replace('"model":"support-7b"', '"model":"acme/other"'));
  });

  it('an SDK that streams without asking for usage gets that one option added', () => {
    const text = JSON.stringify(openaiSdkBody('m', true));
    expect(upstream(chat, text, 'm')).toBe(`{"stream_options":{"include_usage":true},${text.slice(1)}`);
    expect(parse(chat, text).usageAsked).toBe(false);
  });

  it('the base64 wish of an embeddings client is not touched', () => {
    const text = JSON.stringify(embeddingsBody('v'));
    expect(upstream(embeddings, text, 'w')).toBe(text.replace('"v"', '"w"'));
  });
});
