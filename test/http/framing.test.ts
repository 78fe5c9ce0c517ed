// Decides whether requests that two parsers could read in two ways are refused before anything of them is believed,
// for whoever runs the router behind or beside another HTTP server.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chatStream } from '../fakes/chat-fixtures.ts';
import { hang, streamHead, writeAll } from '../fakes/fault-upstream.ts';
import { RawConnection } from '../fakes/raw-client.ts';
import { CHAT, chatBody, expectClosed, type Stage, startStage } from './stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
});
afterAll(() => stage.close());

const body = JSON.stringify(chatBody());
const head = `POST ${CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`;
const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
/** A second request hidden where a laxer parser would look for one. */
const hidden = `POST ${CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const latin1 = (text: string) => Buffer.from(text, 'latin1');

/** Refused, closed, and no byte of it reached a target; the next caller is served. */
async function refuses(text: string, status = 400, code = 'malformed_request'): Promise<void> {
  const before = stage.upstream.served;
  const connection = await RawConnection.connect(stage.port);
  connection.write(latin1(text));
  const response = await connection.readResponse();
  await connection.until(() => connection.closed !== undefined);
  expectClosed({ ...response, closed: connection.closed }, status, code);
  const answers = connection.received.toString('latin1').match(/HTTP\/1\.1 \d{3}/g);
  expect(answers).toHaveLength(1);
  connection.destroy();
  expect(stage.upstream.served).toBe(before);
  await stage.works();
}

describe('request smuggling', () => {
  const cases: Record<string, string> = {
    'length before chunked': `${head}Content-Length: ${body.length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
    'chunked before length': `${head}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n${hidden}`,
    'two lengths that differ': `${head}Content-Length: 0\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
    'two lengths that agree': `${head}Content-Length: ${body.length}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    'a list of lengths': `${head}Content-Length: ${body.length}, ${body.length}\r\n\r\n${body}`,
    'a length with a plus': `${head}Content-Length: +${body.length}\r\n\r\n${body}`,
    'a negative length': `${head}Content-Length: -1\r\n\r\n${hidden}`,
    'a hexadecimal length': `${head}Content-Length: 0x10\r\n\r\n${body}`,
    'a length beyond 64 bits': `${head}Content-Length: 99999999999999999999\r\n\r\n${body}`,
    'an empty length': `${head}Content-Length: \r\n\r\n${hidden}`,
    'a length with a comma first': `${head}Content-Length: ,${body.length}\r\n\r\n${body}`,
    'chunked twice': `${head}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n${chunked}`,
    'gzip, then chunked': `${head}Transfer-Encoding: gzip, chunked\r\n\r\n${chunked}`,
    'identity encoding': `${head}Transfer-Encoding: identity\r\n\r\n${hidden}`,
    'chunked, then identity': `${head}Transfer-Encoding: chunked, identity\r\n\r\n${chunked}`,
    'an unknown encoding': `${head}Transfer-Encoding: xchunked\r\n\r\n${chunked}`,
    'a space before the colon of the encoding': `${head}Transfer-Encoding : chunked\r\n\r\n${chunked}`,
    'a vertical tab before chunked': `${head}Transfer-Encoding: \x0bchunked\r\n\r\n${chunked}`,
    'chunked under HTTP/1.0': `${head.replace('HTTP/1.1', 'HTTP/1.0')}Transfer-Encoding: chunked\r\n\r\n${chunked}`,
    'a chunk size with 0x': `${head}Transfer-Encoding: chunked\r\n\r\n0x5\r\nabcde\r\n0\r\n\r\n`,
    'a negative chunk size': `${head}Transfer-Encoding: chunked\r\n\r\n-1\r\n${chunked}`,
    'a chunk size beyond 64 bits': `${head}Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n${chunked}`,
    'a chunk longer than its size': `${head}Transfer-Encoding: chunked\r\n\r\n3\r\nabcde\r\n0\r\n\r\n`,
    'chunk lines that end in a bare line feed': `${head}Transfer-Encoding: chunked\r\n\r\n${chunked.replaceAll('\r\n', '\n')}`,
    'a length in the trailers': `${head}Transfer-Encoding: chunked\r\n\r\n${chunked.slice(0, -2)}Content-Length: 4\r\n\r\n`,
    'a body behind GET': `GET /v1/models HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
    'a chunked body behind HEAD': `HEAD /v1/models HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n${chunked}`,
  };
  for (const [name, text] of Object.entries(cases)) {
    if (text.startsWith('HEAD')) continue;
    it(`F001 ${name} is refused, closed, and never forwarded`, () => refuses(text));
  }

  it('F001 a chunked body behind HEAD is refused and closed, without a body of ours', async () => {
    const connection = await RawConnection.connect(stage.port);
    connection.write(cases['a chunked body behind HEAD']!);
    const response = await connection.readResponse();
    await connection.until(() => connection.closed !== undefined);
    expect(response.status).toBe(400);
    expect(response.headers['connection']).toBe('close');
    expect(response.body).toHaveLength(0);
    expect(connection.received.toString().match(/HTTP\/1\.1/g)).toHaveLength(1);
    connection.destroy();
  });

  it('F001 chunked is chunked in any letter case, and trailers change nothing', async () => {
    const trailers = `${chunked.slice(0, -2)}X-Spillway-Run: late\r\nX-Spillway-Nonsense: 1\r\n\r\n`;
    for (const text of [
      `${head}Transfer-Encoding: Chunked\r\n\r\n${chunked}`,
      `${head}Transfer-Encoding: chunked\r\n\r\n${trailers}`,
    ]) {
      const response = await stage.ask(text);
      expect(response.status).toBe(200);
      expect(stage.upstream.requests.at(-1)!.body.toString()).toContain('"Say hello."');
    }
  });

  it('F001 garbage behind a call that is being answered never lands inside its reply', async () => {
    stage.upstream.next(streamHead(), writeAll(chatStream().slice(0, 3)), hang());
    const connection = await RawConnection.connect(stage.port);
    const streaming = JSON.stringify(chatBody({ stream: true }));
    connection.write(`${head}Content-Length: ${streaming.length}\r\n\r\n${streaming}`);
    await connection.until(() => connection.body.includes('quick'));
    connection.write('THIS IS NOT HTTP\r\n\r\n');
    const all = (await connection.readUntilClose()).toString();
    expect(all.match(/HTTP\/1\.1 \d{3}/g)).toEqual(['HTTP/1.1 200']);
    expect(all).not.toContain('malformed_request');
    connection.destroy();
    await stage.upstream.waitFor((one) => one.requests.at(-1)!.abortedByRouterAtMs !== undefined);
  });
});

describe('malformed requests', () => {
  const start = 'GET /v1/models HTTP/1.1\r\nHost: localhost\r\n';
  const cases: Record<string, string> = {
    'bare line feeds': 'GET /v1/models HTTP/1.1\nHost: localhost\n\n',
    'one bare line feed': 'GET /v1/models HTTP/1.1\r\nHost: localhost\nX-A: b\r\n\r\n',
    'a bare carriage return in a value': `${start}X-A: b\rc\r\n\r\n`,
    'a folded header': `${start}X-A: b\r\n c\r\n\r\n`,
    'a header folded with a tab': `${start}X-A: b\r\n\tc\r\n\r\n`,
    'a space before the colon': `${start}X-A : b\r\n\r\n`,
    'a tab before the colon': `${start}X-A\t: b\r\n\r\n`,
    'a NUL in a value': `${start}X-A: b\0c\r\n\r\n`,
    'a NUL in a name': `${start}X\0A: b\r\n\r\n`,
    'a control character in a value': `${start}X-A: \x01\r\n\r\n`,
    'a DEL in a value': `${start}X-A: b\x7fc\r\n\r\n`,
    'a header without a name': `${start}: b\r\n\r\n`,
    'a header without a colon': `${start}abc\r\n\r\n`,
    'a name that is no token': `${start}X(A): b\r\n\r\n`,
    'no method': '/v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'a method in small letters': 'get /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'no version': 'GET /v1/models\r\n\r\n',
    'version 2.0 in a text head': 'GET /v1/models HTTP/2.0\r\nHost: localhost\r\n\r\n',
    'version 0.9 spelled out': 'GET /v1/models HTTP/0.9\r\nHost: localhost\r\n\r\n',
    'version 1.2': 'GET /v1/models HTTP/1.2\r\nHost: localhost\r\n\r\n',
    'the preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'a TLS hello': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    'a space in the path': 'GET /v1/mod els HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'a tab in the path': 'GET /v1/mod\tels HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'a NUL in the path': 'GET /v1/mod\0els HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'a byte beyond ASCII in the path': 'GET /v1/mod\xe9els HTTP/1.1\r\nHost: localhost\r\n\r\n',
  };
  for (const [name, text] of Object.entries(cases)) it(`F002 ${name} is a 400, closed`, () => refuses(text));
});

describe('large heads', () => {
  const start = 'GET /v1/models HTTP/1.1\r\nHost: localhost\r\n';
  const fields = (count: number) => Array.from({ length: count }, (_, i) => `X-A${i}: b\r\n`).join('');
  const cases: Record<string, string> = {
    'one value of 17 KiB': `${start}X-A: ${'a'.repeat(17 * 1024)}\r\n\r\n`,
    'one name of 17 KiB': `${start}${'a'.repeat(17 * 1024)}: b\r\n\r\n`,
    'a head of 17 KiB that never ends': `${start}X-A: ${'a'.repeat(17 * 1024)}`,
    '101 headers': `${start}${fields(100)}\r\n`,
    '110 headers': `${start}${fields(109)}\r\n`,
    '1,000 headers': `${start}${fields(999)}\r\n`,
    'a URL of 9 KiB': `GET /v1/models?${'a'.repeat(9 * 1024)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
  };
  for (const [name, text] of Object.entries(cases)) {
    it(`F003 ${name} is a 431, closed`, () => refuses(text, 431, 'headers_too_large'));
  }

  it('F003 exactly 100 headers and 12 KiB of them pass', async () => {
    const response = await stage.ask(`${start}${fields(98)}X-Long: ${'a'.repeat(12 * 1024)}\r\n\r\n`);
    expect(response.status).toBe(200);
  });
});
