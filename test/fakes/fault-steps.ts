// Decides what a fault script can say: one small action each, composed freely,
// for tests that tell the fault upstream how to answer.

import { brotliCompressSync, constants, deflateSync, gzipSync } from 'node:zlib';
import type { Cut, Exchange, Pieces, ResponseFraming } from './fault-exchange.ts';

export type Step = (exchange: Exchange) => void | Promise<void>;
export type Script = readonly Step[];
type Bytes = Uint8Array | string;
type Headers = Record<string, string | readonly string[]>;

/** Framing follows the headers where it is not named: `content-length` there means length, else chunked. */
export const status =
  (code: number, headers: Headers = {}, framing?: ResponseFraming): Step =>
  (x) =>
    x.head(code, headers, framing);

/** The usual head of an event stream. */
export const streamHead = (headers: Headers = {}, framing?: ResponseFraming): Step =>
  status(200, { 'content-type': 'text/event-stream; charset=utf-8', ...headers }, framing);

/** A whole buffered reply with a truthful length. */
export const reply = (code: number, body: Bytes, headers: Headers = {}): Step => {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  return (x) => {
    x.head(code, { 'content-type': 'application/json', ...headers, 'content-length': String(bytes.length) });
    x.body(bytes);
  };
};

export const json = (code: number, value: unknown, headers: Headers = {}): Step =>
  reply(code, JSON.stringify(value), headers);

/** 100, 102 or 103 ahead of the real head. */
export const informational = (code: number, headers: Headers = {}): Step => status(code, headers);

export const redirect = (code: number, location: string): Step => status(code, { location, 'content-length': '0' });

export const write =
  (bytes: Bytes): Step =>
  (x) =>
    x.body(bytes);

export const writeAll =
  (parts: readonly Bytes[]): Step =>
  (x) => {
    for (const part of parts) x.body(part);
  };

/** Past all framing: broken status lines, chunk sizes, second responses. */
export const raw =
  (bytes: Bytes): Step =>
  (x) =>
    x.raw(bytes);

export type EventOptions = { eol?: '\n' | '\r\n' | '\r'; name?: string };

/** A string goes out as it is; anything else as JSON. */
export const event = (data: unknown, { eol = '\n', name }: EventOptions = {}): Step => {
  const text = typeof data === 'string' ? data : JSON.stringify(data);
  return write(`${name === undefined ? '' : `event: ${name}${eol}`}data: ${text}${eol}${eol}`);
};

export const comment = (text = 'ping', eol = '\n'): Step => write(`: ${text}${eol}${eol}`);
export const done = (eol: '\n' | '\r\n' | '\r' = '\n'): Step => event('[DONE]', { eol });

/** Sends what there is, then waits; it goes on early where the caller has left. */
export const pauseUntil =
  (something: Promise<unknown> | (() => Promise<unknown>)): Step =>
  async (x) => {
    await x.flush();
    await x.orGone(typeof something === 'function' ? something() : something);
  };

export const hang = (): Step => async (x) => {
  await x.flush();
  await x.gone;
};

export const pauseMs = (ms: number): Step =>
  pauseUntil(() => new Promise((resolve) => setTimeout(resolve, ms).unref()));

/** What is staged goes out as its own write, ahead of what follows. */
export const flush = (): Step => async (x) => {
  await x.flush();
  await new Promise<void>((resolve) => setImmediate(resolve));
};

/** Slow drip: `pieceBytes` of the body every `everyMs`. */
export const drip =
  (bytes: Bytes, { pieceBytes, everyMs }: { pieceBytes: number; everyMs: number }): Step =>
  async (x) => {
    const all = Buffer.from(bytes as string);
    for (let at = 0; at < all.length && !x.over; at += pieceBytes) {
      x.body(all.subarray(at, at + pieceBytes));
      await pauseMs(everyMs)(x);
    }
  };

/** The same bytes again and again under back-pressure, until the caller leaves or `maxBytes` are out. */
export const endless = (piece: Bytes, { maxBytes = Number.POSITIVE_INFINITY } = {}): Step => {
  const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece;
  return async (x) => {
    const from = x.request.bytesSent;
    while (!x.over && x.request.bytesSent - from < maxBytes) {
      for (let i = 0; i < 16; i++) x.body(bytes);
      await x.flush();
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  };
};

export const endCleanly = (): Step => (x) => x.end();

/** What is staged reaches the kernel, then the connection is reset. */
export const reset = (): Step => async (x) => {
  await x.flush();
  await x.cut('rst');
};

/** As reset(), but the connection closes in good order with the body unfinished. */
export const hangUp = (): Step => async (x) => {
  await x.flush();
  await x.cut('fin');
};

/** Exactly `bytes` of the response (heads and framing count) go out, then it is cut. Put it first. */
export const cutAfter =
  (bytes: number, how: Cut = 'rst'): Step =>
  async (x) => {
    x.cutAfter(bytes, how);
    if (bytes === 0) await x.cut(how);
  };

/** All that follows goes out in pieces of their own: of n bytes, or split at offsets into the response. */
export const inPieces =
  (pieces: Pieces | undefined): Step =>
  async (x) => {
    await x.flush();
    x.inPieces(pieces);
  };

export const oneByteChunks = (): Step => inPieces({ everyBytes: 1 });

/** Ends the response, then writes on the idle socket: at once, or after `when`. */
export const unsolicited =
  (bytes: Bytes, when?: Promise<unknown>): Step =>
  async (x) => {
    await x.end();
    if (when !== undefined) await x.orGone(when);
    if (!x.socket.destroyed) x.socket.write(bytes);
  };

export const oversizedHeaders = (bytes: number): Headers => ({ 'x-padding': 'p'.repeat(bytes) });

export type Encoding = 'gzip' | 'br' | 'deflate';

const encoders: Record<Encoding, (bytes: Uint8Array) => Buffer> = {
  gzip: (bytes) => gzipSync(bytes, { level: 9 }),
  deflate: (bytes) => deflateSync(bytes, { level: 9 }),
  br: (bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }),
};

/** Applies the encodings in the order in which the header names them. */
export function encoded(bytes: Bytes, encodings: readonly Encoding[]): Buffer {
  return encodings.reduce<Buffer>((inner, encoding) => encoders[encoding](inner), Buffer.from(bytes as string));
}

/** About 1 KB of gzip for each MiB it expands to: whole members one after another, so making it costs nothing. */
export function gzipBomb(expandedMiB: number): Buffer {
  const member = encoders.gzip(Buffer.alloc(1024 * 1024, ' '));
  return Buffer.concat(Array.from({ length: expandedMiB }, () => member));
}

export const encodedReply = (body: Uint8Array, encodings: readonly Encoding[], headers: Headers = {}): Step =>
  reply(200, body, { ...headers, 'content-encoding': encodings.join(', ') });
