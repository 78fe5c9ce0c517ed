// What a reader of any trace format makes of a file: single calls in time, sessions of agents, or rates of clients. For compose.
import type { Stop } from '../../core/runs.ts';

/** A line of a trace that cannot be read; the text says which and why. */
export class TraceError extends Error {
  constructor(format: string, line: number, why: string) {
    super(`${format} trace, line ${line}: ${why}.`);
    this.name = 'TraceError';
  }
}

/** A call of which only its time and size are known, and at best what its prompt begins with. */
export interface TraceCall {
  readonly atMs: number;
  /** The client that sent it, where the trace tells clients apart. */
  readonly client: string | null;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Its prompt's whole leading blocks; equal ids mean equal prefixes in the whole trace. */
  readonly blocks: readonly number[];
  readonly blockTokens: number;
}

/** One agent's calls, each after the one before has ended. Block ids mean something in this session only. */
export interface AgentSession {
  readonly id: string;
  readonly blockTokens: number;
  /** Tokens that open every prompt: of its tools, and of tools and system prompt. Equal numbers are taken for equal texts. */
  readonly toolTokens: number;
  readonly systemTokens: number;
  readonly calls: readonly AgentCall[];
}

export interface AgentCall {
  /** From the end of the call before to this one, ms. */
  readonly thinkMs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly answersTool: boolean;
  readonly stop: Stop;
  /** Leading blocks that are those of the call before; the blocks behind them follow as [first id, count]. */
  readonly keep: number;
  readonly runs: readonly (readonly [number, number])[];
  /** How long it took where it was recorded, ms; null = not known. */
  readonly tookMs: number | null;
  /** Sub-agents that it starts. The next call waits for them. */
  readonly starts: readonly { readonly afterMs: number; readonly session: AgentSession }[];
}

/** How often a client calls in one window of a recorded day. */
export interface ClientRate {
  readonly client: string;
  readonly startMs: number;
  readonly callsPerSecond: number;
  readonly gaps: 'Gamma' | 'Weibull';
  readonly shape: number;
}

/** What a client's calls are made of in one window; values at `SHARES` of the distribution. */
export interface ClientTokens {
  readonly client: string;
  readonly startMs: number;
  readonly inputTokens: readonly number[] | null;
  readonly outputTokens: readonly number[] | null;
}

/** A trace file that has been read. */
export type Trace =
  | { readonly kind: 'sessions'; readonly sessions: readonly AgentSession[] }
  | { readonly kind: 'calls'; readonly calls: readonly TraceCall[] }
  | { readonly kind: 'rates'; readonly rates: readonly ClientRate[] }
  | { readonly kind: 'tokens'; readonly tokens: readonly ClientTokens[] };
