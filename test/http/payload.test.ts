// Decides which bodies are refused before a target is asked, with which code and about which field.
// For clients that send them by mistake, and for targets that should never see them.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getBytes } from '../fakes/raw-client.ts';
import { CHAT, chatBody, expectRefusal, type Stage, startStage } from './stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
});
afterAll(() => stage.close());

const COMPLETIONS = '/v1/completions';
const EMBEDDINGS = '/v1/embeddings';

/** Refused without a target having been asked. */
async function refused(
  body: unknown,
  status: number,
  code: string,
  param: string | null,
  path = CHAT,
): Promise<string> {
  const before = stage.upstream.served;
  const response = await stage.post(body, {}, path);
  const error = expectRefusal(response, status, code);
  expect(error.param).toBe(param);
  expect(error.type).toBe('invalid_request_error');
  expect(response.headers['x-should-retry']).toBe('false');
  expect(response.headers['retry-after']).toBeUndefined();
  expect(stage.upstream.served).toBe(before);
  return error.message;
}

describe('JSON', () => {
  const whole = JSON.stringify(chatBody());
  const broken: Record<string, string | Buffer> = {
    'an empty body': '',
    'white space': ' \r\n\t ',
    'a body cut in the middle': whole.slice(0, -5),
    'a body without its last brace': whole.slice(0, -1),
    'two values': `${whole}${whole}`,
    'a value and a letter': `${whole}x`,
    'a value and a NUL': `${whole}\0`,
    'a byte order mark': Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(whole)]),
    'UTF-16': Buffer.from(whole, 'utf16le'),
    'a byte that is no UTF-8': Buffer.concat([Buffer.from('{"model":"as'), Buffer.from([0xff]), Buffer.from('ked"}')]),
    'an overlong encoding': Buffer.concat([Buffer.from('{"model":"'), Buffer.from([0xc0, 0xaf]), Buffer.from('"}')]),
    'an encoded surrogate': Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')]),
    'UTF-8 cut off': Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xe2, 0x82]), Buffer.from('"}')]),
    'single quotes': "{'model':'asked'}",
    'a name without quotes': '{model:"asked"}',
    'a trailing comma': '{"model":"asked",}',
    'a trailing comma in a list': '{"model":"asked","messages":[1,]}',
    'a comment': '{"model":"asked"/* really */}',
    'a number with a leading zero': '{"model":"asked","n":01}',
    'a number with a plus': '{"model":"asked","n":+1}',
    'a number that ends in a point': '{"model":"asked","n":1.}',
    'a hexadecimal number': '{"model":"asked","n":0x1}',
    NaN: '{"model":"asked","n":NaN}',
    Infinity: '{"model":"asked","n":-Infinity}',
    'an unknown word': '{"model":"asked","stream":True}',
    'a raw line feed in a string': '{"model":"as\nked"}',
    'a raw tab in a string': '{"model":"as\tked"}',
    'a bad escape': '{"model":"as\\xked"}',
    'a short unicode escape': '{"model":"\\u12"}',
    'a missing colon': '{"model" "asked"}',
    'a missing comma': '{"model":"asked" "n":1}',
    'a form': 'model=asked&messages=hello',
    'a page': '<html></html>',
  };
  for (const [name, body] of Object.entries(broken)) {
    it(`F014 ${name} is invalid_json`, () => refused(body, 400, 'invalid_json', null).then(() => {}));
  }

  it('F014 a body that is no object is invalid_json on every route', async () => {
    for (const path of [CHAT, COMPLETIONS, EMBEDDINGS]) {
      for (const body of ['null', '[]', '"asked"', '1', 'true', '[{}]'])
        await refused(body, 400, 'invalid_json', null, path);
    }
  });

  it('F014 the place of the fault is named, the text around it is not repeated', async () => {
    const message = await refused('{"model":"asked","secret-canary":x}', 400, 'invalid_json', null);
    expect(message).toContain('byte 33');
    expect(message).not.toContain('canary');
  });
});

describe('media types', () => {
  const body = chatBody();
  const wrong: Record<string, Record<string, string>> = {
    text: { 'content-type': 'text/plain' },
    'a form': { 'content-type': 'application/x-www-form-urlencoded' },
    'a multipart form': { 'content-type': 'multipart/form-data; boundary=x' },
    'something like JSON': { 'content-type': 'application/jsonx' },
    'JSON of another kind': { 'content-type': 'application/problem+json' },
    'an empty type': { 'content-type': '' },
    'two types': { 'content-type': 'application/json, text/plain' },
    'a type in a parameter': { 'content-type': 'text/plain; application/json' },
  };
  for (const [name, headers] of Object.entries(wrong)) {
    it(`F015 ${name} is a 415`, async () => {
      const error = expectRefusal(await stage.post(body, headers), 415, 'unsupported_media_type');
      expect(error.message).toContain('application/json');
    });
  }

  it('F015 no type at all is a 415, and two of them are a 400', async () => {
    const text = JSON.stringify(body);
    const bare = `POST ${CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${text.length}\r\n`;
    expectRefusal(await stage.ask(`${bare}\r\n${text}`), 415, 'unsupported_media_type');
    const twice = 'Content-Type: application/json\r\nContent-Type: application/json\r\n';
    expectRefusal(await stage.ask(`${bare}${twice}\r\n${text}`), 400, 'malformed_request');
  });

  it('F015 JSON with parameters and in any letter case passes', async () => {
    for (const type of [
      'application/json; charset=utf-8',
      'Application/JSON',
      'application/json;charset=UTF-8',
      'application/json ; x=y',
    ]) {
      expect((await stage.post(body, { 'content-type': type })).status).toBe(200);
    }
  });
});

