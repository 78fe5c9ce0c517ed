// Bounds on what a single request may make the router do, with their defaults. For http, dialects and runtimes.
import type { BodyLimits } from './dialect.ts';

export interface HttpLimits extends BodyLimits {
  readonly maxBodyBytes: number;
  readonly maxHeaderBytes: number;
  readonly maxHeaders: number;
  readonly maxUrlBytes: number;
  readonly headersTimeoutMs: number;
  /** A body that brings no byte for so long is refused with 408. */
  readonly bodyIdleMs: number;
  /** After `bodyGraceMs`, a body must have brought this many bytes per second on average. */
  readonly minBodyBytesPerSecond: number;
  readonly bodyGraceMs: number;
  readonly maxConnections: number;
  readonly keepAliveMs: number;
}

export const DEFAULT_HTTP_LIMITS: HttpLimits = {
  maxBodyBytes: 4 * 1024 * 1024,
  maxDepth: 64,
  maxTokens: 200_000,
  maxInputs: 2048,
  maxHeaderBytes: 16 * 1024,
  maxHeaders: 100,
  maxUrlBytes: 8 * 1024,
  headersTimeoutMs: 10_000,
  bodyIdleMs: 30_000,
  minBodyBytesPerSecond: 1024,
  bodyGraceMs: 10_000,
  maxConnections: 12_000,
  keepAliveMs: 65_000,
};

/** Bounds on what a target may make the router hold. */
export const REPLY_LIMITS = {
  /** A larger event is an upstream fault. */
  maxEventBytes: 1024 * 1024,
  /** Start-up frames held back before first content. */
  maxHeldEvents: 32,
  maxHeldBytes: 64 * 1024,
  /** Some dialects' start frames repeat the request's instructions and tools: so many times its body may be held. */
  maxHeldBodies: 3,
  /** A buffered reply commits when whole, or here. */
  maxBufferedBytes: 4 * 1024 * 1024,
  /** A reply never grows beyond this. */
  maxReplyBytes: 64 * 1024 * 1024,
  /** A stream with a bound on output tokens never grows beyond bytes per token × the bound, plus room for framing. */
  maxBytesPerToken: 8,
} as const;
