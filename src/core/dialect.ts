// What the router needs of an inbound protocol, one implementation per file in dialects/. For dialects, upstream and http.
import type { RouterError } from './errors.ts';
import type { Capability, DialectName, RouteClass } from './names.ts';

/** Bounds on a request body. */
export interface BodyLimits {
  readonly maxDepth: number;
  /** JSON tokens outside embedding inputs. */
  readonly maxTokens: number;
  /** Entries of an embedding input list. */
  readonly maxInputs: number;
}

/** What was read of a body; all else stays bytes. */
export interface ParsedCall {
  readonly model: string;
  readonly stream: boolean;
  readonly needs: readonly Capability[];
  /** The caller's own bound on output tokens, null when unsaid. */
  readonly maxOutputTokens: number | null;
  /** How many finish reasons make a stream whole (`n`). */
  readonly choices: number;
  /** The body as the target must see it: the caller's bytes but for the allowed edits. Idempotent: each attempt calls it. */
  upstreamBody(servedModel: string): Uint8Array;
  /** The caller asked for the usage event of a stream. */
  readonly usageAsked: boolean;
}

/** Tokens of one attempt in one normal form: no token is counted in two fields but reasoning, which is part of output. */
export interface Usage {
  readonly uncachedTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
}

/**
 * Reads the events of one streamed reply, in order. `judge` answers with a verdict of wire/sse: forward, drop or stop.
 * State is per attempt; a judge is never shared.
 */
export interface StreamJudge {
  judge(bytes: Uint8Array, start: number, end: number): number;
  /** Bytes after the last event boundary when the stream ended. */
  tail(bytes: Uint8Array): void;
  /** First content has been seen: text, reasoning, refusal or a tool-call delta. */
  readonly started: boolean;
  /** The dialect's own terminal event has been seen. */
  readonly finished: boolean;
  /** Nothing more is to come after what was judged last (`[DONE]`). */
  readonly done: boolean;
  /** Set when the target said in-band that it failed. */
  readonly fault: RouterError | null;
  readonly usage: Usage | null;
  /** The model the target says it is. */
  readonly servedModel: string | null;
  readonly skippedEvents: number;
}

/** What a whole buffered reply says of itself. */
export interface ReplyFacts {
  readonly usage: Usage | null;
  readonly servedModel: string | null;
}

export interface Dialect {
  readonly name: DialectName;
  readonly class: RouteClass;
  /** Paths under the base path that speak this dialect. */
  readonly routes: readonly string[];
  /** The path asked of a target. */
  readonly upstreamPath: string;
  /** Reads a body. Throws a RouterError blamed on the caller. */
  parse(body: Uint8Array, limits: BodyLimits): ParsedCall;
  judge(call: ParsedCall): StreamJudge;
  /** Checks a whole buffered reply. Throws a RouterError blamed on the worker when it is not one of this dialect. */
  check(reply: Uint8Array, call: ParsedCall): ReplyFacts;
  /** The JSON body of an error. */
  errorBody(error: RouterError, requestId: string): string;
  /** The in-band error that ends a stream after its head went out. */
  streamError(error: RouterError, requestId: string): Uint8Array;
}
