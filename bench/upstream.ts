// The canned model server: pre-built bytes over node:net, told over IPC which workload to answer with. For every proxy.
import { createServer, type Socket } from 'node:net';
import { type Workload, type WorkloadName, workload } from './workload.ts';

/** Sets the workload; answered with `Ready`. Streams get one event each per `tickMs`. */
export interface Setup {
  readonly kind: 'setup';
  readonly workload: WorkloadName;
  readonly tickMs: number;
  /** One byte of each reply's end is wrong: proves that the load looks. */
  readonly corrupt: boolean;
}

/** Asks for, and clears, the counts. */
export interface Report {
  readonly kind: 'report';
}

export interface Counts {
  readonly kind: 'counts';
  /** Requests whose body arrived as the load sent it. */
  readonly same: number;
  /** Requests whose body a proxy changed. */
  readonly altered: number;
  /** Ticks of the stream clock that came more than one tick late. */
  readonly lateTicks: number;
}

const HEAD_END = Buffer.from('\r\n\r\n');
const MODELS = Buffer.from('{"object":"list","data":[{"id":"bench-model","object":"model","owned_by":"bench"}]}');

let current: Workload = workload('small');
let whole: Buffer = Buffer.alloc(0);
let streamHead: Buffer = Buffer.alloc(0);
let frames: readonly Buffer[] = [];
let same = 0;
let altered = 0;
let lateTicks = 0;
const streams = new Map<Socket, number>();
let ticker: NodeJS.Timeout | null = null;
let lastTickMs = 0;

function withLength(type: string, body: Buffer): Buffer {
  return Buffer.concat([
    Buffer.from(`HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\n\r\n`),
    body,
  ]);
}

function frame(piece: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]);
}

function spoilt(pieces: readonly Buffer[]): Buffer[] {
  const last = Buffer.from(pieces.at(-1)!);
  last[last.length - 3]! ^= 1;
  return [...pieces.slice(0, -1), last];
}

function setup(message: Setup): void {
  current = workload(message.workload);
  const pieces = message.corrupt ? spoilt(current.pieces) : current.pieces;
  whole = withLength('application/json', Buffer.concat(pieces));
  streamHead = Buffer.from('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n');
  frames = pieces.map(frame);
  if (!current.open && frames.length > 0)
    frames = [...frames.slice(0, -1), Buffer.concat([frames.at(-1)!, Buffer.from('0\r\n\r\n')])];
  if (ticker !== null) clearInterval(ticker);
  ticker = current.streamed ? setInterval(tick, message.tickMs, message.tickMs) : null;
  lastTickMs = performance.now();
}

/** One event to each open stream, each its own write: never two at once, so that a proxy sees them apart. */
function tick(tickMs: number): void {
  const nowMs = performance.now();
  if (nowMs - lastTickMs > 2 * tickMs) lateTicks++;
  lastTickMs = nowMs;
  for (const [socket, next] of streams) {
    const piece = frames[next];
    if (piece === undefined) streams.delete(socket);
    else {
      socket.write(piece);
      streams.set(socket, next + 1);
    }
  }
}

function answer(socket: Socket): void {
  if (!current.streamed) socket.write(whole);
  else {
    socket.write(streamHead);
    streams.set(socket, 0);
  }
}

function serve(socket: Socket): void {
  socket.setNoDelay(true);
  let pending: Buffer | null = null;
  let bodyAt = -1;
  let length = 0;
  let equal = true;

  function takeHead(chunk: Buffer): Buffer | null {
    const data: Buffer = pending === null ? chunk : Buffer.concat([pending, chunk]);
    const end = data.indexOf(HEAD_END);
    if (end === -1) {
      pending = data;
      return null;
    }
    pending = null;
    const head = data.toString('latin1', 0, end);
    if (head.startsWith('GET ')) {
      socket.write(withLength('application/json', MODELS));
    } else {
      length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? Number.NaN);
      if (Number.isNaN(length)) throw new Error(`the upstream wants a content-length, got: ${head}`);
      bodyAt = 0;
      equal = length === current.requestBody.length;
    }
    return data.subarray(end + 4);
  }

  function takeBody(chunk: Buffer): Buffer {
    const part = chunk.subarray(0, length - bodyAt);
    if (equal) equal = part.compare(current.requestBody, bodyAt, bodyAt + part.length) === 0;
    bodyAt += part.length;
    if (bodyAt === length) {
      if (equal) same++;
      else altered++;
      bodyAt = -1;
      answer(socket);
    }
    return chunk.subarray(part.length);
  }

  socket.on('data', (chunk: Buffer) => {
    let rest: Buffer | null = chunk;
    while (rest !== null && rest.length > 0) rest = bodyAt === -1 ? takeHead(rest) : takeBody(rest);
  });
  socket.on('error', () => socket.destroy());
  socket.on('close', () => streams.delete(socket));
}

const server = createServer(serve);
process.on('message', (message: Setup | Report) => {
  if (message.kind === 'setup') {
    setup(message);
    process.send!({ kind: 'ready' });
  } else {
    process.send!({ kind: 'counts', same, altered, lateTicks } satisfies Counts);
    same = altered = lateTicks = 0;
  }
});
process.on('disconnect', () => process.exit(0));
server.listen(0, '127.0.0.1', 4_096, () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') process.send!({ kind: 'listening', port: address.port });
});
