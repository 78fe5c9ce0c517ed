// Decides how large, deep and odd a body may be, and that refusing one is cheap.
// For everybody who shares the process with the caller who sends it.

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gzipBomb } from '../fakes/fault-upstream.ts';
import { postBytes, RawConnection } from '../fakes/raw-client.ts';
import { calmestOf, flood } from './loop-lag.ts';
import { CHAT, chatBody, expectClosed, expectRefusal, type Stage, startStage } from './stage.ts';

const maxBodyBytes = 1024 * 1024;
const longestStallMs = 100;

let stage: Stage;
beforeAll(async () => {
  stage = await startStage({ limits: { maxBodyBytes } });
});
afterAll(() => stage.close());

const EMBEDDINGS = '/v1/embeddings';
const head = (framing: string, path = CHAT) =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${framing}\r\n\r\n`;
const padded = (bytes: number) => {
  const empty = JSON.stringify(chatBody({ pad: '' })).length;
  return JSON.stringify(chatBody({ pad: 'p'.repeat(bytes - empty) }));
};

describe('size', () => {
  it('F016 a body of exactly the limit passes, with and without a length', async () => {
    const text = padded(maxBodyBytes);
    expect((await stage.post(text)).status).toBe(200);
    const chunks = `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`;
    expect((await stage.ask(`${head('Transfer-Encoding: chunked')}${chunks}`)).status).toBe(200);
  });

  it('F016 one byte more is a 413 that names the limit, closed, and no target is asked', async () => {
    const before = stage.upstream.served;
    const text = padded(maxBodyBytes + 1);
    const error = expectClosed(await stage.post(text), 413, 'request_too_large');
    expect(error.message).toContain(String(maxBodyBytes));
    const chunks = `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`;
    expectClosed(await stage.ask(`${head('Transfer-Encoding: chunked')}${chunks}`), 413, 'request_too_large');
    expect(stage.upstream.served).toBe(before);
    await stage.works();
  });

  it('F016 a length beyond the limit is refused by its head alone', async () => {
    for (const length of [maxBodyBytes + 1, 2 ** 31, Number.MAX_SAFE_INTEGER]) {
      expectClosed(await stage.ask(head(`Content-Length: ${length}`)), 413, 'request_too_large');
    }
  });

  it('F016 a stream far beyond the limit is cut off early, and is not stored', { retry: 3 }, async () => {
    const piece = 'x'.repeat(64 * 1024);
    const repeat = `10000\r\n${piece}\r\n`;
    globalThis.gc?.();
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 5; i++) {
      const flooded = await flood({
        port: stage.port,
        head: head('Transfer-Encoding: chunked'),
        repeat,
        times: 16 * 1024,
        tail: '0\r\n\r\n',
      });
      // One GiB was to come; what is on its way when the refusal goes out is a few socket buffers.
      expect(flooded.sentBytes).toBeLessThan(64 * 1024 * 1024);
      // The refusal may be lost where the connection is reset under a caller that still writes; the cut is not.
      if (flooded.text !== '') expect(flooded.text).toMatch(/^HTTP\/1\.1 413 .*request_too_large/s);
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024);
    await stage.works();
  });

  it('F016 the refusal reaches a caller that has sent all it had', async () => {
    for (let i = 0; i < 10; i++) {
      const response = await fetch(`${stage.router.baseURL}/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: padded(2 * maxBodyBytes),
      });
      expect(response.status).toBe(413);
      expect(await response.text()).toContain('request_too_large');
    }
  });
});

describe('depth and number', () => {
  const nested = (depth: number, open: string, close: string) =>
    `{"model":"asked","a":${open.repeat(depth)}1${close.repeat(depth)}}`;

  it('F017 a nesting of 64 passes, of 65 is too_deep', async () => {
    // The body itself is the first level.
    expectRefusal(await stage.post(nested(63, '[', ']')), 400, 'missing_field');
    expect(expectRefusal(await stage.post(nested(64, '[', ']')), 400, 'too_deep').message).toContain('64');
    expectRefusal(await stage.post(nested(64, '{"a":', '}')), 400, 'too_deep');
  });

  for (const [name, text] of Object.entries({
    '100,000 brackets': '['.repeat(100_000),
    '500,000 closed brackets': '['.repeat(500_000) + ']'.repeat(500_000),
    '170,000 objects': '{"a":'.repeat(170_000),
  })) {
    it(`F017 ${name} are too_deep, and nobody waits for it`, async () => {
      const body = `{"model":"asked","a":${text}`;
      const post = head(`Content-Length: ${body.length}`);
      const flooded = await calmestOf(() => flood({ port: stage.port, head: post, repeat: body, times: 1, tail: '' }));
      expect(flooded.text).toMatch(/^HTTP\/1\.1 400 .*"code":"too_deep"/s);
      expect(flooded.longestStallMs).toBeLessThan(50);
    });
  }

  it('F018 more than 200,000 values are too_complex, and nobody waits for it', async () => {
    for (const zeros of ['0,'.repeat(200_001), '{},'.repeat(200_001), '"",'.repeat(200_001)]) {
      const body = `{"model":"asked","messages":[${zeros}0]}`;
      const post = head(`Content-Length: ${body.length}`);
      const flooded = await calmestOf(() => flood({ port: stage.port, head: post, repeat: body, times: 1, tail: '' }));
      expect(flooded.text).toMatch(/^HTTP\/1\.1 400 .*"code":"too_complex"/s);
      expect(flooded.longestStallMs).toBeLessThan(longestStallMs);
    }
  });

  it('F018 the numbers of an embedding input do not count, those beside it do', async () => {
    const numbers = '1,'.repeat(300_000);
    const tokens = `{"model":"vectors","input":[${numbers}1]}`;
    expect((await stage.post(tokens, {}, EMBEDDINGS)).status).toBe(200);
    const beside = `{"model":"vectors","input":"a","other":[${numbers}1]}`;
    expectRefusal(await stage.post(beside, {}, EMBEDDINGS), 400, 'too_complex');
  });

  it('F022 2,048 embedding inputs pass; one more is too_many, with both numbers in the text', async () => {
    const inputs = (count: number) => ({ model: 'vectors', input: Array.from({ length: count }, (_, i) => `t${i}`) });
    expect((await stage.post(inputs(2_048), {}, EMBEDDINGS)).status).toBe(200);
    const error = expectRefusal(await stage.post(inputs(2_049), {}, EMBEDDINGS), 400, 'too_many');
    expect(error.param).toBe('input');
    expect(error.message).toContain('2049');
    expect(error.message).toContain('2048');
    const lists = { model: 'vectors', input: Array.from({ length: 2_049 }, () => [1, 2]) };
    expectRefusal(await stage.post(lists, {}, EMBEDDINGS), 400, 'too_many');
  });
});