describe('fields that the router reads', () => {
  const messages = [{ role: 'user', content: 'a' }];
  const stream = { stream: true };
  const rows: [path: string, what: string, body: Record<string, unknown>, param: string][] = [];
  for (const [path, rest] of [
    [CHAT, { messages }],
    [COMPLETIONS, { prompt: 'a' }],
    [EMBEDDINGS, { input: 'a' }],
  ] as const) {
    for (const model of [1, null, true, [], ['asked'], {}, { id: 'asked' }, '', 'm'.repeat(257)]) {
      rows.push([path, `model ${JSON.stringify(model).slice(0, 20)}`, { ...rest, model }, 'model']);
    }
  }
  for (const [path, rest] of [
    [CHAT, { model: 'asked', messages }],
    [COMPLETIONS, { model: 'asked', prompt: 'a' }],
  ] as const) {
    for (const bad of ['true', 1, 0, [], {}])
      rows.push([path, `stream ${JSON.stringify(bad)}`, { ...rest, stream: bad }, 'stream']);
    for (const bad of [true, 'usage', 1, []]) {
      rows.push([
        path,
        `stream_options ${JSON.stringify(bad)}`,
        { ...rest, ...stream, stream_options: bad },
        'stream_options',
      ]);
    }
    for (const bad of ['true', 1, [], {}]) {
      const options = { include_usage: bad };
      const body = { ...rest, ...stream, stream_options: options };
      rows.push([path, `include_usage ${JSON.stringify(bad)}`, body, 'stream_options.include_usage']);
    }
    for (const field of ['n', 'max_tokens', 'max_completion_tokens'] as const) {
      for (const bad of ['1', 1.5, -1, true, [1], {}, 1e300]) {
        rows.push([path, `${field} ${JSON.stringify(bad)}`, { ...rest, [field]: bad }, field]);
      }
    }
    rows.push([path, 'n 0', { ...rest, n: 0 }, 'n']);
  }
  for (const bad of [1, null, true, {}])
    rows.push([EMBEDDINGS, `input ${JSON.stringify(bad)}`, { model: 'vectors', input: bad }, 'input']);

  for (const [path, what, body, param] of rows) {
    it(`F019 ${path}: ${what} is invalid_value about ${param}`, async () => {
      const message = await refused(body, 400, 'invalid_value', param, path);
      expect(message).toContain(`"${param}" must be`);
    });
  }

  it('a missing field is named', async () => {
    await refused({ messages }, 400, 'missing_field', 'model');
    await refused({ model: 'asked' }, 400, 'missing_field', 'messages');
    await refused({ model: 'asked' }, 400, 'missing_field', 'prompt', COMPLETIONS);
    await refused({ model: 'vectors' }, 400, 'missing_field', 'input', EMBEDDINGS);
    await refused({}, 400, 'missing_field', 'model');
  });

  it('null means unsaid where a field may be left out', async () => {
    const body = chatBody({
      stream: null,
      n: null,
      max_tokens: null,
      max_completion_tokens: null,
      stream_options: null,
    });
    expect((await stage.post(body)).status).toBe(200);
    const streamed = chatBody({ stream: true, stream_options: { include_usage: null } });
    expect((await stage.post(streamed)).status).toBe(200);
  });

  it('fields that the router does not read pass with any type', async () => {
    const odd = chatBody({ temperature: 'hot', stop: 7, tools: 'all', messages: 'hello', top_p: [], seed: {} });
    expect((await stage.post(odd)).status).toBe(200);
    expect(JSON.parse(stage.upstream.requests.at(-1)!.body.toString())).toEqual({ ...odd, model: 'served-1' });
  });
});

describe('models', () => {
  it('an unknown model is a 404 that lists the known ones', async () => {
    for (const [path, rest] of [
      [CHAT, {}],
      [COMPLETIONS, { prompt: 'a' }],
      [EMBEDDINGS, { input: 'a' }],
    ] as const) {
      const message = await refused(chatBody({ model: 'gpt-9', ...rest }), 404, 'model_not_found', 'model', path);
      expect(message).toBe('Model "gpt-9" is not available to this key. Available: asked, vectors.');
    }
    const error = expectRefusal(await stage.ask(getBytes('/v1/models/gpt-9')), 404, 'model_not_found');
    expect(error.message).toContain('Available: asked, vectors.');
  });

  it('a model of another class is a 400 that names the fitting ones', async () => {
    const toChat = await refused(chatBody({ model: 'vectors' }), 400, 'invalid_value', 'model');
    expect(toChat).toBe(`Model "vectors" serves embed; ${CHAT} takes chat models: asked.`);
    const toEmbed = await refused({ model: 'asked', input: 'a' }, 400, 'invalid_value', 'model', EMBEDDINGS);
    expect(toEmbed).toBe('Model "asked" serves chat; /v1/embeddings takes embed models: vectors.');
  });
});
