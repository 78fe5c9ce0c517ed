// A simulated call: what its caller knows of it, and how the router sees it without a byte of JSON. For player and transport.
import type {
  CheckedReply,
  Dialect,
  JoinedReply,
  ParsedCall,
  PromptMarks,
  PromptPrint,
  SplitCall,
} from '../core/dialect.ts';
import type { DialectName, Priority, RouteClass } from '../core/names.ts';
import type { RunIdentity, Stop } from '../core/runs.ts';
import { LEAST_BYTES, stepOf } from '../wire/marks.ts';
import { FrameJudge, usageOf } from './frames.ts';

/** One call as a trace or a composition tells it. */
export interface CallSpec {
  readonly tenant: string;
  readonly class: Exclude<RouteClass, 'batch'>;
  /** Empty: the class's default. */
  readonly model: string;
  readonly run: RunIdentity | null;
  /** It goes on with a run whose tool has answered. */
  readonly answersTool: boolean;
  /** Why its reply ends. */
  readonly stop: Stop;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Hashes of the prompt's leading whole blocks; empty: it shares nothing. */
  readonly blocks: readonly number[];
  readonly blockTokens: number;
  readonly print: PromptPrint | null;
  readonly priority: Priority | null;
  readonly maxWaitMs: number | null;
  /** When its caller's client gives up, ms after it was sent; null = never. */
  readonly timeoutMs: number | null;
  /** Its run was here before the simulation began: the worker that gets it has read all of its prompt's whole blocks. */
  readonly isKnown: boolean;
  /** Entries of an embedding list, or documents of a rerank call. */
  readonly items: number;
  /** Of a chat: the caller asks for its reply in one piece. Default: as a stream. */
  readonly isWhole?: boolean;
}

/** Whether its reply comes in pieces. */
export function streams({ class: routeClass, isWhole = false }: CallSpec): boolean {
  return routeClass === 'chat' && !isWhole;
}

/** What the simulated worker that took it tells of an attempt. */
export interface ServedBy {
  /** `pool/n` of the last worker that took it; null = none did. */
  workerId: string | null;
  reusedTokens: number;
}

/** A call on its way: its body is a view of its own, by which the transport knows it again. */
export interface SimulatedBody {
  readonly spec: CallSpec;
  readonly served: ServedBy;
}

export type Bodies = WeakMap<Uint8Array, SimulatedBody>;

const BYTES_PER_TOKEN = 4;
/** All bodies lie in one memory, whatever their length: what counts is how long they are and which they are. */
const SHARED = new ArrayBuffer(32 * 1024 * 1024);
const PATHS = { chat: '/v1/chat/completions', embed: '/v1/embeddings', rerank: '/v1/rerank' } as const;
const NAMES = { chat: 'openai-chat', embed: 'openai-embeddings', rerank: 'rerank' } as const satisfies Record<
  CallSpec['class'],
  DialectName
>;
const NONE: readonly string[] = [];

export function bodyFor(spec: CallSpec): Uint8Array {
  const bytes = Math.min(SHARED.byteLength, BYTES_PER_TOKEN * (spec.inputTokens + 1));
  return new Uint8Array(SHARED, 0, bytes);
}

export function parsedCall(bodies: Bodies, body: Uint8Array): ParsedCall {
  const { spec } = bodies.get(body)!;
  const path = PATHS[spec.class];
  const stop = spec.class === 'chat' ? spec.stop : null;
  const upstream = {
    path,
    headers: NONE,
    body,
    dropped: NONE,
    translated: false,
    judge: () => new FrameJudge(stop),
    check: (reply: Uint8Array): CheckedReply => ({
      body: reply,
      usage: usageOf(reply, 0, reply.length),
      servedModel: null,
      reportedMs: null,
      stop,
    }),
  };
  return {
    model: spec.model,
    stream: streams(spec),
    needs: [],
    maxOutputTokens: null,
    stored: false,
    inputTokens: spec.inputTokens,
    items: spec.items,
    answersTool: spec.answersTool,
    print: () => spec.print,
    marks: () => marksOf(spec),
    split: (most) => splitCall(bodies, body, most),
    toward: () => upstream,
  };
}

/** As of its text: a sample at the end of each step is told by the block in which that lies. */
function marksOf({ blocks, blockTokens, inputTokens }: CallSpec): PromptMarks | null {
  const bytes = BYTES_PER_TOKEN * inputTokens;
  if (blocks.length === 0 || bytes < LEAST_BYTES) return null;
  const stepBytes = stepOf(bytes);
  const prints = new Int32Array(Math.floor(bytes / stepBytes));
  for (let at = 0; at < prints.length; at++) {
    const place = Math.floor(((at + 1) * stepBytes) / BYTES_PER_TOKEN / blockTokens);
    // What stands behind the whole blocks is like nothing that comes there later.
    prints[at] = blocks[Math.min(place, blocks.length - 1)]!;
  }
  return { stepBytes, bytes, prints };
}

/** A list in parts, the tokens shared out evenly. */
function splitCall(bodies: Bodies, body: Uint8Array, most: number): SplitCall | null {
  const { spec, served } = bodies.get(body)!;
  if (spec.class === 'chat' || spec.items <= most) return null;
  const parts = Array.from({ length: Math.ceil(spec.items / most) }, (_, at) => {
    const items = Math.min(most, spec.items - at * most);
    const part = { ...spec, items, inputTokens: Math.round((spec.inputTokens * items) / spec.items) };
    const partBody = bodyFor(part);
    bodies.set(partBody, { spec: part, served });
    return parsedCall(bodies, partBody);
  });
  return { parts, join: joined };
}

function joined(replies: readonly CheckedReply[]): JoinedReply {
  const sum = (field: 'uncachedTokens' | 'cachedTokens' | 'outputTokens' | 'reasoningTokens') =>
    replies.reduce((total, { usage }) => total + (usage?.[field] ?? 0), 0);
  const usage = {
    uncachedTokens: sum('uncachedTokens'),
    cachedTokens: sum('cachedTokens'),
    outputTokens: sum('outputTokens'),
    reasoningTokens: sum('reasoningTokens'),
  };
  const pieces = replies.map(({ body }) => body);
  return {
    pieces,
    bytes: pieces.reduce((bytes, { length }) => bytes + length, 0),
    usage,
    servedModel: null,
    stop: null,
    reportedMs: null,
  };
}

/** The dialect of one class, as far as a router that is called without HTTP needs one. */
function dialectOf(routeClass: CallSpec['class']): Dialect {
  return {
    name: NAMES[routeClass],
    class: routeClass,
    routes: [PATHS[routeClass]],
    parse() {
      throw new TypeError('Simulated calls are made, not parsed.');
    },
    errorStatus: (error) => error.status,
    errorBody: (error) => error.message,
    requestIdHeader: null,
  };
}

export const SIMULATED_DIALECTS: Readonly<Record<CallSpec['class'], Dialect>> = {
  chat: dialectOf('chat'),
  embed: dialectOf('embed'),
  rerank: dialectOf('rerank'),
};
