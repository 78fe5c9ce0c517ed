// What the router takes from the machine it runs on, all injected. For entries, tests and the simulator.
import type { Transport } from './transport.ts';

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Monotonic, ms, fractions allowed. */
  nowMs(): number;
  /** Unix epoch, ms. */
  wallMs(): number;
  /** Runs `fn` once after at least `delayMs`. */
  after(delayMs: number, fn: () => void): Timer;
}

/** Numbers in [0, 1). */
export type Random = () => number;

/** Unique, unguessable, printable ids of fixed length. */
export type NewId = () => string;

/** SHA-256; may answer synchronously. */
export type Digest = (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>;

/** Allow-listed facts; never prompt content, header values, secrets or query strings. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

/** Work that outlives the reply and holds no slot. */
export type Background = (task: () => void | Promise<void>) => void;

export interface Runtime {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly newId: NewId;
  readonly digest: Digest;
  readonly background: Background;
  readonly log: Log;
}
