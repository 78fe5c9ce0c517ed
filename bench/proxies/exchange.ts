// What every reference proxy shares: the port it is told, the body read whole, undici's pool. For proxies/*.
import type { IncomingMessage } from 'node:http';
import { type Dispatcher, Pool } from 'undici';

export function portArgument(position: number): number {
  const port = Number(process.argv[position]);
  if (!Number.isInteger(port) || port < 1) throw new Error('usage: node <proxy> PORT UPSTREAM_PORT');
  return port;
}

/** Calls back in the tick of the body's last byte. */
export function readBody(incoming: IncomingMessage, done: (body: Buffer) => void): void {
  const chunks: Buffer[] = [];
  incoming.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
  });
  incoming.on('end', () => done(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
}

export type Dispatch = (incoming: IncomingMessage, body: Buffer, handler: Dispatcher.DispatchHandler) => void;

export function upstreamDispatch(port: number): Dispatch {
  const pool = new Pool(`http://127.0.0.1:${port}`, { pipelining: 1 });
  return (incoming, body, handler) => {
    const headers = {
      'content-type': incoming.headers['content-type'] ?? 'application/json',
      authorization: incoming.headers.authorization ?? '',
    };
    pool.dispatch({ path: incoming.url ?? '/', method: 'POST', headers, body }, handler);
  };
}

/** The response headers a proxy hands on; framing is each hop's own business. */
export function keptHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const kept: Record<string, string> = { 'content-type': String(headers['content-type']) };
  const length = headers['content-length'];
  if (length !== undefined) kept['content-length'] = String(length);
  return kept;
}
