// Which routes a worker has. For the exchange, which finds the one that a request asks for.
import type { ServerResponse } from 'node:http';
import type { RerankForm } from '../core/names.ts';
import type { Clock } from '../core/runtime.ts';
import { type Call, sendJson } from './call.ts';
import { chatCompletions } from './chat.ts';
import { completions } from './completions.ts';
import { embeddings } from './embeddings.ts';
import type { Engine } from './engine.ts';
import { anthropicRefusal, badRequest, openAiRefusal, type Refusal } from './errors.ts';
import { countTokens, messages } from './messages.ts';
import { metricsText } from './metrics.ts';
import type { DemoSettings } from './options.ts';
import { rerank } from './rerank.ts';
import { RERANK_FORM_TABLE } from './rerank-forms.ts';
import { responses } from './responses.ts';
import type { StoredConversations } from './stored-conversations.ts';
import { detokenize, tokenize } from './tokens.ts';

const VERSION = '0.32.0-demo';

/** One worker as its routes see it. */
export interface Site {
  readonly settings: DemoSettings;
  readonly clock: Clock;
  readonly engine: Engine;
  readonly newId: () => string;
  readonly stored: StoredConversations;
  readonly plain: PlainRoutes;
  readonly bodied: BodiedRoutes;
  readonly createdSeconds: number;
  loading: boolean;
}

type PlainRoute = (site: Site, response: ServerResponse, query: URLSearchParams) => void | Promise<void>;

const empty = (response: ServerResponse, status: number) => {
  response.writeHead(status, { 'content-length': 0 });
  response.end();
};

function models({ settings, createdSeconds }: Site, response: ServerResponse): void {
  const { model, maxModelLen } = settings;
  const card = {
    id: model,
    object: 'model',
    created: createdSeconds,
    owned_by: 'spillway-demo',
    root: model,
    parent: null,
  };
  sendJson(response, 200, { object: 'list', data: [{ ...card, max_model_len: maxModelLen, permission: [] }] });
}

const health: PlainRoute = ({ engine }, response) => empty(response, engine.healthy ? 200 : 503);

type PlainRoutes = Readonly<Record<string, PlainRoute>>;

const PLAIN: PlainRoutes = {
  'GET /v1/models': models,
  'GET /health': health,
  'GET /ping': health,
  'POST /ping': health,
  'GET /version': (_site, response) => sendJson(response, 200, { version: VERSION }),
  'GET /load': ({ engine }, response) => {
    const { running, waiting } = engine.gauges();
    sendJson(response, 200, { server_load: running + waiting });
  },
  'GET /metrics': ({ engine, settings }, response) => {
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
    response.end(metricsText(engine.counters, engine.gauges(), settings));
  },
  'POST /sleep': ({ engine }, response, query) => {
    const level = Number(query.get('level') ?? '1');
    if (level !== 1 && level !== 2) throw badRequest('level must be 1 or 2.', 'level');
    engine.sleep(level);
    empty(response, 200);
  },
  'POST /wake_up': async ({ engine }, response) => {
    await engine.wake();
    empty(response, 200);
  },
  'GET /is_sleeping': ({ engine }, response) => sendJson(response, 200, { is_sleeping: engine.sleepLevel > 0 }),
  'POST /reset_prefix_cache': ({ engine }, response) => {
    engine.resetPrefixCache();
    empty(response, 200);
  },
};

/** Where NIM says how it is, beside what every worker has. */
const NIM: PlainRoutes = { 'GET /v1/health/ready': health, 'GET /v1/health/live': health };

/** The routes of a worker that read no body. */
export const plainRoutes = ({ kind, rerankForm }: DemoSettings): PlainRoutes =>
  kind === 'rerank' && rerankForm === 'nim' ? { ...PLAIN, ...NIM } : PLAIN;

export interface BodiedRoute {
  readonly answer: (call: Call) => void;
  readonly refusal: Refusal;
}

export type BodiedRoutes = Readonly<Record<string, BodiedRoute>>;

const openAi = (answer: BodiedRoute['answer']): BodiedRoute => ({ answer, refusal: openAiRefusal });
const anthropic = (answer: BodiedRoute['answer']): BodiedRoute => ({ answer, refusal: anthropicRefusal });

const TOKENS: BodiedRoutes = { 'POST /tokenize': openAi(tokenize), 'POST /detokenize': openAi(detokenize) };

const CHAT: BodiedRoutes = {
  ...TOKENS,
  'POST /v1/chat/completions': openAi(chatCompletions),
  'POST /v1/completions': openAi(completions),
  'POST /v1/responses': openAi(responses),
  'POST /v1/messages': anthropic(messages),
  'POST /v1/messages/count_tokens': anthropic(countTokens),
};

function rerankRoutes(form: RerankForm): BodiedRoutes {
  const described = RERANK_FORM_TABLE[form];
  const route = { answer: (call: Call) => rerank(call, described), refusal: described.refusal };
  return { ...TOKENS, ...Object.fromEntries(described.paths.map((path) => [`POST ${path}`, route])) };
}

/** The routes of a worker that read a body. */
export function bodiedRoutes({ kind, rerankForm }: DemoSettings): BodiedRoutes {
  if (kind === 'chat') return CHAT;
  return kind === 'embed' ? { ...TOKENS, 'POST /v1/embeddings': openAi(embeddings) } : rerankRoutes(rerankForm);
}
