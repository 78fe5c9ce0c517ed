// How a request's bytes come in and a reply's bytes go out on one kind of server. For http/call and the runtimes.
import type { Context } from 'hono';
import type { RouterError } from '../core/errors.ts';
import type { HttpLimits } from '../core/limits.ts';
import type { Sink } from '../core/reply.ts';
import type { CallSignal } from '../core/signal.ts';
import type { HeaderView } from '../core/transport.ts';
import type { ErrorReply } from './errors.ts';

/** The way out of one request: whatever is written to `sink` is what `response` (or the socket behind it) sends. */
export interface Exit {
  readonly sink: Sink;
  /** What the handler returns. For a sink that answers by a Response, it is there once `head` was called. */
  readonly response: Response | Promise<Response>;
}

export interface Ingress {
  /** Request headers by lower-case name. */
  headers(context: Context): HeaderView;
  /** The whole body. Throws a RouterError: too large, too slow, or the caller is gone. */
  body(context: Context, limits: HttpLimits): Promise<Uint8Array>;
  /** Aborts when the caller is gone before its reply is out. */
  signal(context: Context): CallSignal;
  /** `encode`: the bytes that end a reply in failure after its head; null = cut the connection instead. */
  exit(context: Context, signal: CallSignal, encode: (error: RouterError) => Uint8Array | null): Exit;
  /** What the handler returns for a short reply of our own; in a flood of refusals its price is what others wait for. */
  answer(context: Context, reply: ErrorReply): Response;
}
