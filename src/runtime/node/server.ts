// The HTTP servers on Node: strict framing, bounded sockets, shaped refusals at every level. For entry/node.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { RouterError, toRouterError } from '../../core/errors.ts';
import type { HttpLimits } from '../../core/limits.ts';
import type { NewId } from '../../core/runtime.ts';
import type { Address } from '../../core/units.ts';
import { type ErrorReply, errorReply } from '../../http/errors.ts';
import { createListener, type Fetch } from './listener.ts';
import { type RawGuard, refuseRaw } from './raw-guard.ts';

// An import would look at all that the module offers, its WebSocket too, for whose sake Node compiles a whole HTTP client.
const { createServer, STATUS_CODES } = process.getBuiltinModule('node:http');

/** A certificate chain and its private key, PEM. */
export interface TlsPair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

export interface NodeServerOptions {
  readonly fetch: Fetch;
  readonly guard: RawGuard;
  readonly limits: HttpLimits;
  readonly newId: NewId;
  /** Null: plain HTTP. */
  readonly tls?: TlsPair | null;
}

export interface NodeServer {
  /** New connections get this certificate. Throws when it is none; the old one stays. */
  renew(tls: TlsPair): void;
  /** Rejects when the address is taken. Answers with the real port. */
  listen(address: Address): Promise<Address>;
  /** Takes no new connection and closes idle ones; the rest end with their replies. */
  stopAccepting(): void;
  /** Ends when the last connection is gone; `now` cuts them. */
  close(now: boolean): Promise<void>;
  connections(): Promise<number>;
}

export function createNodeServer(options: NodeServerOptions): NodeServer {
  const { limits, newId, guard } = options;
  const listener = createListener(options.fetch, (thrown) => errorReply(toRouterError(thrown), newId()));
  const handle = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const refusal = refuseRaw(incoming, guard);
    if (refusal !== null) refuse(incoming, outgoing, refusal, newId());
    else listener(incoming, outgoing);
  };
  const sockets = {
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: limits.headersTimeoutMs,
    // Bodies have their own, finer watch.
    requestTimeout: 0,
    connectionsCheckingInterval: Math.min(1_000, limits.headersTimeoutMs / 2),
    keepAliveTimeout: limits.keepAliveMs,
    requireHostHeader: false,
    insecureHTTPParser: false,
    noDelay: true,
    // A caller that vanished without a word is noticed by probes.
    keepAlive: true,
    keepAliveInitialDelay: PROBE_AFTER_MS,
  };
  const tls = options.tls ?? null;
  const server: Server | TlsServer =
    tls === null
      ? createServer(sockets, handle)
      : process.getBuiltinModule('node:https').createServer({ ...sockets, ...tls, minVersion: 'TLSv1.2' }, handle);
  // Two more than allowed, so that an overrun is seen instead of cut off in silence.
  server.maxHeadersCount = limits.maxHeaders + 2;
  server.maxConnections = limits.maxConnections;
  // At the cap, whoever holds a connection without using it makes room for who comes next.
  server.on('drop', () => server.closeIdleConnections());
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => answerClientError(error, socket, newId()));
  server.on('checkExpectation', (incoming, outgoing) => {
    refuse(incoming, outgoing, new RouterError('expectation_failed', 'This expectation cannot be met.'), newId());
  });
  // Who asks first hears a refusal, of the key or of the size, instead of being told to go on; see runtime/node/ingress.
  server.on('checkContinue', handle);
  const refuseSocket = (incoming: IncomingMessage, socket: Socket) => {
    // Node lets go of such a socket: without a listener its next error would end the process.
    socket.on('error', () => socket.destroy());
    writeRaw(socket, errorReply(noTunnel(incoming), newId()));
  };
  server.on('upgrade', (incoming, socket) => refuseSocket(incoming, socket as Socket));
  server.on('connect', (incoming, socket) => refuseSocket(incoming, socket as Socket));

  return {
    renew(pair) {
      if ('setSecureContext' in server) server.setSecureContext({ ...pair, minVersion: 'TLSv1.2' });
    },
    listen: (address) => listen(server, address),
    stopAccepting() {
      server.close();
      server.closeIdleConnections();
    },
    close(now) {
      return new Promise((resolve) => {
        if (now) server.closeAllConnections();
        // A connection is idle only once its last reply is flushed, so one look is not enough; nor is patience endless.
        const look = setInterval(() => server.closeIdleConnections(), LOOK_MS);
        const cut = setTimeout(() => server.closeAllConnections(), PATIENCE_MS);
        server.close(() => {
          clearInterval(look);
          clearTimeout(cut);
          resolve();
        });
        server.closeIdleConnections();
      });
    },
    connections: () => new Promise((resolve) => server.getConnections((_error, count) => resolve(count))),
  };
}

/** How often idle connections are looked for while closing, and after how long the others are cut, ms. */
const LOOK_MS = 20;
const PATIENCE_MS = 2_000;

/** Idle time before the first probe of a silent connection, ms. */
const PROBE_AFTER_MS = 60_000;
/** Clients that try a WebSocket first go on with plain HTTP after a 426, and give up after anything else. */
const RESPONSES = /\/v1\/responses(\?|$)/;

function noTunnel({ method, url }: IncomingMessage): RouterError {
  if (method === 'CONNECT') {
    return new RouterError('method_not_allowed', 'CONNECT is not taken.', { headers: { allow: 'GET, HEAD, POST' } });
  }
  if (RESPONSES.test(url ?? '')) {
    return new RouterError('upgrade_required', 'WebSockets are not taken here: use HTTP/1.1.', {
      headers: { upgrade: 'HTTP/1.1' },
    });
  }
  return new RouterError('malformed_request', 'Protocol upgrades are not taken here.');
}

function listen(server: Server, { host, port }: Address): Promise<Address> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve({ host, port: (server.address() as AddressInfo).port });
    });
  });
}

function refuse(incoming: IncomingMessage, outgoing: ServerResponse, error: RouterError, id: string): void {
  const { status, headers, body } = errorReply(error, id);
  // What the body of a refused request holds is not waited for.
  const unread =
    incoming.headers['content-length'] !== undefined || incoming.headers['transfer-encoding'] !== undefined;
  if (unread) headers['connection'] = 'close';
  outgoing.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  outgoing.end(incoming.method === 'HEAD' ? undefined : body);
}

/** Node noticed the fault before there was a request; the answer is written by hand and the connection closed. */
function answerClientError(error: NodeJS.ErrnoException, socket: Socket, id: string): void {
  // A reply that has begun cannot be followed by another: the caller would read it as part of the first.
  const { _httpMessage: reply } = socket as Socket & { _httpMessage?: ServerResponse | null };
  if (error.code === 'ECONNRESET' || !socket.writable || reply?.headersSent === true) {
    socket.destroy();
    return;
  }
  writeRaw(socket, errorReply(clientError(error.code ?? ''), id));
}

function clientError(code: string): RouterError {
  if (code === 'HPE_HEADER_OVERFLOW')
    return new RouterError('headers_too_large', 'The head of the request is too large or has too many headers.');
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW')
    return new RouterError('request_too_large', 'The chunk extensions are too large.');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new RouterError('body_timeout', 'The request did not come in time.');
  return new RouterError('malformed_request', 'The request is not valid HTTP.');
}

function writeRaw(socket: Socket, { status, headers, body }: ErrorReply): void {
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`];
  const all = { ...headers, connection: 'close', 'content-length': String(Buffer.byteLength(body)) };
  for (const [name, value] of Object.entries(all)) lines.push(`${name}: ${value}`);
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`, () => socket.destroySoon());
}
