// What is read of a Responses call, what a target gets of it, and which whole replies are taken. For src/dialects.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RouterError } from '../../src/core/errors.ts';
import { openaiResponses as responses } from '../../src/dialects/openai-responses.ts';
import { parseCall, toward } from '../fakes/call-parts.ts';
import { body, bytesOf, spelled, textFrom, textOf, valueText } from './json-bodies.ts';
import { begun, responseFaults, usage } from './openai-responses-events.ts';

const parse = (more: object, headers: Record<string, string> = {}) =>
  parseCall(responses, bytesOf(JSON.stringify({ model: 'm', input: 'x', ...more })), { headers });

function refusal(bodyText: string): RouterError {
  try {
    parseCall(responses, bytesOf(bodyText));
  } catch (thrown) {
    return thrown as RouterError;
  }
  throw new Error(`accepted: ${bodyText}`);
}

describe('what is read', () => {
  it('model, stream and the bound on output', () => {
    expect(parse({})).toMatchObject({ model: 'm', stream: false, maxOutputTokens: null, stored: false });
    expect(parse({ stream: true, max_output_tokens: 400 })).toMatchObject({ stream: true, maxOutputTokens: 400 });
  });

  it.each([
    ['{"input":"x"}', 'missing_field', 'model', /give a string: the model to ask/],
    ['{"prompt":{"id":"pmpt_1"}}', 'missing_field', 'model', /also with a stored prompt/],
    ['{"model":"m"}', 'missing_field', 'input', /a string or a list of items/],
    ['{"model":"m","input":null,"prompt":null}', 'missing_field', 'input', /list of items/],
    ['{"model":"m","input":{"role":"user"}}', 'invalid_value', 'input', /list of items/],
    ['{"model":"m","input":"x","stream":"yes"}', 'invalid_value', 'stream', /true or false/],
    ['{"model":"m","input":"x","max_output_tokens":-1}', 'invalid_value', 'max_output_tokens', /whole number/],
  ])('%s is refused', (text, code, param, message) => {
    const error = refusal(text);
    expect({ code: error.code, blame: error.blame, param: error.detail.param }).toEqual({
      code,
      blame: 'caller',
      param,
    });
    expect(error.message).toMatch(message);
  });

  it.each([
    ['prompt', { prompt: { id: 'pmpt_1' } }, false],
    ['previous_response_id', { previous_response_id: 'resp_1' }, true],
    ['conversation by id', { conversation: 'conv_1' }, true],
    ['conversation by object', { conversation: { id: 'conv_1' } }, true],
  ])('%s can stand for the input; a stored beginning is said', (_, more, stored) => {
    const call = parseCall(responses, bytesOf(JSON.stringify({ model: 'm', ...more })));
    expect(call.stored).toBe(stored);
  });

  it('null stores nothing', () => {
    expect(parse({ previous_response_id: null, conversation: null }).stored).toBe(false);
  });

  it('names the response before by a bounded id, and says whether its own is kept', () => {
    expect(parse({ previous_response_id: 'resp_1' }).previousReply).toBe('resp_1');
    for (const bad of [null, '', 'a b', 'a'.repeat(129), 'é', 7, {}, ['r']])
      expect(parse({ previous_response_id: bad }).previousReply, JSON.stringify(bad)).toBe(null);
    expect(parse({}).previousReply).toBe(null);
    expect([{}, { store: true }, { store: null }, { store: false }].map((more) => parse(more).keepsReply)).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });
});

describe('what a call needs of a target', () => {
  const image = { type: 'input_image', image_url: 'data:,' };
  const variants: [string, object, readonly string[]][] = [
    ['text alone', {}, []],
    ['no tools', { tools: [] }, []],
    ['tools of any type', { tools: [{ type: 'namespace', name: 'n' }] }, ['tools']],
    ['a schema', { text: { format: { type: 'json_schema', name: 's', schema: {} } } }, ['schema']],
    ['free text and free JSON', { text: { format: { type: 'json_object' } } }, []],
    ['log probabilities', { include: ['message.output_text.logprobs'] }, ['logprobs']],
    ['their number', { top_logprobs: 3 }, ['logprobs']],
    [
      'an image of the user',
      { input: [{ role: 'user', content: [{ type: 'input_text', text: 'x' }, image] }] },
      ['vision'],
    ],
    ['an image of a tool', { input: [{ type: 'function_call_output', call_id: 'c', output: [image] }] }, ['vision']],
    [
      'a screenshot',
      { input: [{ type: 'computer_call_output', output: { type: 'computer_screenshot', image_url: 'x' } }] },
      ['vision'],
    ],
    ['an image in a stored prompt', { prompt: { id: 'p', variables: { picture: image } } }, ['vision']],
    ['audio', { input: [{ role: 'user', content: [{ type: 'input_audio', input_audio: {} }] }] }, ['audio']],
    ['text that speaks of images', { input: '"type":"input_image"' }, []],
    ['odd items', { input: [null, 7, 'x', { content: [null, 'x'] }, { output: 'input_image' }], prompt: 7 }, []],
  ];
  it.each(variants)('%s', (_, more, needs) => {
    expect(parse(more).needs).toEqual(needs);
  });

  it('a screenshot beside an image is one need', () => {
    const input = [{ role: 'user', content: [image, { type: 'computer_screenshot' }] }];
    expect(parse({ input }).needs).toEqual(['vision']);
  });
});

