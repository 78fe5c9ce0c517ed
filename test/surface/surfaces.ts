// Decides which surfaces there are: the routes in every form that callers use, each with a call, a target's whole reply
// and its stream. For suites that hold for all of them alike.
import type { DialectName, RerankForm } from '../../src/core/names.ts';
import { chatReply, completionReply, embeddingReply, type Usage } from '../fakes/chat-fixtures.ts';
import { chatFrames, completionFrames, type Frames, messageFrames, responseFrames } from '../upstream/wire-streams.ts';

/** Tokens as the log line of a call has them. */
export interface Tokens {
  readonly uncachedTokens: number | undefined;
  readonly cachedTokens: number | undefined;
  readonly outputTokens: number | undefined;
}
export const NO_TOKENS: Tokens = { uncachedTokens: undefined, cachedTokens: undefined, outputTokens: undefined };
const TOKENS: Tokens = { uncachedTokens: 4, cachedTokens: 3, outputTokens: 4 };
const inputOnly = (uncachedTokens: number): Tokens => ({ uncachedTokens, cachedTokens: 0, outputTokens: 0 });

/** A whole reply as a target sends it and as the caller gets it: the same bytes unless it is put into another form. */
export interface WholeReply {
  readonly sent: Buffer;
  readonly got: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Surface {
  readonly name: string;
  readonly path: string;
  readonly dialect: DialectName;
  /** Whose pools serve it, named after class or rerank form; models are named after them too. */
  readonly group: 'chat' | 'embed' | RerankForm;
  /** A field that no call does without. */
  readonly required: string;
  /** The target takes and answers another form of rerank. */
  readonly translated: boolean;
  body(model: string): Record<string, unknown>;
  /** `mark` tells replies of two targets apart. */
  reply(mark: string): WholeReply;
  readonly frames: ((mark: string) => Frames) | null;
  readonly tokens: Tokens;
}

/** What a stream has told of its tokens before its last event. */
export const tokensBegun = ({ dialect }: Surface): Tokens =>
  dialect === 'anthropic-messages' ? { uncachedTokens: 4, cachedTokens: 3, outputTokens: 1 } : NO_TOKENS;

export const classOf = ({ group }: Surface): 'chat' | 'embed' | 'rerank' =>
  group === 'chat' || group === 'embed' ? group : 'rerank';

const usage: Usage = { prompt: 7, completion: 4, cached: 3 };
const passed = (value: unknown, headers: Record<string, string> = {}): WholeReply => {
  const bytes = Buffer.from(JSON.stringify(value));
  return { sent: bytes, got: bytes, headers };
};
const generating = { group: 'chat', translated: false, tokens: TOKENS } as const;
const messages = [{ role: 'user', content: 'Hi' }];

const chat: Surface = {
  ...generating,
  name: 'chat',
  path: '/v1/chat/completions',
  dialect: 'openai-chat',
  required: 'messages',
  body: (model) => ({ model, messages, stream_options: { include_usage: true } }),
  reply: (id) => passed(chatReply({ id, usage, text: 'Grüße, 世界 🌍' })),
  frames: chatFrames,
};

const completions: Surface = {
  ...generating,
  name: 'completions',
  path: '/v1/completions',
  dialect: 'openai-completions',
  required: 'prompt',
  body: (model) => ({ model, prompt: 'Hi' }),
  reply: (id) => passed(completionReply({ id, usage, text: 'Grüße, 世界 🌍' })),
  frames: completionFrames,
};

const responses: Surface = {
  ...generating,
  name: 'responses',
  path: '/v1/responses',
  dialect: 'openai-responses',
  required: 'input',
  body: (model) => ({ model, input: 'Hi', store: false }),
  reply: (id) =>
    passed({
      id,
      object: 'response',
      status: 'completed',
      model: 'm',
      error: null,
      output: [{ id: 'i', type: 'message', content: [{ type: 'output_text', text: 'Grüße, 世界 🌍' }] }],
      usage: { input_tokens: 7, input_tokens_details: { cached_tokens: 3 }, output_tokens: 4, total_tokens: 11 },
    }),
  frames: responseFrames,
};

const claude: Surface = {
  ...generating,
  name: 'messages',
  path: '/v1/messages',
  dialect: 'anthropic-messages',
  required: 'messages',
  body: (model) => ({ model, messages, max_tokens: 64 }),
  reply: (id) =>
    passed({
      id,
      type: 'message',
      role: 'assistant',
      model: 'm',
      content: [{ type: 'text', text: 'Grüße, 世界 🌍' }],
      stop_reason: 'end_turn',
      usage: { input_tokens: 4, cache_read_input_tokens: 3, output_tokens: 4 },
    }),
  frames: messageFrames,
};

const countTokens: Surface = {
  ...generating,
  name: 'count_tokens',
  path: '/v1/messages/count_tokens',
  dialect: 'anthropic-count-tokens',
  required: 'messages',
  body: (model) => ({ model, messages }),
  reply: (mark) => passed({ input_tokens: 12, mark }),
  frames: null,
  tokens: NO_TOKENS,
};

const embeddings: Surface = {
  name: 'embeddings',
  path: '/v1/embeddings',
  dialect: 'openai-embeddings',
  group: 'embed',
  required: 'input',
  translated: false,
  body: (model) => ({ model, input: ['a', 'b'], encoding_format: 'base64' }),
  reply: (model) => passed(embeddingReply({ inputs: 2, encoding: 'base64', model, promptTokens: 12 })),
  frames: null,
  tokens: inputOnly(12),
};

const texts = ['one', 'Grüße, 世界', 'three'];
const order = [2, 0, 1];
const scoreOf = (place: number) => 0.9 - place / 4;
const ranked = (more: (place: number, index: number) => object) =>
  order.map((index, place) => ({ index, ...more(place, index) }));
const ranking = { dialect: 'rerank', translated: false, frames: null, tokens: inputOnly(42) } as const;
const tokens = { usage: { total_tokens: 42 } };
const relevance = ranked((place) => ({ relevance_score: scoreOf(place) }));
const withTexts = ranked((place, index) => ({ relevance_score: scoreOf(place), document: { text: texts[index] } }));

const cohere: Surface = {
  ...ranking,
  name: 'rerank v2 (Cohere)',
  path: '/v2/rerank',
  group: 'cohere',
  required: 'documents',
  body: (model) => ({ model, query: 'q', documents: texts }),
  reply: (id) => passed({ id, results: relevance, meta: { tokens: { input_tokens: 42 } } }),
};

const jina: Surface = {
  ...ranking,
  name: 'rerank v1 (Jina)',
  path: '/v1/rerank',
  group: 'jina',
  required: 'documents',
  body: (model) => ({ model, query: 'q', documents: texts }),
  reply: (model) => passed({ model, object: 'list', ...tokens, results: withTexts }),
};

const voyage: Surface = {
  ...ranking,
  name: 'rerank v1 (Voyage)',
  path: '/v1/rerank',
  group: 'voyage',
  required: 'documents',
  body: (model) => ({ model, query: 'q', documents: texts, truncation: true }),
  reply: (model) => passed({ object: 'list', data: relevance, model, ...tokens }),
};

const tei: Surface = {
  ...ranking,
  name: 'rerank (TEI)',
  path: '/rerank',
  group: 'tei',
  required: 'texts',
  body: (model) => ({ model, query: 'q', texts }),
  reply: (mark) =>
    passed(
      ranked((place) => ({ score: scoreOf(place), mark })),
      { 'x-compute-tokens': '42' },
    ),
};

const jinaByNim: Surface = {
  ...jina,
  name: 'rerank v1 (Jina), answered in the form of NIM',
  group: 'nim',
  translated: true,
  reply(model) {
    const rankings = ranked((place) => ({ logit: scoreOf(place) }));
    const got = { object: 'list', model, ...tokens, results: withTexts };
    return { ...passed({ model, rankings, ...tokens }), got: Buffer.from(JSON.stringify(got)) };
  },
};

const teiByCohere: Surface = {
  ...tei,
  name: 'rerank (TEI), answered in the form of Cohere',
  group: 'cohere',
  translated: true,
  reply(mark) {
    const got = ranked((place) => ({ score: scoreOf(place) }));
    return { ...cohere.reply(mark), got: Buffer.from(JSON.stringify(got)) };
  },
};

export const SURFACES: readonly Surface[] = [
  chat,
  completions,
  responses,
  claude,
  countTokens,
  embeddings,
  cohere,
  jina,
  voyage,
  tei,
  jinaByNim,
  teiByCohere,
];

/** One way to call a surface: whole or streamed. */
export interface Call {
  readonly name: string;
  readonly surface: Surface;
  /** The streamed reply; null: it comes whole. */
  readonly frames: Surface['frames'];
}

export const CALLS: readonly Call[] = SURFACES.flatMap((surface): Call[] => {
  const whole = { name: surface.name, surface, frames: null };
  return surface.frames === null
    ? [whole]
    : [whole, { name: `${surface.name}, streamed`, surface, frames: surface.frames }];
});

export const STREAMED = CALLS.filter((call): call is Call & { frames: NonNullable<Call['frames']> } => {
  return call.frames !== null;
});

/** The body of a call, with further fields that the router does not know. */
export function bodyOf({ surface, frames }: Call, model: string, more: object = {}): Record<string, unknown> {
  return { ...surface.body(model), ...(frames === null ? {} : { stream: true }), ...more };
}

/** What the caller gets of a whole reply of this mark. */
export function gotOf({ surface, frames }: Call, mark: string): Buffer {
  if (frames === null) return surface.reply(mark).got;
  const { events, shown } = frames(mark);
  return Buffer.concat(events.filter((_, at) => shown(at)));
}

/** A call with a note for whoever answers it, in a field that every target is told: of a rerank call the query. */
export const noting = (call: Call, model: string, note: string): Record<string, unknown> =>
  bodyOf(call, model, { [classOf(call.surface) === 'rerank' ? 'query' : 'user']: note });
