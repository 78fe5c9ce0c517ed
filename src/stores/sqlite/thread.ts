// A thread of a store: started, asked, ended, and what is owed when it dies. For the SQLite stores.
import { Worker } from 'node:worker_threads';
import { StoreFault } from '../../core/store.ts';
import type { FromThread } from './ledger-messages.ts';

export type ThreadLog = Extract<FromThread<never>, { kind: 'log' }>;

export interface ThreadOptions {
  /** Its module beside this one, without the extension. */
  readonly module: string;
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

/** Keeps the process alive only while an answer is awaited. */
export class StoreThread {
  /** Rejects with a StoreFault where it cannot begin. */
  readonly ready: Promise<void>;
  readonly ended: Promise<void>;
  readonly #worker: Worker;
  readonly #options: ThreadOptions;
  readonly #asked = new Map<number, Asked>();
  #next = 1;
  #over = false;
  #expected = false;

  constructor(options: ThreadOptions) {
    this.#options = options;
    const worker = new Worker(new URL(`./${options.module}${EXTENSION}`, import.meta.url), {
      workerData: options.data,
    });
    this.#worker = worker;
    let why = 'ended';
    this.ready = new Promise((resolve, reject) => {
      this.#asked.set(0, { resolve, reject });
    });
    // Who does not wait for it sees its end in `died`.
    this.ready.catch(() => {});
    worker.on('message', (message: FromThread<never>) => this.#take(message));
    worker.on('error', (thrown) => {
      why = (thrown as Error | null)?.name ?? 'error';
    });
    this.ended = new Promise((resolve) => {
      worker.on('exit', () => {
        this.#gone(why);
        resolve();
      });
    });
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
    if (message.kind === 'log') return this.#options.log(message);
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

  #gone(why: string): void {
    this.#over = true;
    for (const { reject } of this.#asked.values()) reject(gone());
    this.#asked.clear();
    if (!this.#expected) this.#options.died(why);
  }
}

const gone = () => new StoreFault('unavailable', 'The thread of the store has ended. The log says why.');
