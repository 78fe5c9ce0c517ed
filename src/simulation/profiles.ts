// The shape of a worker's constants. For constants.ts, where the numbers are, and whoever simulates a worker of their own.

/** How a worker answers while it comes up. */
export interface StartUpStage {
  readonly forMs: number;
  /** The port is closed, or everything is answered with this status. */
  readonly answers: 'refused' | number;
}

interface DoorProfile {
  /** From the router's sending to the engine's queue and back, ms in all. */
  readonly overheadMs: number;
  /** Calls that wait in the engine beyond those that run; the next gets 503. Null = no bound. */
  readonly maxQueued: number | null;
  readonly startUp: readonly StartUpStage[];
}

/** An engine that batches continuously, like vLLM. */
export interface BatchingProfile extends DoorProfile {
  readonly kind: 'batching';
  /** Prompts are read one after the other at this rate. */
  readonly prefillTokensPerSecond: number;
  /**
   * A step makes one token for each running call and reads so many prompt tokens; while a prompt is read, steps are longer by
   * that. Null: reading and making tokens do not share time.
   */
  readonly chunkTokens: number | null;
  /** Length of a step that reads no prompt: this, and so much for each running call. */
  readonly stepMs: number;
  readonly stepMsPerRunning: number;
  readonly maxRunning: number;
  /** Tokens of prompts and answers that fit into its memory, running and remembered. */
  readonly kvTokens: number;
  /** Tokens that the machine's main memory remembers beyond that; to have them back is taken to cost nothing. */
  readonly offloadTokens: number;
  /** A running call holds its memory, and one that finds none waits. False: memory bounds what is remembered alone. */
  readonly kvHolds: boolean;
}

/** So many places, each busy for a fixed time per call: a capacity that is known exactly. */
export interface SlotsProfile extends DoorProfile {
  readonly kind: 'slots';
  readonly slots: number;
  readonly serviceMs: number;
}

export type WorkerProfile = BatchingProfile | SlotsProfile;
