// Requests with an Idempotency-Key: run once, answered again from what was kept. For http/call.
import { RouterError } from '../core/errors.ts';
import {
  type IdempotencyAnswer,
  type IdempotencyScope,
  type IdempotencyStore,
  type KeptReply,
  REPLY_BOUNDS,
} from '../core/idempotency.ts';
import type { End, Sink } from '../core/reply.ts';
import type { Digest } from '../core/runtime.ts';
import { StoreFault } from '../core/store.ts';
import { type HeaderView, headerOf } from '../core/transport.ts';
import { joined } from '../wire/join.ts';

const KEY = /^[\x21-\x7e]{1,255}$/;
/** A try that is not over by then is given up: a class's longest time, and as much again. */
const LEASE_MS = 20 * 60_000;
/** Belongs to one exchange, not to the reply. */
const NOT_KEPT: ReadonlySet<string> = new Set(['x-request-id', 'request-id', 'connection', 'date']);

/** Null: the caller sent none. */
export function readIdempotencyKey(headers: HeaderView): string | null {
  const value = headerOf(headers, 'idempotency-key');
  if (value === null) return null;
  const key = value.trim();
  if (KEY.test(key)) return key;
  throw new RouterError('invalid_header', 'Idempotency-Key takes 1 to 255 visible ASCII characters.');
}

/** One request under a key, whose reply is kept if it ends whole. */
export interface Try {
  /** Passes all on to `sink` and keeps a copy. */
  tap(sink: Sink): Sink;
  /** How it ended; whatever is not a whole reply frees the key. */
  over(how: End['how']): Promise<void>;
}

/** Where replies are kept, as the routes see it. */
export interface KeptReplies {
  /** A try to run, or the reply of an earlier one. Throws a RouterError while that runs, or where its body was another. */
  begin(scope: IdempotencyScope, body: Uint8Array): Promise<Try | KeptReply>;
}

export function createKeptReplies(store: IdempotencyStore, digest: Digest): KeptReplies {
  return {
    async begin(scope, body) {
      const answer = await begun(store, scope, hex(await digest(body)));
      switch (answer.state) {
        case 'kept':
          return answer.reply;
        case 'in_flight':
          throw new RouterError('idempotency_in_flight', 'A request with this Idempotency-Key is still under way.', {
            retryAfterSeconds: 1,
          });
        case 'mismatch':
          throw new RouterError(
            'idempotency_mismatch',
            'This Idempotency-Key was used with another body. Take a new key.',
          );
        case 'new':
          return tryOf(store, scope, answer.fence);
      }
    },
  };
}

/** A request that must not run twice does not run where nobody can tell. */
async function begun(store: IdempotencyStore, scope: IdempotencyScope, digest: string): Promise<IdempotencyAnswer> {
  try {
    return await store.begin(scope, digest, LEASE_MS);
  } catch (thrown) {
    if (!(thrown instanceof StoreFault)) throw thrown;
    throw new RouterError(
      'store_unavailable',
      'The store of replies cannot be used; without it nothing runs once only.',
      {
        retryAfterSeconds: 5,
      },
    );
  }
}

function tryOf(store: IdempotencyStore, scope: IdempotencyScope, fence: number): Try {
  let copy: CopyingSink | null = null;
  return {
    tap(sink) {
      copy = new CopyingSink(sink);
      return copy;
    },
    async over(how) {
      const reply = how === 'complete' ? (copy?.reply() ?? null) : null;
      if (reply === null) await store.drop(scope, fence);
      else await store.keep(scope, fence, reply);
    },
  };
}

/** The headers of a kept reply as they go out again. */
export function replayedHeaders({ headers }: KeptReply, id: string): Record<string, string> {
  const again: Record<string, string> = { 'x-request-id': id, 'idempotent-replayed': 'true' };
  for (let at = 0; at < headers.length; at += 2) again[headers[at]!] = headers[at + 1]!;
  return again;
}

class CopyingSink implements Sink {
  readonly #sink: Sink;
  #status = 0;
  #headers: readonly string[] = [];
  #runs: Uint8Array[] | null = [];
  #bytes = 0;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  head(status: number, headers: Readonly<Record<string, string>>, length: number | null): void {
    this.#status = status;
    this.#headers = Object.entries(headers)
      .filter(([name]) => !NOT_KEPT.has(name))
      .flat();
    this.#sink.head(status, headers, length);
  }

  write(run: Uint8Array): boolean {
    this.#copy(run);
    return this.#sink.write(run);
  }

  drained(): Promise<void> {
    return this.#sink.drained();
  }

  end(last?: Uint8Array): void {
    if (last !== undefined) this.#copy(last);
    this.#sink.end(last);
  }

  fail(error: RouterError): void {
    this.#runs = null;
    this.#sink.fail(error);
  }

  /** Null: there is none that could be kept. */
  reply(): KeptReply | null {
    if (this.#runs === null) return null;
    return { status: this.#status, headers: this.#headers, body: joined(this.#runs, this.#bytes) };
  }

  /** A copy, for what a run lies in may be larger, or used again. */
  #copy(run: Uint8Array): void {
    this.#bytes += run.length;
    if (this.#bytes > REPLY_BOUNDS.maxReplyBytes) this.#runs = null;
    this.#runs?.push(run.slice());
  }
}

function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}
