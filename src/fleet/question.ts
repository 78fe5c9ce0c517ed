// One small question to a worker, bounded in time and size. For fleet's probes.
import type { Clock } from '../core/runtime.ts';
import type { Transport } from '../core/transport.ts';
import type { WorkerView } from '../core/worker.ts';

export interface QuestionDeps {
  readonly transport: Transport;
  readonly clock: Clock;
}

export interface Answer {
  readonly status: number;
  /** Empty where no body was asked for. */
  readonly page: string;
}

/**
 * Null: no answer at all, none in time, or a longer one than `maxBytes`. With 0 the body is not kept, however long. While
 * it is open, what gives it up is in `open`.
 */
export function ask(
  worker: WorkerView,
  path: string,
  { timeoutMs, maxBytes }: { readonly timeoutMs: number; readonly maxBytes: number },
  { transport, clock }: QuestionDeps,
  open: Set<() => void>,
): Promise<Answer | null> {
  return new Promise((resolve) => {
    let status = 0;
    let bytes = 0;
    const chunks: Uint8Array[] = [];
    const { origin, basePath, headers } = worker;
    const give = (answer: Answer | null) => {
      open.delete(giveUp);
      timer.cancel();
      resolve(answer);
    };
    const giveUp = () => {
      exchange.abort();
      give(null);
    };
    const timer = clock.after(timeoutMs, giveUp);
    open.add(giveUp);
    const exchange = transport.send(
      { origin, path: basePath + path, method: 'GET', headers, body: null },
      {
        sent() {},
        head: (code) => {
          status = code;
        },
        data(chunk) {
          if (maxBytes === 0) return;
          bytes += chunk.length;
          if (bytes > maxBytes) giveUp();
          else chunks.push(chunk);
        },
        end: () => give({ status, page: pageOf(chunks, bytes) }),
        fail: () => give(null),
      },
    );
  });
}

function pageOf(chunks: readonly Uint8Array[], bytes: number): string {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return new TextDecoder().decode(whole);
}
