// Decides what a body may cost beside its bytes: chunk extensions and crumbs, and how long they may hold up the rest.
// For everybody who shares the process with a hostile caller.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RawConnection } from '../fakes/raw-client.ts';
import { calmestOf, type Flooded, flood } from './loop-lag.ts';
import { CHAT, chatBody, expectClosed, type Stage, startStage } from './stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
});
afterAll(() => stage.close());

/** No single request may hold up the others for longer, ms. */
const longestStallMs = 100;
const head = `POST ${CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`;
const chunk = (text: string, extension = '') => `${text.length.toString(16)}${extension}\r\n${text}\r\n`;
const end = '0\r\n\r\n';
const codeOf = (flooded: Flooded) => ({
  status: flooded.text.slice(9, 12),
  code: /"code":"(\w+)"/.exec(flooded.text)?.[1],
  closes: /\r\nconnection: close\r\n/i.test(flooded.text),
});

/** A caller that still sends when it is refused may lose the reply to the reset of its connection: TCP's doing, tried anew. */
const CLOSE_MAY_OVERTAKE = { retry: 3 };

describe('chunk extensions', () => {
  it('F004 small ones are ignored', CLOSE_MAY_OVERTAKE, async () => {
    const response = await stage.ask(`${head}${chunk(JSON.stringify(chatBody()), ';name="value"')}${end}`);
    expect(response.status).toBe(200);
  });

  it('F004 more than 16 KiB of them is a 413, closed', CLOSE_MAY_OVERTAKE, async () => {
    const before = stage.upstream.served;
    const response = await stage.ask(`${head}${chunk('{"a":1}', `;x=${'a'.repeat(17 * 1024)}`)}${end}`);
    expectClosed(response, 413, 'request_too_large');
    expect(stage.upstream.served).toBe(before);
    await stage.works();
  });

  it(
    'F004 extensions that outweigh the body sixteen times are a 400 long before the body is over',
    CLOSE_MAY_OVERTAKE,
    async () => {
      const repeat = chunk(' ', `;x=${'a'.repeat(1_000)}`);
      const flooded = await flood({ port: stage.port, head, repeat, times: 100_000, tail: end });
      expect(codeOf(flooded)).toEqual({ status: '400', code: 'chunk_overhead', closes: true });
      expect(flooded.sentBytes).toBeLessThan(16 * 1024 * 1024);
      await stage.works();
    },
  );
});

describe('crumbs', () => {
  it(
    'F004 a body in single bytes is a 400 after 65,536 of them, and nobody waits meanwhile',
    CLOSE_MAY_OVERTAKE,
    async () => {
      const run = () => flood({ port: stage.port, head, repeat: '1\r\n \r\n', times: 1_000_000, tail: end });
      const flooded = await calmestOf(run);
      expect(codeOf(flooded)).toEqual({ status: '400', code: 'chunk_overhead', closes: true });
      expect(flooded.sentBytes).toBeLessThan(4 * 1024 * 1024);
      expect(flooded.longestStallMs).toBeLessThan(longestStallMs);
      await stage.works();
    },
  );

  it(
    'F004 pieces of 32 bytes pass up to the limit of the body, and nobody waits meanwhile',
    CLOSE_MAY_OVERTAKE,
    async () => {
      // 131,072 pieces of 32 bytes are 4 MiB: one more piece is too much.
      const times = (4 * 1024 * 1024) / 32;
      const run = () => flood({ port: stage.port, head, repeat: chunk(' '.repeat(32)), times: times + 1, tail: end });
      const flooded = await calmestOf(run);
      expect(codeOf(flooded)).toEqual({ status: '413', code: 'request_too_large', closes: true });
      expect(flooded.longestStallMs).toBeLessThan(longestStallMs);
      await stage.works();
    },
  );

  it('F004 a real body in single bytes is put together exactly', CLOSE_MAY_OVERTAKE, async () => {
    const text = JSON.stringify(chatBody({ user: 'ö – 語 👋', pad: 'p'.repeat(2_000) }));
    const bytes = Buffer.from(text);
    const parts = [Buffer.from(head)];
    for (const byte of bytes) parts.push(Buffer.from('1\r\n'), Buffer.from([byte]), Buffer.from('\r\n'));
    parts.push(Buffer.from(end));
    const response = await stage.ask(Buffer.concat(parts));
    expect(response.status).toBe(200);
    const seen = stage.upstream.requests.at(-1)!.body.toString();
    expect(seen).toBe(text.replace('"asked"', '"served-1"'));
  });

  it(
    'F004 calls behind a chunked one on the same connection do not count as its framing',
    CLOSE_MAY_OVERTAKE,
    async () => {
      const small = `${head}${chunk('{"model":"asked",')}${chunk('"messages":')}${chunk('[]}')}${end}`;
      const listing = `GET /v1/models HTTP/1.1\r\nHost: localhost\r\nX-Pad: ${'p'.repeat(8_000)}\r\n\r\n`;
      const connection = await RawConnection.connect(stage.port);
      connection.write(small + listing.repeat(40));
      for (let i = 0; i < 41; i++) expect((await connection.readResponse()).status).toBe(200);
      connection.destroy();
    },
  );
});