describe('what a target gets', () => {
  const modelName = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
    .filter((name) => !/[\u0000-\u001f\u007f]/.test(name));

  it('the caller’s bytes but for the value of model, streamed or not', () => {
    const members = {
      model: modelName.chain(spelled),
      stream: fc.constantFrom('true', 'false', 'null'),
      input: fc.constantFrom('"x"', '[]', '[{"model":"no"}]'),
      tools: valueText,
    };
    fc.assert(
      fc.property(body(members), modelName, (given, served) => {
        const text = textOf(given);
        const bytes = bytesOf(text);
        const kept = bytes.slice();
        const call = parseCall(responses, bytes);
        const wanted = textOf(given, ({ key, value }) =>
          key === 'model' && served !== call.model ? JSON.stringify(served) : value,
        );
        expect(textFrom(toward(call, served).body)).toBe(wanted);
        expect(textFrom(toward(call, call.model).body)).toBe(text);
        expect(bytes).toEqual(kept);
      }),
      { numRuns: 500 },
    );
  });

  it('the caller’s beta header, and no other of them', () => {
    const headers = { 'openai-beta': 'responses=v1, other', 'openai-organization': 'o', authorization: 'Bearer x' };
    expect(toward(parse({}, headers), 'm').headers).toEqual(['openai-beta', 'responses=v1, other']);
    expect(toward(parse({}), 'm').headers).toEqual([]);
  });

  it('its own path, nothing dropped, nothing translated', () => {
    expect(toward(parse({}), 'm')).toMatchObject({ path: '/v1/responses', dropped: [], translated: false });
  });
});

describe('a whole reply', () => {
  const check = (reply: unknown) =>
    toward(parse({}), 'm').check(bytesOf(typeof reply === 'string' ? reply : JSON.stringify(reply)), {});

  it('is passed on as it came, and says its usage, its model and why it ended', () => {
    const reply = begun({ status: 'completed', usage });
    expect(responseFaults({ ...reply })).toEqual([]);
    expect(check(reply)).toEqual({
      usage: { uncachedTokens: 4, cachedTokens: 6, outputTokens: 5, reasoningTokens: 2 },
      servedModel: 'served-model-2026',
      replyId: 'resp_target',
      stop: 'end_turn',
      reportedMs: null,
      body: bytesOf(JSON.stringify(reply)),
    });
  });

  it.each(['completed', 'incomplete', 'in_progress', 'queued', 'cancelled'] as const)('%s is an answer', (status) => {
    expect(check(begun({ status })).usage).toBe(null);
  });

  it('usage that is there in part is read as far as it goes', () => {
    const said = { ...begun({ status: 'incomplete' }), usage: { input_tokens: 7 } };
    expect(check(said).usage).toEqual({ uncachedTokens: 7, cachedTokens: 0, outputTokens: 0, reasoningTokens: 0 });
  });

  const failed = (error: object | null) => ({ ...begun(), status: 'failed', error });
  it.each([
    ['nothing', '', 'upstream_error'],
    ['HTML', '<html>', 'upstream_error'],
    ['cut JSON', '{"object":"response","output":[', 'upstream_error'],
    ['a chat completion', { object: 'chat.completion', choices: [] }, 'upstream_error'],
    ['no output', { object: 'response', id: 'resp_1' }, 'upstream_error'],
    ['an error', { error: { message: 'sk-secret', type: 'server_error' } }, 'upstream_error'],
    ['vLLM’s older form', { object: 'error', message: 'sk-secret', code: 429 }, 'worker_full'],
    ['failed without a reason', failed(null), 'upstream_error'],
    ['failed', failed({ code: 'server_error', message: 'sk-secret' }), 'upstream_error'],
    ['failed for its rate', failed({ code: 'rate_limit_exceeded', message: 'sk-secret' }), 'worker_full'],
    ['failed for money', failed({ code: 'insufficient_quota', message: 'sk-secret' }), 'upstream_unfunded'],
    ['failed by the prompt', failed({ code: 'invalid_prompt', message: 'sk-secret' }), 'refused_by_target'],
  ])('F057 F060 %s is none', (_, reply, code) => {
    expect(() => check(reply)).toThrow(
      expect.objectContaining({ code, message: expect.not.stringContaining('sk-secret') }),
    );
  });
});
