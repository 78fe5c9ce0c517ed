// The bytes of one request, built before the clock runs. For the load.
import type { Address } from './jobs.ts';

export function requestBytes(address: Address, body: Buffer): Buffer {
  const lines = [
    `POST ${address.path} HTTP/1.1`,
    `host: 127.0.0.1:${address.port}`,
    'user-agent: OpenAI/JS 7.57.0',
    'accept: application/json',
    'authorization: Bearer sk-bench-0000000000000000000000000000000000000000',
    'content-type: application/json',
    ...Object.entries(address.headers).map(([name, value]) => `${name}: ${value}`),
    `content-length: ${body.length}`,
  ];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), body]);
}
