// How one request is answered: its id, its key, its body, its route. For the server.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendJson } from './call.ts';
import { badRequest, loadingBody, openAiRefusal, refuse, WorkerError } from './errors.ts';
import { type Body, isObject } from './fields.ts';
import type { BodiedRoute, Site } from './routes.ts';

const MOST_BODY_BYTES = 64 * 1024 * 1024;

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

async function answerBodied(
  route: BodiedRoute,
  site: Site,
  requestId: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { settings, engine, clock, newId, stored } = site;
  const no = (error: unknown) => refuse(response, error, route.refusal);
  try {
    const body = await bodyOf(request);
    if (response.destroyed) return;
    route.answer({ body, response, requestId, settings, engine, clock, newId, stored, refuse: no });
  } catch (error) {
    no(error);
  }
}

/** Any other route that infers is guarded as `/v1/` is; health stays open. */
const guarded = (path: string) => /^\/v[12]\/(?!health\/)|^\/rerank(?:ing)?$/.test(path);

export async function answer(site: Site, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { settings, newId } = site;
  const requestId = requestIdOf(request, newId);
  response.setHeader('x-request-id', requestId);
  if (site.loading) {
    response.writeHead(503, { 'content-type': 'application/json' });
    response.end(loadingBody);
    return;
  }
  const target = new URL(request.url ?? '/', 'http://worker');
  const path = target.pathname;
  if (settings.apiKey !== '' && guarded(path) && !authorised(site, request)) {
    sendJson(response, 401, { error: 'Unauthorized' });
    return;
  }
  const key = `${request.method} ${path}`;
  const plain = site.plain[key];
  const bodied = site.bodied[key];
  if (plain !== undefined) {
    request.resume();
    try {
      await plain(site, response, target.searchParams);
    } catch (error) {
      refuse(response, error, openAiRefusal);
    }
  } else if (bodied !== undefined) {
    await answerBodied(bodied, site, requestId, request, response);
  } else {
    const known = [...Object.keys(site.plain), ...Object.keys(site.bodied)].some((one) => one.endsWith(` ${path}`));
    sendJson(response, known ? 405 : 404, { detail: known ? 'Method Not Allowed' : 'Not Found' });
  }
}
