// Decides where an HTTP/1.1 message's head, body and end lie in a run of bytes,
// for the fault upstream (requests) and the raw client (responses): strict, incremental, without node:http.

export type Head = {
  startLine: string;
  /** Names in lower case; repeated fields are joined by ", ". */
  headers: Record<string, string>;
  rawHeaders: [name: string, value: string][];
  raw: Buffer;
};

export type BodyFraming = 'none' | 'chunked' | 'close' | { length: number };

export type ReaderEvents = {
  framingOf(head: Head): BodyFraming;
  onHead(head: Head): void;
  onBody(bytes: Buffer): void;
  onEnd(): void;
};

export class FramingError extends Error {}

const empty = Buffer.alloc(0);

export function parseHead(raw: Buffer): Head {
  const lines = raw.toString('latin1').split('\r\n');
  const headers: Record<string, string> = Object.create(null);
  const rawHeaders: [string, string][] = [];
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i]!;
    if (line === '') continue;
    const colon = line.indexOf(':');
    if (colon < 1) throw new FramingError(`header line without a name: ${JSON.stringify(line.slice(0, 80))}`);
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1).trim();
    const key = name.toLowerCase();
    const before = headers[key];
    headers[key] = before === undefined ? value : `${before}, ${value}`;
    rawHeaders.push([name, value]);
  }
  return { startLine: lines[0]!, headers, rawHeaders, raw };
}

/** RFC 9112 section 6.3; a request without either field has no body, a response reads until close. */
export function declaredFraming(head: Head, otherwise: 'none' | 'close'): BodyFraming {
  const coding = head.headers['transfer-encoding'];
  if (coding !== undefined && /(^|,)\s*chunked\s*$/i.test(coding)) return 'chunked';
  const declared = head.headers['content-length'];
  if (declared === undefined) return otherwise;
  if (!/^\d+$/.test(declared)) throw new FramingError(`content-length ${JSON.stringify(declared)}`);
  return { length: Number(declared) };
}

type State = 'head' | 'length' | 'close' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailers';

/**
 * Reads one message after another. It stops by itself at each end of a message until `next()` is called,
 * so that what is pipelined behind waits for its turn.
 */
export class MessageReader {
  #events: ReaderEvents;
  #held: Buffer = empty;
  #state: State = 'head';
  #left = 0;
  #stopped = false;

  constructor(events: ReaderEvents) {
    this.#events = events;
  }

  get atStart(): boolean {
    return this.#state === 'head' && this.#held.length === 0;
  }

  /** Bytes behind the message that ended last, or of one that is still incomplete. */
  get heldBytes(): number {
    return this.#held.length;
  }

  push(bytes: Buffer): void {
    this.#held = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    this.#read();
  }

  /** Goes on to the message behind the one that ended. */
  next(): void {
    this.#stopped = false;
    this.#read();
  }

  /** The peer has closed: true where the message read last is whole. */
  close(): boolean {
    if (this.#state === 'close') {
      this.#end();
      return true;
    }
    return this.#stopped || this.atStart;
  }

  #read(): void {
    while (!this.#stopped && this.#step());
  }

  #end(): void {
    this.#state = 'head';
    this.#stopped = true;
    this.#events.onEnd();
  }

  #take(count: number): Buffer {
    const taken = this.#held.subarray(0, count);
    this.#held = count >= this.#held.length ? empty : this.#held.subarray(count);
    return taken;
  }

  #line(): string | undefined {
    const at = this.#held.indexOf('\r\n');
    if (at < 0) return undefined;
    return this.#take(at + 2).toString('latin1', 0, at);
  }

  #begin(head: Head): void {
    const framing = this.#events.framingOf(head);
    this.#left = typeof framing === 'object' ? framing.length : 0;
    this.#state = typeof framing === 'object' ? 'length' : framing === 'chunked' ? 'chunk-size' : 'close';
    this.#events.onHead(head);
    if (framing === 'none' || (this.#state === 'length' && this.#left === 0)) this.#end();
  }

  /** One step forward; false where more bytes are needed. */
  #step(): boolean {
    switch (this.#state) {
      case 'head': {
        const at = this.#held.indexOf('\r\n\r\n');
        if (at < 0) return false;
        this.#begin(parseHead(this.#take(at + 4)));
        return true;
      }
      case 'close': {
        if (this.#held.length > 0) this.#events.onBody(this.#take(this.#held.length));
        return false;
      }
      case 'length':
      case 'chunk': {
        if (this.#held.length === 0) return false;
        const part = this.#take(Math.min(this.#left, this.#held.length));
        this.#left -= part.length;
        this.#events.onBody(part);
        if (this.#left > 0) return false;
        if (this.#state === 'length') this.#end();
        else this.#state = 'chunk-end';
        return true;
      }
      case 'chunk-size': {
        const line = this.#line();
        if (line === undefined) return false;
        const size = line.split(';', 1)[0]!.trim();
        if (!/^[0-9a-f]{1,12}$/i.test(size)) throw new FramingError(`chunk size ${JSON.stringify(line.slice(0, 80))}`);
        this.#left = Number.parseInt(size, 16);
        this.#state = this.#left === 0 ? 'trailers' : 'chunk';
        return true;
      }
      case 'chunk-end': {
        if (this.#held.length < 2) return false;
        if (this.#line() !== '') throw new FramingError('chunk longer than its size');
        this.#state = 'chunk-size';
        return true;
      }
      case 'trailers': {
        const line = this.#line();
        if (line === undefined) return false;
        if (line === '') this.#end();
        return true;
      }
    }
  }
}
