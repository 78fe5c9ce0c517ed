// Starts a worker of a known size as a process, tells it to be slower or to come and go, and ends it. For tests of overload.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface SlotShape {
  readonly slots: number;
  readonly serviceMs: number;
  /** Calls that wait in the worker itself; one more is told 503. */
  readonly waiting: number;
}

export interface SlotReport {
  served: number;
  refused: number;
  /** Calls whose caller left, or that it cut itself. */
  gone: number;
  mostRunning: number;
}

export interface SlotOrders {
  readonly serviceMs?: number;
  /** Up for so long and down for so long, in turn; null: up from now on. */
  readonly flapMs?: number | null;
}

export interface SlotWorker {
  readonly url: string;
  /** Gives orders, or none, and answers with what it has done so far. */
  tell(orders?: SlotOrders): Promise<SlotReport>;
  close(): Promise<void>;
}

const SERVER = fileURLToPath(new URL('slot-server.ts', import.meta.url));

export async function startSlotWorker(shape: SlotShape): Promise<SlotWorker> {
  const child = fork(SERVER, [JSON.stringify(shape)], { execArgv: [] });
  const { port } = (await said(child)) as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    async tell(orders = {}) {
      const report = said(child);
      child.send(orders);
      return (await report) as SlotReport;
    },
    async close() {
      const ended = once(child, 'close');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** The next thing that a child says; rejects when it ends instead. */
export async function said(child: ChildProcess): Promise<unknown> {
  const over = new AbortController();
  try {
    return await Promise.race([
      once(child, 'message', over).then(([message]) => message as unknown),
      once(child, 'close', over).then(([code]) => {
        throw new Error(`A process of the test ended with ${code}.`);
      }),
    ]);
  } finally {
    over.abort();
  }
}
