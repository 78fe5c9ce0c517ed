// What is read of an Anthropic call, what a target gets of it, and which whole replies are taken. For src/dialects.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CallHead, Dialect } from '../../src/core/dialect.ts';
import type { RouterError } from '../../src/core/errors.ts';
import type { Capability } from '../../src/core/names.ts';
import { anthropicCountTokens as count } from '../../src/dialects/anthropic-count-tokens.ts';
import { anthropicMessages as messages } from '../../src/dialects/anthropic-messages.ts';
import { parseCall, toward } from '../fakes/call-parts.ts';
import { message, usage } from './anthropic-events.ts';
import { body, bytesOf, spelled, textFrom, textOf, valueText } from './json-bodies.ts';

const BOTH = [messages, count];
const parse = (more: object, dialect: Dialect = messages, head: Partial<CallHead> = {}) =>
  parseCall(dialect, bytesOf(JSON.stringify({ model: 'm', messages: [], ...more })), head);

function refusal(text: string, dialect: Dialect, head: Partial<CallHead> = {}): RouterError {
  try {
    parseCall(dialect, bytesOf(text), head);
  } catch (thrown) {
    return thrown as RouterError;
  }
  throw new Error(`accepted: ${text}`);
}

describe('what is read', () => {
  it('model, stream and the bound on output; a count streams nothing and bounds nothing', () => {
    expect(parse({})).toMatchObject({ model: 'm', stream: false, maxOutputTokens: null, stored: false });
    const more = { stream: true, max_tokens: 400 };
    expect(parse(more)).toMatchObject({ stream: true, maxOutputTokens: 400 });
    expect(parse(more, count)).toMatchObject({ stream: false, maxOutputTokens: null });
  });

  it.each([
    ['{"messages":[]}', 'missing_field', 'model'],
    ['{"model":"","messages":[]}', 'invalid_value', 'model'],
    ['{"model":"m"}', 'missing_field', 'messages'],
  ])('%s is refused on both routes', (text, code, param) => {
    for (const dialect of BOTH) {
      const error = refusal(text, dialect);
      expect({ code: error.code, blame: error.blame, param: error.detail.param }).toEqual({
        code,
        blame: 'caller',
        param,
      });
    }
  });

  it.each([
    ['{"model":"m","messages":[],"stream":"yes"}', 'stream'],
    ['{"model":"m","messages":[],"max_tokens":-1}', 'max_tokens'],
    ['{"model":"m","messages":[],"max_tokens":1.5}', 'max_tokens'],
  ])('%s is refused where it is used', (text, param) => {
    expect(refusal(text, messages).detail.param).toBe(param);
    expect(parseCall(count, bytesOf(text)).model).toBe('m');
  });

  it('fields, roles and blocks that the router does not know are let through', () => {
    const later = {
      messages: [{ role: 'system', output_config: 1 }, { role: 'later', content: [{ type: 'later' }] }, 7],
      later: [{}],
    };
    for (const dialect of BOTH) expect(parse(later, dialect).needs).toEqual([]);
  });

  it.each([
    ['a container by id', { container: 'container_1' }, true],
    ['a container by object', { container: { id: 'container_1', skills: [] } }, true],
    ['a new container', { container: { id: null, skills: [] } }, false],
    ['a thread that goes on', { thread: { type: 'continue', previous_message_id: 'msg_1' } }, true],
    ['a new thread', { thread: { type: 'create' } }, false],
    ['neither', { container: null, thread: null }, false],
  ])('%s: whether the call’s beginning is stored', (_, more, stored) => {
    expect(parse(more).stored).toBe(stored);
  });
});

