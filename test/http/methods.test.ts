// Decides what becomes of methods, upgrades and expectations that the router does not take: a shaped refusal, and for
// those that would turn the connection into something else, its end. For clients that probe, and for attackers.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../fakes/eventually.ts';
import { getBytes, postBytes, RawConnection, rawRequest } from '../fakes/raw-client.ts';
import { CHAT, chatBody, expectClosed, expectRefusal, type Stage, startStage } from './stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
});
afterAll(() => stage.close());

const upgrade = (path: string, to: string, more = '') =>
  `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: ${to}\r\n${more}\r\n`;
const webSocket = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n';

describe('methods', () => {
  it('F009 CONNECT is a 405 that names what is taken, closed', async () => {
    for (const target of ['evil.test:443', 'localhost:22', `127.0.0.1:${stage.adminPort}`]) {
      const response = await stage.ask(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`);
      expectClosed(response, 405, 'method_not_allowed');
      expect(response.headers['allow']).toBe('GET, HEAD, POST');
    }
  });

  it('F009 TRACE is a 405 that echoes nothing, closed', async () => {
    const response = await stage.ask(`TRACE /v1/models HTTP/1.1\r\nHost: localhost\r\nX-Secret: canary-7\r\n\r\n`);
    expectClosed(response, 405, 'method_not_allowed');
    expect(response.body.toString()).not.toContain('canary-7');
  });

  it('F009 a known path with another method is a 405 with Allow; the connection stays', async () => {
    const connection = await RawConnection.connect(stage.port);
    const allowed: [string, string][] = [
      [CHAT, 'POST'],
      ['/v1/completions', 'POST'],
      ['/v1/embeddings', 'POST'],
      ['/v1/models', 'GET, HEAD'],
      ['/v1/models/asked', 'GET, HEAD'],
      ['/healthz', 'GET, HEAD'],
      ['/readyz', 'GET, HEAD'],
    ];
    for (const [path, allow] of allowed) {
      for (const method of ['DELETE', 'PUT', 'PATCH', 'OPTIONS', allow === 'POST' ? 'GET' : 'POST']) {
        connection.write(`${method} ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
        const response = await connection.readResponse();
        expectRefusal(response, 405, 'method_not_allowed');
        expect(response.headers['allow']).toBe(allow);
      }
    }
    for (const method of ['PROPFIND', 'QUERY', 'MKCOL', 'LINK', 'PURGE']) {
      connection.write(`${method} ${CHAT} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
      expectRefusal(await connection.readResponse(), 405, 'method_not_allowed');
    }
    expect(connection.closed).toBeUndefined();
    connection.destroy();
  });

  it('F009 HEAD answers as GET does, without the body', async () => {
    for (const path of ['/v1/models', '/v1/models/asked', '/healthz', '/readyz']) {
      const get = await stage.ask(getBytes(path));
      const head = await stage.ask(getBytes(path).toString().replace('GET', 'HEAD'));
      expect(head.status).toBe(200);
      expect(head.body).toHaveLength(0);
      expect(head.headers['content-type']).toBe(get.headers['content-type']);
    }
    const missing = await stage.ask('HEAD /nope HTTP/1.1\r\nhost: localhost\r\n\r\n');
    expect(missing.status).toBe(404);
    expect(missing.body).toHaveLength(0);
    expect(missing.headers['x-request-id']).toMatch(/^req_/);
  });
});

describe('upgrades', () => {
  it('F009 every Upgrade is a 400, closed, on every path', async () => {
    for (const path of ['/v1/models', CHAT, '/', '/healthz', '/nope']) {
      for (const [to, more] of [
        ['websocket', webSocket],
        ['h2c', 'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n'],
        ['TLS/1.0', ''],
        ['foo', ''],
      ]) {
        expectClosed(await stage.ask(upgrade(path, to!, more)), 400, 'malformed_request');
      }
    }
  });

  it('F009 the WebSocket probe on /v1/responses is a 426 that names HTTP/1.1, closed', async () => {
    for (const path of ['/v1/responses', '/v1/responses?stream=true']) {
      const response = await stage.ask(upgrade(path, 'websocket', webSocket));
      expectClosed(response, 426, 'upgrade_required');
      expect(response.headers['upgrade']).toBe('HTTP/1.1');
    }
  });

  it('F009 what is sent behind an upgrade is not read as a request', async () => {
    const before = stage.upstream.served;
    const connection = await RawConnection.connect(stage.port);
    connection.write(Buffer.concat([Buffer.from(upgrade('/v1/models', 'h2c')), postBytes(CHAT, chatBody())]));
    const all = (await connection.readUntilClose()).toString();
    expect(all.match(/HTTP\/1\.1 \d{3}/g)).toEqual(['HTTP/1.1 400']);
    expect(stage.upstream.served).toBe(before);
    connection.destroy();
  });

  it('F009 callers that reset in the middle of an upgrade or a tunnel do not end the process', async () => {
    const tries = [upgrade('/v1/models', 'websocket', webSocket), 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n'];
    for (let i = 0; i < 100; i++) {
      const connection = await RawConnection.connect(stage.port);
      connection.write(tries[i % 2]!);
      if (i % 3 > 0) await eventually(() => i % 3 === 1 || connection.received.length > 0);
      connection.reset();
    }
    await stage.works();
    await stage.quiet();
  });
});

describe('expectations', () => {
  const bytes = (expectation: string) => postBytes(CHAT, chatBody(), { expect: expectation });

  it('F009 an unknown expectation is a 417, closed, and no target is asked', async () => {
    const before = stage.upstream.served;
    for (const one of ['foo', '100-continue, foo', '200-ok', '100-continue;q=1', 'x-100-continue']) {
      expectClosed(await stage.ask(bytes(one)), 417, 'expectation_failed');
    }
    expect(stage.upstream.served).toBe(before);
  });

  it('F009 100-continue is told to go on, in any letter case', async () => {
    for (const one of ['100-continue', '100-Continue']) {
      const connection = await RawConnection.connect(stage.port);
      const all = bytes(one);
      const at = all.indexOf('\r\n\r\n') + 4;
      connection.write(all.subarray(0, at));
      await connection.until(() => connection.informational.length === 1);
      connection.write(all.subarray(at));
      expect((await connection.readResponse()).status).toBe(200);
      expect(connection.informational[0]!.startLine).toBe('HTTP/1.1 100 Continue');
      connection.destroy();
    }
  });

  it('F016 whoever asks before sending hears of a body that is too large instead of being told to go on', async () => {
    const text = `POST ${CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n`;
    const response = await rawRequest(stage.port, text);
    expectClosed(response, 413, 'request_too_large');
    expect(response.informational).toEqual([]);
  });
});
