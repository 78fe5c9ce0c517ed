// Decides which bytes of one response reach the socket, in which pieces, and where they are cut,
// for the steps of a fault script; it keeps the log record of the request true while doing so.

import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

export type LoggedRequest = {
  method: string;
  path: string;
  /** Names in lower case. */
  headers: Record<string, string>;
  /** As they came: case, order and repetition. */
  rawHeaders: [name: string, value: string][];
  body: Buffer;
  /** performance.now() at which the request was taken up. */
  at: number;
  /** Number of the connection that carried it, from 1. */
  connection: number;
  /** performance.now() at which the caller closed or reset before the response had ended. */
  abortedByRouterAtMs?: number;
  /** Response bytes handed to the socket, heads and framing included. */
  bytesSent: number;
  /** The response ended as its framing says. */
  finished: boolean;
  /** This upstream cut the response on purpose. */
  cut: boolean;
};

export type ResponseFraming = 'chunked' | 'length' | 'close';
export type Cut = 'rst' | 'fin';
export type Pieces = { everyBytes: number } | { at: readonly number[] };

const reasons: Record<number, string> = { 200: 'OK', 429: 'Too Many Requests', 503: 'Service Unavailable' };
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A RST where the transport allows one: an encrypted socket can only be destroyed. */
export function resetSocket(socket: Socket): void {
  if (socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
}

export class Exchange {
  readonly request: LoggedRequest;
  readonly socket: Socket;
  readonly gone: Promise<void>;
  #changed: () => void;
  #staged: Buffer[] = [];
  #framing: ResponseFraming | undefined;
  #closes = false;
  #ended = false;
  #pieces: Pieces | undefined;
  #cutAt = Number.POSITIVE_INFINITY;
  #cutHow: Cut = 'rst';

  constructor(socket: Socket, request: LoggedRequest, gone: Promise<void>, changed: () => void) {
    this.socket = socket;
    this.request = request;
    this.gone = gone;
    this.#changed = changed;
    this.#closes = /\bclose\b/i.test(request.headers['connection'] ?? '');
  }

  /** Nothing more can be sent: ended, cut, or the caller has left. */
  get over(): boolean {
    return this.#ended || this.request.cut || this.socket.destroyed;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get closes(): boolean {
    return this.#closes;
  }

  head(status: number, headers: Record<string, string | readonly string[]>, framing?: ResponseFraming): void {
    const names = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
    const declared = names.has('content-length') ? 'length' : 'chunked';
    const lines = [`HTTP/1.1 ${status} ${reasons[status] ?? 'Status'}`];
    for (const [name, value] of Object.entries(headers)) {
      for (const one of typeof value === 'string' ? [value] : value) lines.push(`${name}: ${one}`);
    }
    if (status >= 200) {
      this.#framing = framing ?? declared;
      if (this.#framing === 'chunked' && !names.has('transfer-encoding')) lines.push('transfer-encoding: chunked');
      if (this.#framing === 'close') {
        this.#closes = true;
        if (!names.has('connection')) lines.push('connection: close');
      }
      if (lines.some((line) => /^connection:.*\bclose\b/i.test(line))) this.#closes = true;
    }
    this.raw(`${lines.join('\r\n')}\r\n\r\n`);
  }

  body(bytes: Uint8Array | string): void {
    if (this.#framing === undefined) throw new Error('a body before status()');
    const part = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
    if (part.length === 0) return;
    if (this.#framing !== 'chunked') {
      this.raw(part);
      return;
    }
    this.raw(`${part.length.toString(16)}\r\n`);
    this.raw(part);
    this.raw('\r\n');
  }

  /** Bytes past all framing. */
  raw(bytes: Uint8Array | string): void {
    if (this.#ended) throw new Error('bytes after the end: unsolicited() sends those');
    this.#staged.push(
      typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    );
  }

  inPieces(pieces: Pieces | undefined): void {
    this.#pieces = pieces;
  }

  cutAfter(bytes: number, how: Cut): void {
    this.#cutAt = bytes;
    this.#cutHow = how;
  }

  async flush(): Promise<void> {
    if (this.over) this.#staged = [];
    if (this.#staged.length === 0) return;
    const all = this.#staged.length === 1 ? this.#staged[0]! : Buffer.concat(this.#staged);
    this.#staged = [];
    const room = this.#cutAt - this.request.bytesSent;
    const allowed = all.length > room ? all.subarray(0, Math.max(0, room)) : all;
    if (this.#pieces === undefined) await this.#send(allowed);
    else await this.#sendInPieces(allowed, this.#pieces);
    if (this.request.bytesSent >= this.#cutAt) await this.cut(this.#cutHow);
  }

  /** Ends the body as its framing says; a length-framed one simply has no more bytes. */
  async end(): Promise<void> {
    if (this.over) return;
    if (this.#framing === 'chunked') this.raw('0\r\n\r\n');
    await this.flush();
    if (this.over) return;
    this.#ended = true;
    this.request.finished = true;
    if (this.#closes) this.socket.end();
    this.#changed();
  }

  /** Flushes what is staged, waits until the kernel has it, then cuts without ending the body. */
  async cut(how: Cut): Promise<void> {
    if (this.request.cut || this.socket.destroyed) return;
    await this.#kernelHasAll();
    if (this.socket.destroyed) return;
    this.request.cut = true;
    if (how === 'rst') resetSocket(this.socket);
    else this.socket.end();
    this.#changed();
  }

  async orGone(going: Promise<unknown>): Promise<void> {
    await Promise.race([going, this.gone]);
  }

  #kernelHasAll(): Promise<void> {
    if (this.socket.writableLength === 0) return Promise.resolve();
    const written = new Promise<void>((resolve) => this.socket.write('', () => resolve()));
    return Promise.race([written, this.gone]);
  }

  #send(bytes: Buffer): Promise<void> | void {
    if (bytes.length === 0 || this.socket.destroyed) return;
    this.request.bytesSent += bytes.length;
    const below = this.socket.write(bytes);
    this.#changed();
    if (below) return;
    const drained = new Promise<void>((resolve) => this.socket.once('drain', resolve));
    return Promise.race([drained, this.gone]);
  }

  async #sendInPieces(bytes: Buffer, pieces: Pieces): Promise<void> {
    const start = this.request.bytesSent;
    const bounds: number[] = [];
    if ('at' in pieces) {
      for (const at of pieces.at) if (at > start && at < start + bytes.length) bounds.push(at - start);
    } else {
      for (let at = pieces.everyBytes; at < bytes.length; at += pieces.everyBytes) bounds.push(at);
    }
    let from = 0;
    for (const to of [...bounds, bytes.length]) {
      if (this.socket.destroyed) return;
      await this.#send(bytes.subarray(from, to));
      // A turn of the event loop between writes keeps the kernel from joining them on loopback.
      await nextTurn();
      from = to;
    }
  }
}