describe('keys', () => {
  it('F019 __proto__, constructor and prototype are refused at any depth and in any spelling', async () => {
    const pristine = Object.getOwnPropertyNames(Object.prototype).sort();
    for (const key of ['__proto__', 'constructor', 'prototype', '\\u005f_proto__', 'c\\u006fnstructor']) {
      for (const text of [
        `{"${key}":{"polluted":1},"model":"asked","messages":[]}`,
        `{"model":"asked","messages":[{"a":{"${key}":1}}]}`,
      ]) {
        expectRefusal(await stage.post(text), 400, 'forbidden_key');
      }
    }
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
    expect(Object.getOwnPropertyNames(Object.prototype).sort()).toEqual(pristine);
    const asValue = await stage.post(chatBody({ messages: [{ role: 'user', content: '__proto__ constructor' }] }));
    expect(asValue.status).toBe(200);
  });

  it('F019 two values where one is meant are a 400, also under an escaped name', async () => {
    for (const text of [
      '{"model":"asked","model":"vectors","messages":[]}',
      '{"model":"asked","messages":[],"mod\\u0065l":"other"}',
      '{"model":"asked","stream":false,"messages":[],"stream":true}',
      '{"model":"asked","messages":[],"messages":[{"role":"user"}]}',
    ]) {
      expectRefusal(await stage.post(text), 400, 'duplicate_key');
    }
  });
});

describe('encodings', () => {
  it('F020 a compressed body is a 415 and is never unpacked', async () => {
    const before = stage.upstream.served;
    for (const coding of [
      'gzip',
      'deflate',
      'br',
      'zstd',
      'gzip, gzip',
      'gzip, br',
      'identity, gzip',
      'x-gzip',
      'compress',
      'foo',
    ]) {
      expectRefusal(await stage.post(chatBody(), { 'content-encoding': coding }), 415, 'unsupported_media_type');
    }
    const bomb = gzipBomb(256);
    expectRefusal(await stage.post(bomb, { 'content-encoding': 'gzip' }), 415, 'unsupported_media_type');
    expectRefusal(await stage.post(bomb), 400, 'invalid_json');
    expect(stage.upstream.served).toBe(before);
    for (const coding of ['identity', 'Identity', ' identity ']) {
      expect((await stage.post(chatBody(), { 'content-encoding': coding })).status).toBe(200);
    }
  });
});

describe('model names', () => {
  it('F023 names made to bait a pattern cost no time', async () => {
    const connection = await RawConnection.connect(stage.port);
    const unit = fc.constantFrom(
      'a',
      'aa',
      '*',
      '.',
      '-',
      '/',
      '(',
      ')',
      '+',
      '?',
      '\\',
      '[',
      '^',
      '$',
      '|',
      '{1,9}',
      '😀',
    );
    const name = fc.array(unit, { minLength: 1, maxLength: 80 }).map((parts) => parts.join('').slice(0, 250));
    await fc.assert(
      fc.asyncProperty(name, async (model) => {
        connection.write(postBytes(CHAT, chatBody({ model })));
        const before = process.threadCpuUsage();
        const response = await connection.readResponse();
        const { user, system } = process.threadCpuUsage(before);
        expect((user + system) / 1000).toBeLessThan(longestStallMs);
        expectRefusal(response, 404, 'model_not_found');
      }),
      { numRuns: 500 },
    );
    connection.destroy();
    const long = await stage.post(chatBody({ model: `${'a'.repeat(900_000)}!` }));
    expect(expectRefusal(long, 400, 'invalid_value').message.length).toBeLessThan(200);
  });
});