describe('needs', () => {
  const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'x' } };
  const user = (...content: unknown[]) => ({ messages: [{ role: 'user', content }] });
  it.each<[string, object, Capability[]]>([
    ['tools', { tools: [{ name: 'read' }] }, ['tools']],
    ['no tools', { tools: [], tool_choice: { type: 'auto' } }, []],
    ['a schema', { output_config: { format: { type: 'json_schema', schema: {} } } }, ['schema']],
    ['a schema in the older form', { output_format: { type: 'json_schema', schema: {} } }, ['schema']],
    ['another output_config', { output_config: { effort: 'low', format: null }, output_format: null }, []],
    ['an image', user({ type: 'text', text: 'x' }, image), ['vision']],
    ['an image in a tool’s result', user({ type: 'tool_result', content: [{ type: 'text' }, image] }), ['vision']],
    ['an image in a document', user({ type: 'document', source: { type: 'content', content: [image] } }), ['vision']],
    ['text that says image', user({ type: 'text', text: '{"type":"image"}' }), []],
    ['a document', user({ type: 'document', source: { type: 'base64', data: 'x' } }), []],
    ['all', { tools: [{}], output_format: { type: 'json_schema' }, ...user(image) }, ['tools', 'schema', 'vision']],
  ])('%s', (_, more, needs) => {
    for (const dialect of BOTH) expect(parse(more, dialect).needs).toEqual(needs);
  });

  it('agree with a plain reading of any body', () => {
    const block = fc.letrec<{ block: unknown; blocks: unknown }>((tie) => ({
      blocks: fc.oneof({ maxDepth: 4 }, fc.constantFrom('x', null, 7, {}), fc.array(tie('block'), { maxLength: 3 })),
      block: fc.oneof(
        fc.record({ type: fc.constantFrom('text', 'image', 'tool_result', 'document', 7) }, { requiredKeys: [] }),
        fc.record({ type: fc.constantFrom('tool_result', 'later'), content: tie('blocks') }),
        fc.record({ type: fc.constant('document'), source: fc.record({ content: tie('blocks') }) }),
        fc.record({ role: fc.constantFrom('user', 'system'), content: tie('blocks') }),
        fc.constantFrom(null, 'image', ['image']),
      ),
    }));
    const format = fc.constantFrom(null, 'json_schema', { type: 'json_schema' }, { type: 'text' });
    const asks = fc.record(
      {
        messages: block.blocks,
        tools: fc.constantFrom(null, [], [{}], {}),
        output_config: fc.oneof(fc.record({ format }), format),
        output_format: format,
      },
      { requiredKeys: ['messages'] },
    );
    // Every image of these bodies stands in a list that is content.
    const plainly = (given: {
      messages: unknown;
      tools?: unknown;
      output_config?: unknown;
      output_format?: unknown;
    }) => {
      const found: string[] = [];
      if (Array.isArray(given.tools) && given.tools.length > 0) found.push('tools');
      const isSchema = (value: unknown) => JSON.stringify(value) === '{"type":"json_schema"}';
      const config = given.output_config as { format?: unknown } | null | undefined;
      if (isSchema(config?.format) || isSchema(given.output_format)) found.push('schema');
      if (JSON.stringify(given.messages).includes('{"type":"image"}')) found.push('vision');
      return found;
    };
    fc.assert(
      fc.property(asks, fc.constantFrom(...BOTH), (given, dialect) => {
        expect(parse(given, dialect).needs).toEqual(plainly(given));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('bytes in = bytes out, but for the model', () => {
  const name = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
    .filter((text) => !/[\u0000-\u001f\u007f]/.test(text));

  it('whatever else the body holds', () => {
    const given = body({
      model: name.chain(spelled),
      messages: valueText,
      max_tokens: fc.constant('1024'),
      stream: fc.constantFrom('true', 'false'),
    });
    fc.assert(
      fc.property(given, name, fc.constantFrom(...BOTH), (one, served, dialect) => {
        const text = textOf(one);
        const bytes = bytesOf(text);
        const kept = bytes.slice();
        const call = parseCall(dialect, bytes);
        expect(textFrom(toward(call, served).body)).toBe(
          textOf(one, ({ key, value }) => (key === 'model' && served !== call.model ? JSON.stringify(served) : value)),
        );
        expect(toward(call, call.model).body).toBe(bytes);
        expect(bytes).toEqual(kept);
        expect(toward(call, served)).toMatchObject({ dropped: [], translated: false });
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a whole reply', () => {
  const check = (dialect: Dialect, reply: unknown) =>
    toward(parse({}, dialect), 'm').check(bytesOf(typeof reply === 'string' ? reply : JSON.stringify(reply)), {});

  it('F134 of a message says its usage and its model, and goes on as it came', () => {
    const reply = bytesOf(
      JSON.stringify(message({ usage: usage({ output_tokens: 9, output_tokens_details: { thinking_tokens: 4 } }) })),
    );
    const checked = toward(parse({}), 'm').check(reply, {});
    expect(checked.body).toBe(reply);
    expect(checked).toMatchObject({
      servedModel: 'served-model-2026',
      usage: { uncachedTokens: 24, cachedTokens: 300, outputTokens: 9, reasoningTokens: 4 },
    });
    expect(check(messages, { type: 'message', content: [] })).toMatchObject({ usage: null, servedModel: null });
    expect(check(messages, { type: 'message', content: [], usage: null })).toMatchObject({ usage: null });
  });

  it('of a count is a number, which nobody pays for', () => {
    expect(check(count, { input_tokens: 2095 })).toMatchObject({ usage: null, servedModel: null });
  });

  it.each([
    ['nothing', ''],
    ['HTML', '<html>'],
    ['cut JSON', '{"type":"message","content":[{"ty'],
    ['a list', '[]'],
    ['another type', '{"type":"completion","content":[]}'],
    ['no content', '{"type":"message"}'],
    ['content that is no list', '{"type":"message","content":"x"}'],
    ['a count that is no number', '{"input_tokens":"2095"}'],
    ['an error', { type: 'error', error: { type: 'api_error', message: 'sk-secret' } }],
    ['an error without more', { type: 'error' }],
  ])('F057 %s is none, on either route', (_, reply) => {
    for (const dialect of BOTH) {
      expect(() => check(dialect, reply)).toThrow(
        expect.objectContaining({ code: 'upstream_error', message: expect.not.stringContaining('sk-secret') }),
      );
    }
  });

  it('F060 a refusal inside a 200 keeps its meaning', () => {
    for (const dialect of BOTH) {
      const refused = { type: 'error', error: { type: 'overloaded_error', message: 'x' } };
      expect(() => check(dialect, refused)).toThrow(expect.objectContaining({ code: 'worker_full' }));
    }
  });
});
