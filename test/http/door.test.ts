// Decides that a caller is known before anything of the body is waited for, read or judged. For callers with large bodies, and
// against those who have no key and much to send.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dialects } from '../../src/dialects/index.ts';
import { postBytes, RawConnection } from '../fakes/raw-client.ts';
import { bearer, CALLS, type KeyedStage, startKeyedStage } from './keys-stage.ts';

let stage: KeyedStage;
beforeAll(async () => {
  stage = await startKeyedStage();
});
afterAll(() => stage.close());

const ROUTES = Object.values(dialects).flatMap(({ routes }) => [...routes]);
const TEN_MB = 10 * 1024 * 1024;

const head = (path: string, length: number | 'chunked', headers: Record<string, string> = {}) => {
  const framing = length === 'chunked' ? { 'transfer-encoding': 'chunked' } : { 'content-length': String(length) };
  const lines = Object.entries({ host: 'localhost', 'content-type': 'application/json', ...framing, ...headers });
  return `POST ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
};

describe('the head alone decides', () => {
  it.each(ROUTES)('%s: a 401 comes while the body is still being sent, and closes', async (path) => {
    for (const length of [1_000, TEN_MB, 'chunked'] as const) {
      const connection = await RawConnection.connect(stage.port);
      connection.write(head(path, length));
      connection.write(length === 'chunked' ? '5\r\n{"mod' : '{"mod');
      const response = await connection.readResponse();
      expect([response.status, response.headers['connection']]).toEqual([401, 'close']);
      await connection.until(() => connection.closed !== undefined);
      connection.destroy();
    }
  });

  it('of two faults, the key is told first: nothing of the body or of other headers is judged', async () => {
    const path = '/v1/chat/completions';
    const wrong: [string | Uint8Array, Record<string, string>][] = [
      ['{"model":', {}],
      ['', {}],
      ['['.repeat(100_000), {}],
      ['{"__proto__":1}', {}],
      ['a=1', { 'content-type': 'application/x-www-form-urlencoded' }],
      ['{}', { 'content-encoding': 'gzip' }],
      ['{}', { 'x-spillway-nonsense': '1' }],
      ['{}', { 'x-spillway-max-wait': 'long' }],
      [Buffer.alloc(TEN_MB, ' '), {}],
    ];
    for (const [body, headers] of wrong) {
      expect((await stage.ask(postBytes(path, Buffer.from(body), headers))).status).toBe(401);
      const known = await stage.ask(postBytes(path, Buffer.from(body), { ...headers, ...bearer(stage.key) }));
      expect([400, 413, 415]).toContain(known.status);
    }
  });

  it('whoever asks before sending is told to go on with a key, and refused without', async () => {
    const path = '/v1/chat/completions';
    const body = Buffer.from(JSON.stringify(CALLS[path]));
    const expecting = (headers: Record<string, string>) =>
      head(path, body.length, { expect: '100-continue', ...headers });
    const stranger = await RawConnection.connect(stage.port);
    stranger.write(expecting({}));
    const refused = await stranger.readResponse();
    expect([refused.status, refused.informational]).toEqual([401, []]);
    const known = await RawConnection.connect(stage.port);
    known.write(expecting(bearer(stage.key)));
    await known.until(() => known.informational.length === 1);
    known.write(body);
    expect((await known.readResponse()).status).toBe(200);
    for (const connection of [stranger, known]) connection.destroy();
  });

  it('a connection without a body stays open after a 401, and the next request on it may come in', async () => {
    const connection = await RawConnection.connect(stage.port);
    for (const [headers, status] of [
      ['', 401],
      [`x-api-key: ${stage.refusedKeys.revoked}\r\n`, 401],
      [`x-api-key: ${stage.key}\r\n`, 200],
      ['', 401],
    ] as const) {
      connection.write(`GET /v1/models HTTP/1.1\r\nhost: localhost\r\n${headers}\r\n`);
      expect((await connection.readResponse()).status).toBe(status);
    }
    expect(connection.closed).toBe(undefined);
    connection.destroy();
  });

  it('a client that sends ten megabytes without looking reads its 401', async () => {
    const body = Buffer.alloc(TEN_MB, ' ');
    const headers = { 'content-type': 'application/json' };
    let read = 0;
    for (let n = 0; n < 10; n++) {
      const reply = await fetch(`${stage.router.baseURL}/messages`, { method: 'POST', body, headers }).catch(
        () => null,
      );
      if (reply?.status === 401) read++;
    }
    process.stdout.write(`401 read by fetch after 10 MB, of 10: ${read}\n`);
    expect(read).toBe(10);
  });
});
