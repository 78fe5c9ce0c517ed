// One inference call over HTTP: head, body, parse, service, reply. For http/app, one handler per dialect.
import type { Context } from 'hono';
import type { Dialect } from '../core/dialect.ts';
import { RouterError, toRouterError } from '../core/errors.ts';
import type { KeptReply } from '../core/idempotency.ts';
import type { HttpLimits } from '../core/limits.ts';
import { NANO_USD_PER_USD } from '../core/money.ts';
import { RESPONSE_HEADERS } from '../core/names.ts';
import type { Disclosure, End, InferenceReply } from '../core/reply.ts';
import type { Clock, Log, NewId } from '../core/runtime.ts';
import type { InferenceService } from '../core/service.ts';
import type { CallSignal } from '../core/signal.ts';
import { type Admit, mayCall } from './credential.ts';
import { errorReply, headerText } from './errors.ts';
import type { Ingress } from './ingress.ts';
import { checkMedia } from './json-body.ts';
import { type KeptReplies, readIdempotencyKey, replayedHeaders, type Try } from './kept-replies.ts';
import type { TurnAway } from './overload.ts';
import { rateLimitHeaders } from './rate-limit-headers.ts';
import { readRun, readStep } from './run.ts';
import { readTraceId } from './trace.ts';
import { readWants } from './wants.ts';

export interface CallDeps {
  readonly service: InferenceService;
  readonly ingress: Ingress;
  /** Knows who may come in. */
  readonly admit: Admit;
  readonly limits: HttpLimits;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly log: Log;
  /** Where replies are kept for requests with an Idempotency-Key; none: the key is not looked at. */
  readonly replies?: KeptReplies;
  /** Refuses all while the process cannot take any; none: it always can. */
  readonly turnAway?: TurnAway;
}

/** `route` is one of the dialect's own. */
export function createCallHandler(dialect: Dialect, route: string, deps: CallDeps) {
  return async function call(context: Context): Promise<Response> {
    const receivedMs = deps.clock.nowMs();
    const id = deps.newId();
    const { ingress } = deps;
    let asked: string | undefined;
    const signal = ingress.signal(context);
    let running: Try | null = null;
    try {
      const away = deps.turnAway?.(dialect.class) ?? null;
      if (away !== null) throw away;
      const headers = ingress.headers(context);
      const admitted = deps.admit(context);
      const caller = admitted instanceof Promise ? await admitted : admitted;
      mayCall(caller, route);
      const wants = readWants(headers);
      checkMedia(headers);
      const key = readIdempotencyKey(headers);
      const body = await ingress.body(context, deps.limits);
      const parsed = dialect.parse(body, deps.limits, { path: route, query: queryOf(context.req.url), headers });
      asked = parsed.model;
      const run = readRun(headers) ?? parsed.namedRun?.() ?? null;
      const step = readStep(headers);
      const traceId = readTraceId(headers);
      const request = { id, dialect, body, call: parsed, caller, wants, run, step, traceId, signal, receivedMs };
      if (key === null || deps.replies === undefined)
        return await send(context, deps, dialect, await deps.service(request), id, signal, null);
      const scope = { tenant: caller.tenant, route, key };
      const begun = await deps.replies.begin(scope, body);
      if ('status' in begun) return await replay(context, deps, begun, id, signal);
      running = begun;
      return await send(context, deps, dialect, await deps.service(request), id, signal, begun);
    } catch (thrown) {
      if (!(thrown instanceof RouterError))
        deps.log.error('fault', { id, name: nameOf(thrown), stack: stackOf(thrown) });
      void running?.over('failed').catch(faultOf(deps.log, id));
      return ingress.answer(context, errorReply(toRouterError(thrown), id, dialect, asked));
    }
  };
}

function send(
  context: Context,
  deps: CallDeps,
  dialect: Dialect,
  reply: InferenceReply,
  id: string,
  signal: CallSignal,
  running: Try | null,
): Response | Promise<Response> {
  const { sink, response } = deps.ingress.exit(context, signal, (error) => reply.body.failure(error));
  const out = running === null ? sink : running.tap(sink);
  out.head(200, replyHeaders(reply, dialect, id), reply.body.length);
  const end = reply.body.pipe(out, signal);
  if (running !== null) void overWith(running, end).catch(faultOf(deps.log, id));
  else if (end instanceof Promise) end.catch(faultOf(deps.log, id));
  return response;
}

/** Whatever becomes of a keyed request, its key is not left taken. */
async function overWith(running: Try, end: End | Promise<End>): Promise<void> {
  let how: End['how'] = 'failed';
  try {
    ({ how } = await end);
  } finally {
    await running.over(how);
  }
}

/** An earlier reply to the same request. */
function replay(
  context: Context,
  { ingress }: CallDeps,
  kept: KeptReply,
  id: string,
  signal: CallSignal,
): Response | Promise<Response> {
  const { sink, response } = ingress.exit(context, signal, () => null);
  sink.head(kept.status, replayedHeaders(kept, id), kept.body.length);
  sink.end(kept.body);
  return response;
}

const faultOf = (log: Log, id: string) => (thrown: unknown) =>
  log.error('fault', { id, name: nameOf(thrown), stack: stackOf(thrown) });

function replyHeaders(reply: InferenceReply, dialect: Dialect, id: string): Record<string, string> {
  const said: Disclosure = reply.disclosure;
  const headers: Record<string, string> = {
    'content-type': reply.contentType,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-request-id': id,
    [RESPONSE_HEADERS.asked]: headerText(said.asked),
    [RESPONSE_HEADERS.served]: headerText(said.served),
    [RESPONSE_HEADERS.rung]: String(said.rung),
    [RESPONSE_HEADERS.attempts]: String(said.attempts),
    [RESPONSE_HEADERS.queueMs]: String(Math.round(said.queueMs)),
  };
  if (said.quota != null) Object.assign(headers, rateLimitHeaders(said.quota, dialect.name));
  if (said.charge != null) headers[RESPONSE_HEADERS.costUsd] = (said.charge / NANO_USD_PER_USD).toFixed(9);
  if (said.degraded !== null) headers[RESPONSE_HEADERS.degraded] = said.degraded;
  if (said.coldMs > 0) headers[RESPONSE_HEADERS.coldMs] = String(Math.round(said.coldMs));
  if (said.zone !== null) headers[RESPONSE_HEADERS.zone] = headerText(said.zone);
  if (said.dropped.length > 0) headers[RESPONSE_HEADERS.dropped] = headerText(said.dropped.join(', '));
  if (said.scores !== null) headers[RESPONSE_HEADERS.scores] = said.scores;
  if (dialect.requestIdHeader !== null) headers[dialect.requestIdHeader] = id;
  const passed = reply.headers;
  // The router's own headers stand: a target must not speak for it.
  for (let i = 0; i < passed.length; i += 2) headers[passed[i]!] ??= headerText(passed[i + 1]!);
  return headers;
}

function queryOf(url: string): string {
  const at = url.indexOf('?');
  return at < 0 ? '' : url.slice(at);
}

function nameOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.name : typeof thrown;
}

/** Frames only: a stranger's message may quote what it choked on. */
function stackOf(thrown: unknown): string | undefined {
  return thrown instanceof Error
    ? thrown.stack
        ?.split('\n')
        .filter((line) => line.startsWith('    at '))
        .join('\n')
    : undefined;
}
