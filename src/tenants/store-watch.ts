// Keeps what a store holds up to date in memory, by a look every second. For the rings of keys and of tenants.
import type { Clock, Log, Timer } from '../core/runtime.ts';

/** A change is to be in force everywhere within 5 s; this leaves room for a store that answers late. */
const POLL_MS = 1_000;
/** A store that has not answered by then counts as failing, though its answer is still taken. */
const PATIENCE_MS = 2_000;
/** What is this old is no longer a hiccup of the store. */
const ALARM_MS = 60_000;

export interface StoreWatchOptions {
  /** Names the log's events: `keys_unreadable`. */
  readonly what: 'keys' | 'tenants';
  readonly clock: Clock;
  readonly log: Log;
  version(): number | Promise<number>;
  /** Takes in all that is there. */
  load(): void | Promise<void>;
  /** How many there are in memory. */
  count(): number;
}

/** A store that fails later changes nothing in memory: its log lines, and `staleSinceMs`, say so. */
export class StoreWatch {
  readonly #options: StoreWatchOptions;
  #version: number | null = null;
  #freshAtMs = 0;
  #freshAtWallMs = 0;
  #state: 'fresh' | 'stale' | 'alarming' = 'fresh';
  #looks: Promise<unknown> = Promise.resolve();
  #timer: Timer | null = null;
  #closed = false;

  constructor(options: StoreWatchOptions) {
    this.#options = options;
  }

  /** When the store was last read, Unix epoch in ms, if it can no longer be read; else null. */
  get staleSinceMs(): number | null {
    return this.#state === 'fresh' ? null : this.#freshAtWallMs;
  }

  /** Reads the store for the first time. Rejects when it cannot be read. */
  async start(): Promise<void> {
    await this.#inTurn(() => this.#look());
    this.#pollLater();
  }

  /** Sees all that was written before the call. False when the store could not be read; what is known stays. */
  refreshNow(): Promise<boolean> {
    return this.#inTurn(() => this.#watchedLook());
  }

  /** Ends the polling. The store is its owner's to close. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  /** One after the other: of two looks the later one sees more. */
  #inTurn<T>(look: () => Promise<T>): Promise<T> {
    const next = this.#looks.then(look);
    this.#looks = next.catch(() => undefined);
    return next;
  }

  #pollLater(): void {
    if (this.#closed) return;
    this.#timer = this.#options.clock.after(POLL_MS, () => void this.refreshNow().then(() => this.#pollLater()));
  }

  async #watchedLook(): Promise<boolean> {
    let patience: Timer;
    const wait = () => {
      patience = this.#options.clock.after(PATIENCE_MS, () => {
        this.#cannotRead('no_answer');
        wait();
      });
    };
    wait();
    try {
      await this.#look();
      return true;
    } catch (thrown) {
      const { code } = thrown as { code?: unknown };
      this.#cannotRead(typeof code === 'string' ? code : 'unknown');
      return false;
    } finally {
      patience!.cancel();
    }
  }

  async #look(): Promise<void> {
    const { clock, log, what } = this.#options;
    const askedAtMs = clock.nowMs();
    const askedAtWallMs = clock.wallMs();
    // The version goes first: what is written between the two is then read twice, not missed.
    const version = await this.#options.version();
    if (version !== this.#version) {
      await this.#options.load();
      this.#version = version;
    }
    this.#freshAtMs = askedAtMs;
    this.#freshAtWallMs = askedAtWallMs;
    if (this.#state === 'fresh') return;
    this.#state = 'fresh';
    log.info(`${what}_readable`, { [what]: this.#options.count() });
  }

  #cannotRead(why: string): void {
    const { clock, log, what } = this.#options;
    const facts = { why, ageMs: Math.round(clock.nowMs() - this.#freshAtMs), [what]: this.#options.count() };
    if (this.#state === 'fresh') {
      this.#state = 'stale';
      log.warn(`${what}_unreadable`, facts);
    }
    if (this.#state === 'stale' && facts.ageMs >= ALARM_MS) {
      this.#state = 'alarming';
      log.error(`${what}_stale`, facts);
    }
  }
}
