// Decides how an upstream misbehaves, byte by byte, as a test scripts it, and logs what the router did,
// for tests of every upstream fault; unscripted it answers plain chat, completion and embedding calls.

import type { AddressInfo, Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { createServer as createTlsServer } from 'node:tls';
import type { LoggedRequest } from './fault-exchange.ts';
import { Exchange, resetSocket } from './fault-exchange.ts';
import type { Script, Step } from './fault-steps.ts';
import { type BodyFraming, declaredFraming, type Head, MessageReader } from './http-framing.ts';
import { plainReply } from './plain-reply.ts';

export type { LoggedRequest, Pieces } from './fault-exchange.ts';
export { blackHole, closedPort, silentPort } from './fault-ports.ts';
export * from './fault-steps.ts';

export type Behaviour = (request: LoggedRequest, n: number) => Script;
/** What a new connection meets: service, silence for ever, a reset, or a FIN. */
export type Welcome = 'serve' | 'silent' | 'reset' | 'fin';

export type FaultUpstreamOptions = {
  tls?: TlsOptions;
  /** `head`: the script starts before the body has come, and `request.body` grows meanwhile. */
  answerAt?: 'head' | 'body';
  /** How many requests the log keeps at least, unless their bodies exceed 256 MiB; then it lets half of them go. */
  keep?: number;
};

export type FaultUpstream = {
  readonly url: string;
  readonly port: number;
  readonly requests: LoggedRequest[];
  /** All requests ever, also those that the log has let go. */
  readonly served: number;
  /** Connections open now. */
  readonly connections: number;
  readonly connectionsEver: number;
  /** The script of one request; each call queues one more, ahead of `behave`. */
  next(...steps: Step[]): void;
  behave(behaviour: Behaviour): void;
  welcome(kind: Welcome): void;
  /** Writes on every open connection that carries no request; says how many those were. */
  sendUnsolicited(bytes: Uint8Array | string): number;
  /** Connection refused from here on; open connections are destroyed. */
  refuse(): Promise<void>;
  listenAgain(): Promise<void>;
  waitFor(predicate: (upstream: FaultUpstream) => boolean, deadlineMs?: number): Promise<void>;
  /** Throws the first error of a script or of a request's framing, so that none is lost. */
  close(): Promise<void>;
};

/** `endedHere`: a close that follows is not the router's doing. */
type ConnectionState = { idle: boolean; endedHere: boolean };
type Waiter = { holds: () => boolean; resolve: () => void };

const maxLoggedBytes = 256 * 1024 * 1024;

export async function startFaultUpstream(options: FaultUpstreamOptions = {}): Promise<FaultUpstream> {
  const keep = options.keep ?? 20_000;
  const sockets = new Map<Socket, ConnectionState>();
  // Under TLS a transport exists before, and also without, its secure socket.
  const transports = new Set<Socket>();
  const requests: LoggedRequest[] = [];
  const scripts: Script[] = [];
  const waiters = new Set<Waiter>();
  const errors: unknown[] = [];
  let behaviour: Behaviour = plainReply;
  let kind: Welcome = 'serve';
  let served = 0;
  let loggedBytes = 0;
  let connectionsEver = 0;

  const changed = () => {
    for (const waiter of waiters) if (waiter.holds()) waiter.resolve();
  };

  const log = (request: LoggedRequest): Script => {
    requests.push(request);
    loggedBytes += request.body.length;
    if (requests.length >= keep * 2 || loggedBytes > maxLoggedBytes) {
      requests.splice(0, Math.ceil(requests.length / 2));
      loggedBytes = requests.reduce((sum, { body }) => sum + body.length, 0);
    }
    served += 1;
    const script = scripts.shift() ?? behaviour(request, served);
    changed();
    return script;
  };

  const onConnection = (socket: Socket) => {
    connectionsEver += 1;
    const state: ConnectionState = { idle: true, endedHere: false };
    sockets.set(socket, state);
    socket.on('error', () => {});
    socket.on('close', () => {
      sockets.delete(socket);
      changed();
    });
    changed();
    if (kind === 'reset') resetSocket(socket);
    else if (kind === 'fin') socket.resume().end();
    else if (kind === 'silent') socket.resume();
    else serveConnection(socket, connectionsEver, state, { log, changed, errors, early: options.answerAt === 'head' });
  };

  const server: Server = options.tls ? createTlsServer(options.tls, onConnection) : createServer(onConnection);
  server.on('tlsClientError', () => {});
  server.on('connection', (transport: Socket) => {
    transports.add(transport);
    transport.on('close', () => transports.delete(transport));
  });
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', 1024, resolve));
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const [socket, state] of sockets) {
        state.endedHere = true;
        socket.destroy();
      }
      for (const transport of transports) transport.destroy();
    });
  await listen(0);
  const { port } = server.address() as AddressInfo;

  const upstream: FaultUpstream = {
    url: `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    port,
    requests,
    get served() {
      return served;
    },
    get connections() {
      return sockets.size;
    },
    get connectionsEver() {
      return connectionsEver;
    },
    next(...steps) {
      scripts.push(steps);
    },
    behave(next) {
      behaviour = next;
    },
    welcome(next) {
      kind = next;
    },
    sendUnsolicited(bytes) {
      const idle = [...sockets].filter(([socket, state]) => state.idle && !socket.destroyed);
      for (const [socket] of idle) socket.write(bytes);
      return idle.length;
    },
    refuse: stop,
    listenAgain: () => listen(port),
    waitFor(predicate, deadlineMs = 5_000) {
      if (predicate(upstream)) return Promise.resolve();
      return new Promise<void>((resolve, reject) => {
        const finish = (outcome: () => void) => {
          clearTimeout(timer);
          waiters.delete(waiter);
          outcome();
        };
        const waiter: Waiter = { holds: () => predicate(upstream), resolve: () => finish(resolve) };
        const seen = () => JSON.stringify(requests.slice(-3), (key, value) => (key === 'body' ? undefined : value));
        const late = () => reject(new Error(`not within ${deadlineMs} ms: ${predicate}; last requests ${seen()}`));
        const timer = setTimeout(() => finish(late), deadlineMs);
        waiters.add(waiter);
      });
    },
    async close() {
      await stop();
      if (errors.length > 0) throw errors[0];
    },
  };
  return upstream;
}

type Hooks = {
  log(request: LoggedRequest): Script;
  changed(): void;
  errors: unknown[];
  early: boolean;
};

/** One connection: reads requests, runs one script at a time, notices when the router leaves. */
function serveConnection(socket: Socket, number: number, state: ConnectionState, hooks: Hooks): void {
  const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  let exchange: Exchange | undefined;
  let request: LoggedRequest | undefined;
  let parts: Buffer[] = [];
  let bodyEnded = false;

  const fail = (error: unknown) => {
    hooks.errors.push(error);
    state.endedHere = true;
    socket.destroy();
  };
  const whenBothEnded = () => {
    if (exchange?.ended !== true || !bodyEnded || exchange.closes) return;
    exchange = undefined;
    state.idle = true;
    reader.next();
  };
  const run = async (of: LoggedRequest) => {
    const mine = new Exchange(socket, of, gone, hooks.changed);
    exchange = mine;
    const script = hooks.log(of);
    try {
      for (const step of script) {
        if (socket.destroyed) return;
        await step(mine);
      }
      await mine.end();
      whenBothEnded();
    } catch (error) {
      fail(error);
    }
  };
  const onHead = (head: Head) => {
    const [method = '', path = ''] = head.startLine.split(' ');
    const body = Buffer.alloc(0);
    request = {
      method,
      path,
      headers: head.headers,
      rawHeaders: head.rawHeaders,
      body,
      at: performance.now(),
      connection: number,
      bytesSent: 0,
      finished: false,
      cut: false,
    };
    parts = [];
    bodyEnded = false;
    state.idle = false;
    if (hooks.early) void run(request);
  };
  const onBody = (bytes: Buffer) => {
    parts.push(bytes);
    if (hooks.early) {
      request!.body = Buffer.concat(parts);
      hooks.changed();
    }
  };
  const onEnd = () => {
    bodyEnded = true;
    if (hooks.early) return whenBothEnded();
    request!.body = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    void run(request!);
  };
  const framingOf = (head: Head): BodyFraming => declaredFraming(head, 'none');
  const reader = new MessageReader({ framingOf, onHead, onBody, onEnd });

  const callerLeft = () => {
    if (exchange === undefined || exchange.ended || exchange.request.cut || state.endedHere) return;
    exchange.request.abortedByRouterAtMs ??= performance.now();
    hooks.changed();
  };
  socket.setNoDelay(true);
  socket.on('data', (bytes) => {
    try {
      reader.push(bytes);
    } catch (error) {
      fail(error);
    }
  });
  socket.on('end', callerLeft);
  socket.on('error', callerLeft);
  socket.on('close', callerLeft);
}
