// How a reply that was put together of many goes out: in runs of even length, none of them long to copy. For router/split.
import type { JoinedReply } from '../core/dialect.ts';
import type { End, ReplyBody, Sink } from '../core/reply.ts';
import type { CallSignal } from '../core/signal.ts';
import { joined } from '../wire/join.ts';

const RUN_BYTES = 256 * 1024;

/** Sends as fast as the caller reads; a short reply at once. */
export class JoinedBody implements ReplyBody {
  readonly length: number;
  readonly #said: Pick<End, 'usage' | 'stop'>;
  #pieces: readonly Uint8Array[];

  constructor({ pieces, bytes, usage, stop }: JoinedReply) {
    this.length = bytes;
    this.#pieces = pieces;
    this.#said = { usage, stop };
  }

  pipe(sink: Sink, signal: CallSignal): End | Promise<End> {
    if (this.length > RUN_BYTES) return this.#send(sink, signal);
    sink.end(joined(this.#pieces, this.length));
    return this.#end('complete', this.length);
  }

  failure(): null {
    return null;
  }

  discard(): void {
    this.#pieces = [];
  }

  async #send(sink: Sink, signal: CallSignal): Promise<End> {
    let sent = 0;
    for (const run of runsOf(this.#pieces)) {
      if (signal.aborted) return this.#end('client_gone', sent);
      sent += run.length;
      if (!sink.write(run)) await drained(sink, signal);
    }
    sink.end();
    return this.#end('complete', sent);
  }

  #end(how: 'complete' | 'client_gone', bytes: number): End {
    return { how, error: null, bytes, ...this.#said };
  }
}

function* runsOf(pieces: readonly Uint8Array[]): Generator<Uint8Array> {
  let run: Uint8Array[] = [];
  let bytes = 0;
  for (const piece of pieces) {
    run.push(piece);
    bytes += piece.length;
    if (bytes < RUN_BYTES) continue;
    yield joined(run, bytes);
    run = [];
    bytes = 0;
  }
  if (run.length > 0) yield joined(run, bytes);
}

/** Also when the caller is gone: nobody drains then. */
function drained(sink: Sink, signal: CallSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.onAbort(resolve);
  void sink.drained().then(resolve);
  return promise.finally(() => signal.offAbort(resolve));
}
