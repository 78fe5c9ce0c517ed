// One keep-alive connection that sends a pre-built request again and again. For the load.
import { connect, type Socket } from 'node:net';
import { ReplyReader } from './reply-reader.ts';

export interface ConnectionEvents {
  /** A whole, correct reply; answer true to send again. */
  reply(latencyUs: number): boolean;
  /** HTTP chunks that came in. */
  frames(count: number): void;
  broken(reason: string): void;
}

export interface Connection {
  readonly bodyBytes: number;
  close(): void;
}

export function openConnection(port: number, request: Buffer, expected: Buffer, events: ConnectionEvents): Connection {
  let sentAtMs = 0;
  let framesSeen = 0;
  let closed = false;
  const reader = new ReplyReader(expected, (frames) => {
    events.frames(frames - framesSeen);
    framesSeen = 0;
    if (events.reply((performance.now() - sentAtMs) * 1_000)) send();
  });
  const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true });

  function send(): void {
    sentAtMs = performance.now();
    socket.write(request);
  }

  function close(): void {
    closed = true;
    socket.destroy();
  }

  socket.on('connect', send);
  socket.on('data', (chunk: Buffer) => {
    try {
      reader.feed(chunk);
    } catch (error) {
      close();
      events.broken(error instanceof Error ? error.message : String(error));
      return;
    }
    // A stream's frames count as they come, so that a window's edge inside a stream is no error of a whole stream.
    if (reader.bodyBytes < expected.length && reader.frames > framesSeen) {
      events.frames(reader.frames - framesSeen);
      framesSeen = reader.frames;
    }
  });
  socket.on('error', (error: Error) => {
    if (!closed) events.broken(error.message);
    close();
  });
  socket.on('end', () => {
    if (!closed) events.broken('the proxy closed the connection');
    close();
  });
  return {
    get bodyBytes() {
      return reader.bodyBytes;
    },
    close,
  };
}
