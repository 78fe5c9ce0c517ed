// Shows that each named fault is on the wire what its name says, seen by the raw client and by undici.

import { gunzipSync } from 'node:zlib';
import { Agent, request } from 'undici';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { chatReply } from './chat-fixtures.ts';
import * as faults from './fault-replies.ts';
import type { FaultUpstream, Script } from './fault-upstream.ts';
import { gzipBomb, startFaultUpstream } from './fault-upstream.ts';
import { postBytes, RawConnection, rawRequest, strictEvents, strictJsonEvents } from './raw-client.ts';

const post = postBytes('/v1/chat/completions', { model: 'm', stream: true });
let up: FaultUpstream;
let agent: Agent;
beforeEach(async () => {
  up = await startFaultUpstream();
});
afterEach(() => up.close());
beforeAll(() => {
  agent = new Agent();
});
afterAll(() => agent.destroy());

const got = (script: Script) => {
  up.next(...script);
  return rawRequest(up.port, post);
};
const viaUndici = async (script: Script) => {
  up.next(...script);
  const { statusCode, body } = await request(up.url, { method: 'POST', body: '{}', dispatcher: agent });
  return { statusCode, text: await body.text() };
};

describe('F057 bad bodies', () => {
  test.each(Object.entries(faults.badBodies))('%s is a whole 200', async (name, script) => {
    const response = await got(script);
    expect(response).toMatchObject({ status: 200, complete: true });
    if (name === 'wrong content-type') expect(response.headers['content-type']).toBe('image/png');
    else expect(response.body.toString()).not.toContain(JSON.stringify(chatReply()));
    if (name.startsWith('empty')) expect(response.body).toHaveLength(0);
  });
});

describe('broken framing', () => {
  const codes: Record<keyof typeof faults.brokenFraming, RegExp> = {
    'length longer than the body': /UND_ERR_SOCKET/,
    'length shorter than the body': /whole|HPE_/,
    'length that is no number': /HTTPParserError.*Content-Length/,
    'two lengths that differ': /HPE_|UND_ERR_/,
    'chunk size that is no number': /HTTPParserError.*chunk size/,
    'chunked body without its end': /UND_ERR_SOCKET/,
    'no http at all': /HTTPParserError/,
    'reset before the head': /ECONNRESET|UND_ERR_SOCKET/,
    'closed before the head': /UND_ERR_SOCKET/,
    'half a head': /UND_ERR_SOCKET|HPE_/,
    'oversized response headers': /UND_ERR_HEADERS_OVERFLOW/,
  };
  test.each(Object.entries(faults.brokenFraming))('%s', async (name, script) => {
    const outcome = await viaUndici(script).then(
      ({ text }) => `whole ${text.length}`,
      (error: NodeJS.ErrnoException) => error.code ?? String(error),
    );
    expect(outcome).toMatch(codes[name as keyof typeof codes]);
  });
});

describe('F067 encodings', () => {
  test('bombs are small on the wire and name their encodings', async () => {
    for (const [name, script] of Object.entries(faults.bombs(8))) {
      const { body, headers } = await got(script);
      expect(headers['content-encoding']).toBe(name === 'gzip in gzip' ? 'gzip, gzip' : name);
      expect(body.length).toBeLessThan(32 * 1024);
    }
    expect(gunzipSync(gzipBomb(8))).toHaveLength(8 * 1024 * 1024);
  });

  test.each(Object.entries(faults.encodedReplies))('%s decodes to the good reply', async (_, script) => {
    up.next(...script);
    expect(await (await fetch(up.url)).json()).toEqual(chatReply());
  });
});

describe('F068 refusals', () => {
  const wallMs = Date.UTC(2026, 10, 22);
  test.each(Object.entries(faults.retryHints(wallMs)))('hint %s on 429, 503 and 529', async (_, hint) => {
    for (const code of [429, 503, 529] as const) {
      const response = await got(faults.busy(code, hint));
      expect(response.status).toBe(code);
      expect(response.headers).toMatchObject(hint);
      expect('retry-after' in response.headers).toBe('retry-after' in hint);
      expect(JSON.parse(response.body.toString())).toHaveProperty('error.message');
    }
  });

  test('the billing 429 names insufficient_quota', async () => {
    const { status, body } = await got(faults.outOfQuota());
    expect([status, JSON.parse(body.toString()).error.code]).toEqual([429, 'insufficient_quota']);
  });
});

describe('streams', () => {
  test.each(Object.entries(faults.inBandErrors(3)))('F060 %s after three good events', async (name, script) => {
    const { status, body, complete } = await got(script);
    const text = body.toString();
    expect([status, complete]).toEqual([200, true]);
    expect(text).toMatch(/The engine has died|"finish_reason":"error"/);
    if (name === 'raw json tail') expect(() => strictEvents(body)).toThrow('half a line');
    else expect(strictEvents(body).length).toBeGreaterThan(3);
  });

  test.each(Object.entries(faults.refusalsAfterStart()))('F061 %s, then a refusal', async (_, script) => {
    const events = strictJsonEvents((await got(script)).body);
    expect(events.at(-1)).toHaveProperty('error.code', 'insufficient_quota');
    expect(JSON.stringify(events.slice(0, -1))).not.toMatch(/"content":"[^"]/);
  });

  test.each(Array.from({ length: 9 }, (_, n) => n))('F058 cut after %i events', async (count) => {
    for (const how of ['rst', 'fin'] as const) {
      const response = await got(faults.cutStream(count, how));
      expect(response).toMatchObject({ complete: false, closed: how });
      expect(strictEvents(response.body)).toHaveLength(count);
    }
  });

  test('F059 a truncated stream ends in good order and says nothing of it', async () => {
    const { complete, body } = await got(faults.truncatedStream(20));
    expect(complete).toBe(true);
    expect(body.toString()).not.toMatch(/\[DONE\]|"finish_reason":"/);
  });

  test.each(Object.entries(faults.silences))('F064 silence %s', async (name, script) => {
    const phases: Record<keyof typeof faults.silences, RegExp> = {
      'before headers': /^$/,
      'after headers': /\r\n\r\n$/,
      'after the role frame': /"role":"assistant".*\n\n\r\n$/s,
      'between events': /"content":" quick".*\n\n\r\n$/s,
      'inside an event': /chatc\r\n$/,
      'before the end of the body': /\[DONE\]\n\n\r\n$/,
    };
    up.next(...script);
    const connection = await RawConnection.connect(up.port);
    connection.write(post);
    const expected = phases[name as keyof typeof phases];
    await up.waitFor(() => up.requests.length > 0);
    await connection.until(({ received }) => expected.test(received.toString('latin1')));
    expect(up.requests[0]).toMatchObject({ finished: false, cut: false });
    connection.destroy();
    await up.waitFor(() => up.requests[0]?.abortedByRouterAtMs !== undefined);
  });
});
