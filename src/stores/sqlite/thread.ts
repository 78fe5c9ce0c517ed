// A thread of a store: started, told what to work on, asked, ended, and what is owed when it dies. For the SQLite stores.
import { Worker } from 'node:worker_threads';
import { StoreFault } from '../../core/store.ts';
import type { FromThread } from './ledger-messages.ts';

export type ThreadLog = Extract<FromThread<never>, { kind: 'log' }>;

/** What a thread is told before anything else: what to work on. */
export interface Beginning<Data> {
  readonly kind: 'begin';
  readonly data: Data;
}

export interface ThreadWork {
  readonly data: unknown;
  readonly log: (entry: ThreadLog) => void;
  /** It ended and was not asked to. `why` is the name of an error, if one was seen. */
  readonly died: (why: string) => void;
}

interface Asked {
  readonly resolve: (answer: never) => void;
  readonly reject: (fault: StoreFault) => void;
}

/** The package holds JavaScript, the repository TypeScript; both run. */
const EXTENSION = import.meta.url.slice(import.meta.url.lastIndexOf('.'));

/**
 * Keeps the process alive only while an answer is awaited. A new thread takes tens of milliseconds to be there, so it may be
 * started before it is known what it will work on.
 */
export class StoreThread {
  readonly ended: Promise<void>;
  readonly #worker: Worker;
  #work: ThreadWork | null = null;
  readonly #asked = new Map<number, Asked>();
  #next = 1;
  #over = false;
  #expected = false;
  #why = 'ended';

  /** `module` lies beside this one and is named without its extension. */
  constructor(module: string) {
    const worker = new Worker(new URL(`./${module}${EXTENSION}`, import.meta.url));
    this.#worker = worker;
    worker.unref();
    worker.on('message', (message: FromThread<never>) => this.#take(message));
    worker.on('error', (thrown) => {
      this.#why = (thrown as Error | null)?.name ?? 'error';
    });
    this.ended = new Promise((resolve) => {
      worker.on('exit', () => {
        this.#gone();
        resolve();
      });
    });
  }

  /** Once, and first. Rejects with a StoreFault where the thread cannot work on it. */
  begin(work: ThreadWork): Promise<void> {
    this.#work = work;
    const ready = new Promise<void>((resolve, reject) => {
      if (this.#over) return reject(gone());
      this.#asked.set(0, { resolve, reject });
      this.#worker.ref();
      this.post({ kind: 'begin', data: work.data } satisfies Beginning<unknown>);
    });
    // Who does not wait for it sees its end in `died`.
    ready.catch(() => {});
    return ready;
  }

  post(message: unknown, transfer: readonly ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  /** `pack` makes the message from the number of the question. */
  ask<Answer>(pack: (id: number) => unknown): Promise<Answer> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      if (this.#over) return reject(gone());
      this.#asked.set(id, { resolve: resolve as Asked['resolve'], reject });
      this.#worker.ref();
      this.post(pack(id));
    });
  }

  /** The answer to its last question; then it ends by itself. */
  async last<Answer>(pack: (id: number) => unknown): Promise<Answer> {
    this.#expected = true;
    try {
      return await this.ask(pack);
    } finally {
      this.#worker.ref();
      await this.ended;
    }
  }

  async stop(): Promise<void> {
    this.#expected = true;
    await this.#worker.terminate();
  }

  #take(message: FromThread<never>): void {
    if (message.kind === 'log') return this.#work?.log(message);
    const id = 'id' in message ? message.id : 0;
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    if (this.#asked.size === 0) this.#worker.unref();
    if (message.kind === 'ready') asked?.resolve(undefined as never);
    else if (message.kind === 'answer') asked?.resolve(message.answer);
    else {
      if (message.kind === 'refused') this.#expected = true;
      asked?.reject(new StoreFault(message.code, message.text));
    }
  }

  #gone(): void {
    this.#over = true;
    for (const { reject } of this.#asked.values()) reject(gone());
    this.#asked.clear();
    if (!this.#expected) this.#work?.died(this.#why);
  }
}

const gone = () => new StoreFault('unavailable', 'The thread of the store has ended. The log says why.');
