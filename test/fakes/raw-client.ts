// Decides nothing on its own: it writes the bytes it is given and keeps the bytes that come back,
// for tests that are exact to the byte or break the protocol on purpose.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type BodyFraming, declaredFraming, type Head, MessageReader } from './http-framing.ts';

export { strictEvents, strictJsonEvents } from './strict-events.ts';

export type CloseKind = 'fin' | 'rst' | 'here';

export type RawResponse = {
  status: number;
  headers: Record<string, string>;
  rawHead: string;
  /** Decoded of chunking, not of content-encoding. */
  body: Buffer;
  /** The body ended as its framing says. */
  complete: boolean;
  /** How the connection had closed when the response was over; undefined while it is open. */
  closed: CloseKind | undefined;
  /** Heads of 1xx responses that came before. */
  informational: Head[];
};

type Message = { head: Head; parts: Buffer[]; ended: boolean };

const defaultDeadlineMs = 5_000;
const statusOf = (head: Head) => Number(head.startLine.split(' ')[1]);

export class RawConnection {
  readonly socket: Socket;
  readonly informational: Head[] = [];
  #chunks: Buffer[] = [];
  #closed: CloseKind | undefined;
  #broken: unknown;
  #message: Message | undefined;
  #headOnly = false;
  #watchers = new Set<() => void>();
  #reader: MessageReader;

  private constructor(socket: Socket) {
    this.socket = socket;
    this.#reader = new MessageReader({
      framingOf: (head): BodyFraming => {
        const status = statusOf(head);
        return status < 200 || status === 204 || status === 304 || this.#headOnly
          ? 'none'
          : declaredFraming(head, 'close');
      },
      onHead: (head) => {
        this.#message = { head, parts: [], ended: false };
      },
      onBody: (bytes) => {
        this.#message!.parts.push(bytes);
      },
      onEnd: () => {
        this.#message!.ended = true;
      },
    });
    socket.setNoDelay(true);
    socket.on('data', (bytes) => {
      this.#chunks.push(bytes);
      this.#parse(() => this.#reader.push(bytes));
    });
    socket.on('end', () => {
      this.#parse(() => this.#reader.close());
      this.#closes('fin');
    });
    socket.on('error', () => this.#closes('rst'));
    socket.on('close', () => this.#closes('here'));
  }

  static async connect(port: number, host = '127.0.0.1'): Promise<RawConnection> {
    const socket = connect({ port, host });
    await once(socket, 'connect');
    return new RawConnection(socket);
  }

  /** All bytes ever received. */
  get received(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get closed(): CloseKind | undefined {
    return this.#closed;
  }

  /** The body of the present response so far. */
  get body(): Buffer {
    return Buffer.concat(this.#message?.parts ?? []);
  }

  write(bytes: Uint8Array | string): void {
    this.#headOnly = typeof bytes === 'string' && bytes.startsWith('HEAD ');
    this.socket.write(bytes);
  }

  /** Half-closes: no more requests, responses may still come. */
  end(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** A client that stops reading; resume() goes on. */
  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** Resolves once `holds` does; it is asked again whenever bytes or a close arrive. */
  async until(holds: (connection: RawConnection) => boolean, deadlineMs = defaultDeadlineMs): Promise<void> {
    if (this.#broken === undefined && holds(this)) return;
    await new Promise<void>((resolve, reject) => {
      const finish = (error?: unknown) => {
        clearTimeout(timer);
        this.#watchers.delete(look);
        if (error === undefined) resolve();
        else reject(error);
      };
      const seen = () => JSON.stringify(this.received.toString('latin1').slice(-300));
      const look = () => {
        if (this.#broken !== undefined) finish(this.#broken);
        else if (holds(this)) finish();
        else if (this.#closed !== undefined)
          finish(new Error(`closed (${this.#closed}) before ${holds}; last: ${seen()}`));
      };
      const timer = setTimeout(
        () => finish(new Error(`not within ${deadlineMs} ms: ${holds}; last: ${seen()}`)),
        deadlineMs,
      );
      this.#watchers.add(look);
      look();
    });
  }

  /** The head of the next final response. */
  async readHead(deadlineMs = defaultDeadlineMs): Promise<Head> {
    if (this.#message?.ended) this.#forward();
    await this.until(() => this.#message !== undefined, deadlineMs);
    return this.#message!.head;
  }

  /** The next response, or the one whose head was read, until it ends or the connection closes. */
  async readResponse(deadlineMs = defaultDeadlineMs): Promise<RawResponse> {
    if (this.#message === undefined || this.#message.ended) await this.readHead(deadlineMs);
    await this.until(() => this.#message!.ended || this.#closed !== undefined, deadlineMs);
    const { head, ended } = this.#message!;
    return {
      status: statusOf(head),
      headers: head.headers,
      rawHead: head.raw.toString('latin1'),
      body: this.body,
      complete: ended,
      closed: this.#closed,
      informational: this.informational,
    };
  }

  /** Waits for the other side to close; gives all bytes ever received. */
  async readUntilClose(deadlineMs = defaultDeadlineMs): Promise<Buffer> {
    await this.until(() => this.#closed !== undefined, deadlineMs);
    return this.received;
  }

  #forward(): void {
    this.#message = undefined;
    this.#parse(() => this.#reader.next());
  }

  #parse(step: () => void): void {
    try {
      step();
      // An informational response is no answer: it is set aside and the reader goes on.
      while (this.#message?.ended && statusOf(this.#message.head) < 200) {
        this.informational.push(this.#message.head);
        this.#message = undefined;
        this.#reader.next();
      }
    } catch (error) {
      this.#broken ??= error;
    }
    this.#look();
  }

  #closes(kind: CloseKind): void {
    this.#closed ??= kind;
    this.#look();
  }

  #look(): void {
    for (const look of [...this.#watchers]) look();
  }
}

export type RawRequestOptions = { deadlineMs?: number; host?: string; untilClose?: boolean };

/** One request on a connection of its own; a reply with `connection: close` is read until the close. */
export async function rawRequest(
  port: number,
  bytes: Uint8Array | string,
  { deadlineMs = defaultDeadlineMs, host, untilClose = false }: RawRequestOptions = {},
): Promise<RawResponse> {
  const connection = await RawConnection.connect(port, host);
  try {
    connection.write(bytes);
    const response = await connection.readResponse(deadlineMs);
    const willClose = untilClose || /\bclose\b/i.test(response.headers['connection'] ?? '');
    if (willClose) await connection.until(() => connection.closed !== undefined, deadlineMs);
    return { ...response, closed: connection.closed };
  } finally {
    connection.destroy();
  }
}

/** The bytes of a POST with a truthful length. */
export function postBytes(path: string, body: unknown, headers: Record<string, string> = {}): Buffer {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const fields = {
    host: 'localhost',
    'content-type': 'application/json',
    'content-length': `${bytes.length}`,
    ...headers,
  };
  const head = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\n${head.join('')}\r\n`), bytes]);
}

export function getBytes(path: string, headers: Record<string, string> = {}): Buffer {
  const head = Object.entries({ host: 'localhost', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`GET ${path} HTTP/1.1\r\n${head.join('')}\r\n`);
}
