// Hands Node's requests to Hono's routes and their Responses back to the socket. For runtime/node/server.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ErrorReply } from '../../http/errors.ts';

/** What routes find in `context.env`. */
export interface Sockets {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
}

export type Fetch = (request: Request, sockets: Sockets) => Response | Promise<Response>;

/**
 * What a handler returns that has taken `outgoing` for itself. It stands where a Response does and is none: the first one
 * makes Node compile its own HTTP client, which a call does not need.
 */
export const ANSWERED = Object.freeze({}) as Response;

/**
 * As much of a Request as Hono's router and our routes read; bodies and headers are read from `incoming`. A whole
 * Request costs several microseconds a call (docs/decisions, on the sink).
 */
class RouteRequest {
  readonly method: string;
  readonly url: string;

  constructor(incoming: IncomingMessage) {
    this.method = incoming.method ?? 'GET';
    // No route looks at the host, and an absolute or foreign one has been refused.
    this.url = `http://localhost${incoming.url ?? '/'}`;
  }
}

/** `failed` shapes what no route answered for. */
export function createListener(route: Fetch, failed: (thrown: unknown) => ErrorReply) {
  return (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const fail = (thrown: unknown) => {
      if (outgoing.headersSent) return void outgoing.destroy();
      const { status, headers, body } = failed(thrown);
      send(incoming, outgoing, status, headers, body);
    };
    try {
      const answer = route(new RouteRequest(incoming) as unknown as Request, { incoming, outgoing });
      if (answer instanceof Promise) answer.then((response) => write(response, incoming, outgoing)).catch(fail);
      else write(answer, incoming, outgoing).catch(fail);
    } catch (thrown) {
      fail(thrown);
    }
  };
}

async function write(response: Response, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  if (response === ANSWERED) return;
  const body = response.body === null ? null : Buffer.from(await response.arrayBuffer());
  send(incoming, outgoing, response.status, Object.fromEntries(response.headers), body);
}

export function send(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  status: number,
  headers: Record<string, string>,
  body: Buffer | string | null,
): void {
  if (outgoing.destroyed) return;
  // What is left of a refused body is not waited for.
  if (!incoming.complete && hasBody(incoming)) headers['connection'] = 'close';
  if (incoming.method === 'HEAD') {
    outgoing.writeHead(status, headers);
    outgoing.end();
    return;
  }
  outgoing.writeHead(status, { ...headers, 'content-length': body === null ? 0 : Buffer.byteLength(body) });
  outgoing.end(body);
}

export function hasBody({ headers }: IncomingMessage): boolean {
  return Number(headers['content-length'] ?? 0) > 0 || headers['transfer-encoding'] !== undefined;
}
