// A request's body and a reply's bytes on Node's own sockets, past the web objects. For entry/node; see docs/decisions on the sink.
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Context } from 'hono';
import { RouterError } from '../../core/errors.ts';
import type { HttpLimits } from '../../core/limits.ts';
import type { Sink } from '../../core/reply.ts';
import type { Clock } from '../../core/runtime.ts';
import { CallSignal } from '../../core/signal.ts';
import type { Ingress } from '../../http/ingress.ts';
import { checkUtf8By } from '../../wire/utf8.ts';
import { type BodyWatch, createBodyWatch } from './body-watch.ts';
import { Cohort } from './cohort.ts';
import { ANSWERED, type Sockets, send } from './listener.ts';

const EMPTY = new Uint8Array(0);
/** Calls whose bodies are whole. */
const arrived = new Cohort();

/** `close` ends the watch over slow bodies. */
export function createNodeIngress(limits: HttpLimits, clock: Clock): Ingress & { close(): void } {
  const watch = createBodyWatch(limits, clock);
  // What comes in here is long: agents send hundreds of kilobytes with every turn.
  checkUtf8By(isUtf8);
  return {
    headers: (context) => (context.env as Sockets).incoming.headers,
    body: (context, bounds) => readBody(context.env as Sockets, bounds, watch),
    signal: (context) => signalOf((context.env as Sockets).outgoing),
    exit: (context: Context, _signal, encode) => ({
      sink: new SocketSink((context.env as Sockets).outgoing, encode),
      response: ANSWERED,
    }),
    answer(context, { status, headers, body }) {
      const { incoming, outgoing } = context.env as Sockets;
      // Hono answers a HEAD with a Response of its own making, from what a GET would have got.
      if (incoming.method === 'HEAD') return new Response(null, { status, headers });
      send(incoming, outgoing, status, headers, body);
      return ANSWERED;
    },
    close: () => watch.close(),
  };
}

function signalOf(outgoing: ServerResponse): CallSignal {
  const signal = new CallSignal();
  // Closed before the last byte was handed over: the caller is gone.
  outgoing.on('close', () => {
    if (!outgoing.writableFinished) signal.abort();
  });
  return signal;
}

/** Framing may cost a little; a body cut into single bytes costs the router more than its bytes are worth. */
const MAX_PIECES = 65_536;
const MIN_PIECE_BYTES = 16;
/** Below this a piece may be mostly framing; what came over the wire is then held against the bytes it brought. */
const SMALL_PIECE_BYTES = 1024;
const MAX_OVERHEAD = 16;
const OVERHEAD_FROM_BYTES = 128 * 1024;

function readBody({ incoming, outgoing }: Sockets, limits: HttpLimits, watch: BodyWatch): Promise<Uint8Array> {
  const { maxBodyBytes } = limits;
  if (Number(incoming.headers['content-length'] ?? 0) > maxBodyBytes) return Promise.reject(tooLarge(maxBodyBytes));
  if (asksFirst(incoming)) outgoing.writeContinue();
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    const { socket } = incoming;
    const fromBytes = socket.bytesRead;
    const stop = (error: RouterError) => {
      watch.done(entry);
      // Nothing reads on, so nothing more is held; the connection closes with the refusal.
      incoming.pause();
      incoming.removeListener('data', onData);
      reject(error);
    };
    const entry = watch.begin(stop);
    const onData = (chunk: Uint8Array) => {
      bytes += chunk.length;
      entry.bytes = bytes;
      entry.fresh = true;
      if (bytes > maxBodyBytes) return stop(tooLarge(maxBodyBytes));
      chunks.push(chunk);
      if (chunks.length > MAX_PIECES && bytes < chunks.length * MIN_PIECE_BYTES) return stop(crumbs());
      if (chunk.length >= SMALL_PIECE_BYTES || chunks.length === 1) return;
      const wireBytes = socket.bytesRead - fromBytes;
      if (wireBytes > OVERHEAD_FROM_BYTES && wireBytes > bytes * MAX_OVERHEAD) stop(crumbs());
    };
    incoming.on('data', onData);
    incoming.on('end', () => {
      watch.done(entry);
      arrived.add(() =>
        resolve(chunks.length === 1 ? chunks[0]! : chunks.length === 0 ? EMPTY : joined(chunks, bytes)),
      );
    });
    incoming.on('error', () => stop(new RouterError('client_gone', 'The caller is gone.')));
  });
}

/**
 * Memory outside V8's heap makes it collect everything once enough has come since the last time, whatever the heap holds. Pieces are copied
 * here and nobody else has them, so theirs is given back at once; a piece that shares its memory keeps it.
 */
function joined(pieces: readonly Uint8Array[], bytes: number): Uint8Array {
  const whole = Buffer.concat(pieces, bytes);
  for (const { buffer, byteLength } of pieces) {
    if (byteLength === buffer.byteLength && buffer instanceof ArrayBuffer) buffer.transfer(0);
  }
  return whole;
}

/** Whoever waits to be told to send the body is told so here, where it is read, and not before. */
function asksFirst({ headers, httpVersion }: IncomingMessage): boolean {
  return headers.expect !== undefined && httpVersion === '1.1';
}

function tooLarge(maxBodyBytes: number): RouterError {
  return new RouterError('request_too_large', `The body is larger than ${maxBodyBytes} bytes.`);
}

function crumbs(): RouterError {
  return new RouterError('chunk_overhead', 'The body comes in pieces that are far too small.');
}

/** A reply up to this size is worth copying into one write. */
const ONE_WRITE_BYTES = 16_384;

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

/** Writes straight to the socket. A reader who has gone is noticed by the call's signal; what is written then is dropped. */
export class SocketSink implements Sink {
  readonly #outgoing: ServerResponse;
  readonly #encode: (error: RouterError) => Uint8Array | null;

  constructor(outgoing: ServerResponse, encode: (error: RouterError) => Uint8Array | null) {
    this.#outgoing = outgoing;
    this.#encode = encode;
  }

  head(status: number, headers: Readonly<Record<string, string>>, length: number | null): void {
    if (this.#outgoing.destroyed) return;
    this.#outgoing.writeHead(status, length === null ? headers : { ...headers, 'content-length': length });
  }

  write(bytes: Uint8Array): boolean {
    return this.#outgoing.destroyed || this.#outgoing.write(bytes);
  }

  drained(): Promise<void> {
    const outgoing = this.#outgoing;
    if (outgoing.destroyed || !outgoing.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      const settle = () => {
        outgoing.off('drain', settle);
        outgoing.off('close', settle);
        resolve();
      };
      outgoing.on('drain', settle);
      outgoing.on('close', settle);
    });
  }

  end(last?: Uint8Array): void {
    if (this.#outgoing.destroyed) return;
    // Head and small body leave as one string in one write; as two buffers they cost Node a gathered write.
    if (last !== undefined && last.length <= ONE_WRITE_BYTES) this.#outgoing.end(latin1(last), 'latin1');
    else this.#outgoing.end(last);
  }

  fail(error: RouterError): void {
    if (this.#outgoing.destroyed) return;
    const bytes = this.#encode(error);
    if (bytes === null) this.#outgoing.destroy();
    else this.#outgoing.end(bytes);
  }
}
