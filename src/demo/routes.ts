// Which route answers which request. For the server.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../core/runtime.ts';
import { type Call, sendJson } from './call.ts';
import { chatCompletions } from './chat.ts';
import { completions } from './completions.ts';
import { embeddings } from './embeddings.ts';
import type { Engine } from './engine.ts';
import { badRequest, errorBody, loadingBody, WorkerError } from './errors.ts';
import { type Body, isObject } from './fields.ts';
import { metricsText } from './metrics.ts';
import type { DemoSettings } from './options.ts';
import { detokenize, tokenize } from './tokens.ts';

const MOST_BODY_BYTES = 64 * 1024 * 1024;
const VERSION = '0.32.0-demo';

/** One worker as its routes see it. */
export interface Site {
  readonly settings: DemoSettings;
  readonly clock: Clock;
  readonly engine: Engine;
  readonly newId: () => string;
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

const PLAIN: Record<string, PlainRoute> = {
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

const BODIED: Record<DemoSettings['kind'], Record<string, (call: Call) => void>> = {
  chat: {
    'POST /v1/chat/completions': chatCompletions,
    'POST /v1/completions': completions,
    'POST /tokenize': tokenize,
    'POST /detokenize': detokenize,
  },
  embed: { 'POST /v1/embeddings': embeddings, 'POST /tokenize': tokenize, 'POST /detokenize': detokenize },
};

async function bodyOf(request: IncomingMessage): Promise<Body> {
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/json\b/i.test(type))
    throw badRequest("Unsupported Media Type: Only 'application/json' is allowed");
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MOST_BODY_BYTES)
      throw new WorkerError(413, 'BadRequestError', `The body is larger than ${MOST_BODY_BYTES} bytes.`);
    chunks.push(chunk);
  }
  let value: unknown;
  try {
    value = JSON.parse(Buffer.concat(chunks, size).toString('utf8'));
  } catch (error) {
    throw new WorkerError(400, 'Bad Request', `The body is not valid JSON: ${(error as Error).message}`);
  }
  if (!isObject(value)) throw badRequest('The body must be a JSON object.');
  return value;
}

const sha256 = (text: string) => createHash('sha256').update(text).digest();

function authorised({ settings }: Site, request: IncomingMessage): boolean {
  const given = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  return given !== undefined && timingSafeEqual(sha256(given), sha256(settings.apiKey));
}

function requestIdOf(request: IncomingMessage, newId: () => string): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given) ? given : newId();
}

export async function answer(site: Site, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { settings, engine, clock, newId } = site;
  const requestId = requestIdOf(request, newId);
  response.setHeader('x-request-id', requestId);
  if (site.loading) {
    response.writeHead(503, { 'content-type': 'application/json' });
    response.end(loadingBody);
    return;
  }
  const target = new URL(request.url ?? '/', 'http://worker');
  const path = target.pathname;
  if (settings.apiKey !== '' && path.startsWith('/v1/') && !authorised(site, request)) {
    sendJson(response, 401, { error: 'Unauthorized' });
    return;
  }
  const key = `${request.method} ${path}`;
  const plain = PLAIN[key];
  const bodied = BODIED[settings.kind][key];
  if (plain !== undefined) {
    request.resume();
    await plain(site, response, target.searchParams);
  } else if (bodied !== undefined) {
    const body = await bodyOf(request);
    if (!response.destroyed) bodied({ body, response, requestId, settings, engine, clock, newId });
  } else {
    const known = [...Object.keys(PLAIN), ...Object.keys(BODIED[settings.kind])].some((one) =>
      one.endsWith(` ${path}`),
    );
    sendJson(response, known ? 405 : 404, { detail: known ? 'Method Not Allowed' : 'Not Found' });
  }
}

export function refuse(response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const known = error instanceof WorkerError ? error : new WorkerError(500, 'InternalServerError', String(error));
  // A body that was not read to its end leaves the connection unusable.
  const headers = { 'content-type': 'application/json', ...(known.status === 413 ? { connection: 'close' } : {}) };
  response.writeHead(known.status, headers);
  response.end(errorBody(known));
}
