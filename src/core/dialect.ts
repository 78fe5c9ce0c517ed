// What the router needs of an inbound protocol, one implementation per file in dialects/. For dialects, upstream and http.
import type { RouterError } from './errors.ts';
import type { Capability, DialectName, RouteClass, ScoreMeaning } from './names.ts';
import type { Target } from './plan.ts';
import type { RunIdentity, Stop } from './runs.ts';
import type { HeaderView } from './transport.ts';

/** Bounds on a request body. */
export interface BodyLimits {
  readonly maxDepth: number;
  /** JSON tokens outside embedding inputs and rerank documents. */
  readonly maxTokens: number;
  /** Entries of an embedding input list, or documents of a rerank call. */
  readonly maxInputs: number;
}

/** What a dialect may look at beside the body. */
export interface CallHead {
  /** One of the dialect's routes: the path under the base path. */
  readonly path: string;
  /** With its leading "?"; empty when there is none. */
  readonly query: string;
  readonly headers: HeaderView;
}

/** What was read of a body; all else stays bytes. */
export interface ParsedCall {
  /** Empty: the caller named none, and means the class's default model. */
  readonly model: string;
  readonly stream: boolean;
  readonly needs: readonly Capability[];
  /** The caller's own bound on output tokens, of each choice; null when unsaid. */
  readonly maxOutputTokens: number | null;
  /** Replies that it asks for at once; absent: one. */
  readonly choices?: number;
  /** Its beginning lies stored at the target that answered before: no other target can go on with it. */
  readonly stored: boolean;
  /** Prompt tokens, by estimate. */
  readonly inputTokens: number;
  /** Entries of an embedding list or documents of a rerank call; 1 for all else. */
  readonly items: number;
  /** The newest message is a tool's answer: an agent's loop goes on. */
  readonly answersTool: boolean;
  /** The run that the body names, where no header does. Absent: bodies of this dialect name none. */
  namedRun?(): RunIdentity | null;
  /** The id of the stored reply that it goes on with; null where it names none. Absent: this dialect's calls never do. */
  readonly previousReply?: string | null;
  /** Its own reply is stored at the target, for calls that go on with it. */
  readonly keepsReply?: boolean;
  /** What tells prompts apart; made when it is first asked for. Null: the dialect's prompts share nothing. */
  print(): PromptPrint | null;
  /** Samples of its conversation, for telling what of it was changed since; made when first asked for. Absent, null: it is short, or none. */
  marks?(): PromptMarks | null;
  /** The call as several with at most `most` items each, in order; null: it need not or cannot be split. */
  split(most: number): SplitCall | null;
  /** The call as one target takes it; `model` is the name that the target knows. Each attempt asks anew. */
  toward(target: Target, model: string): UpstreamCall;
}

/** 32-bit prints of a prompt's parts, over their canonical bytes; for placing calls, never for deciding who may what. */
export interface PromptPrint {
  /** Of tools and system prompt, which an agent program's runs have in common; 0 = there are none. */
  readonly common: number;
  /** Of those and the first user message, which is one run's own; 0 = there is none. */
  readonly opening: number;
}

/** Prints of short samples of a conversation's bytes, one at the end of each step. */
export interface PromptMarks {
  readonly stepBytes: number;
  readonly bytes: number;
  readonly prints: Int32Array;
}

/** One caller's list in parts that a worker takes. */
export interface SplitCall {
  readonly parts: readonly ParsedCall[];
  /** The parts' checked replies, in order, as the one reply that the caller waits for: order and usage as if it were one. */
  join(replies: readonly CheckedReply[]): JoinedReply;
}

/** A whole reply in pieces of its parts: long lists of vectors are not copied into one. */
export interface JoinedReply extends ReplyFacts {
  readonly pieces: readonly Uint8Array[];
  /** Of all pieces. */
  readonly bytes: number;
}

/** One call in the form that one target takes, and how that target's answer is read. */
export interface UpstreamCall {
  /** After the worker's base path, with its query. */
  readonly path: string;
  /** Flat list of the caller's headers that belong to the dialect: name, value. Never a credential. */
  readonly headers: readonly string[];
  /** Same dialect: the caller's bytes but for the allowed edits. */
  readonly body: Uint8Array;
  /** Fields of the caller's body that this target cannot be told. */
  readonly dropped: readonly string[];
  /** The reply is put into another form, so none of it can go out before it is whole. */
  readonly translated: boolean;
  /** What the scores of its reply mean, where the call itself asked for a meaning of its own; else the target's declared one. */
  readonly scores?: ScoreMeaning;
  judge(): StreamJudge;
  /** Checks a whole buffered reply. Throws a RouterError blamed on the worker when it is not one of this form. */
  check(reply: Uint8Array, headers: HeaderView): CheckedReply;
}

/**
 * Tokens of one attempt in one normal form: no token is counted in two fields but those that fill a cache, which are part of
 * the uncached ones, and reasoning, which is part of output.
 */
export interface Usage {
  readonly uncachedTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
  /** Of the uncached ones: those that fill the target's cache, and of these the ones that fill it for an hour. Absent: none. */
  readonly cacheWriteTokens?: number;
  readonly cacheWriteLongTokens?: number;
  /** The service tier that the target says it used. Absent: it says none. */
  readonly serviceTier?: string;
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
  /** Why it ended, once that is known. */
  readonly stop: Stop | null;
  /** The model the target says it is. */
  readonly servedModel: string | null;
  /** By which a later call may go on with the reply; null while it is not known. Absent: this dialect's replies have none. */
  readonly replyId?: string | null;
  /** How long the target says that it worked for the call, ms; null: it says nothing of it. */
  readonly reportedMs: number | null;
  /** Events with content, which hold one token each at least. */
  readonly contentEvents: number;
  readonly skippedEvents: number;
  /** The in-band error that ends the stream after its head went out. */
  failure(error: RouterError, requestId: string): Uint8Array;
}

/** What a whole buffered reply says of itself. */
export interface ReplyFacts {
  readonly usage: Usage | null;
  readonly servedModel: string | null;
  readonly stop: Stop | null;
  /** As a stream's judge has it. */
  readonly replyId?: string | null;
  /** How long the target says that it worked for the call, ms; null: it says nothing of it. */
  readonly reportedMs: number | null;
  /** What a rerank API bills by: queries with up to 100 documents each. Absent: it says nothing of it. */
  readonly searchUnits?: number;
}

export interface CheckedReply extends ReplyFacts {
  /** The reply in the caller's form: the target's own bytes where it speaks that form. */
  readonly body: Uint8Array;
}

export interface Dialect {
  readonly name: DialectName;
  readonly class: RouteClass;
  /** Paths under the base path that speak this dialect. */
  readonly routes: readonly string[];
  /** Reads a body. Throws a RouterError blamed on the caller. */
  parse(body: Uint8Array, limits: BodyLimits, head: CallHead): ParsedCall;
  /** The HTTP status of an error, where the dialect has one of its own. */
  errorStatus(error: RouterError): number;
  /** The JSON body of an error. */
  errorBody(error: RouterError, requestId: string): string;
  /** The header in which clients of this dialect look for the request's id, beside `x-request-id`. */
  readonly requestIdHeader: string | null;
}
