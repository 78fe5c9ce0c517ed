// Decides which run a request has by the time it reaches the router: its head's, else its body's, else nobody knows yet.
// For http/call.
import { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import type { Dialect } from '../../src/core/dialect.ts';
import { RouterError } from '../../src/core/errors.ts';
import { DEFAULT_HTTP_LIMITS } from '../../src/core/limits.ts';
import type { InferenceRequest } from '../../src/core/request.ts';
import { dialects } from '../../src/dialects/index.ts';
import { createCallHandler } from '../../src/http/call.ts';
import { webIngress } from '../../src/http/web-sink.ts';
import { claudeCodeRequest, codexRequest } from '../fakes/agent-requests.ts';
import { CALLER } from '../fakes/call-parts.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';

/** The request as it was handed on; null where it was refused before. */
async function handedOn(dialect: Dialect, body: object, headers: Record<string, string> = {}) {
  let seen: InferenceRequest | null = null;
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  const handler = createCallHandler(dialect, dialect.routes[0]!, {
    service: (request) => {
      seen = request;
      throw new RouterError('upstream_error', 'Enough was seen.');
    },
    ingress: webIngress,
    admit: () => CALLER,
    limits: DEFAULT_HTTP_LIMITS,
    clock: new VirtualClock(),
    newId: () => 'req_0',
    log: silent,
  });
  const app = new Hono().post('*', handler);
  const response = await app.request(dialect.routes[0]!, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return { request: seen as InferenceRequest | null, status: response.status };
}

const runOf = async (...call: Parameters<typeof handedOn>) => (await handedOn(...call)).request?.run;
const { 'openai-chat': chat, 'openai-responses': responses, 'anthropic-messages': messages } = dialects;

describe('the run of a request', () => {
  it('is what the head says, and only without that what the body says', async () => {
    const claude = claudeCodeRequest('m');
    const session = claude.headers['x-claude-code-session-id'];
    const { 'x-claude-code-session-id': _, 'x-claude-code-agent-id': __, ...bare } = claude.headers;
    const own = { ...claude.headers, 'x-spillway-run': 'job' };
    expect(await runOf(messages, claude.body, own)).toMatchObject({
      run: 'job',
      agent: 'a7e1c2d4',
      source: 'declared',
    });
    expect(await runOf(messages, claude.body, claude.headers)).toMatchObject({ run: session, agent: 'a7e1c2d4' });
    expect(await runOf(messages, claude.body, bare)).toMatchObject({ run: session, agent: null, source: 'harness' });

    const codex = codexRequest('m');
    expect(await runOf(responses, codex.body, codex.headers)).toMatchObject({ source: 'harness' });
    expect(await runOf(responses, codex.body)).toMatchObject({
      run: codex.body['prompt_cache_key'],
      source: 'inferred',
    });
  });

  it('is null where only the prompt can tell', async () => {
    const { request } = await handedOn(chat, { model: 'm', messages: [{ role: 'user', content: 'x' }] });
    expect(request).toMatchObject({ run: null, step: null });
  });

  it('comes with the kind of step and the time that the client waits', async () => {
    const body = { model: 'm', messages: [], max_tokens: 1 };
    const { request } = await handedOn(messages, body, { 'x-app': 'cli-bg', 'x-stainless-timeout': '300' });
    expect(request).toMatchObject({ step: 'background', wants: { timeoutMs: 300_000 } });
  });

  it('a declared id that is none is refused before the router', async () => {
    const asked = await handedOn(chat, { model: 'm', messages: [] }, { 'x-spillway-run': 'a b' });
    expect(asked).toEqual({ request: null, status: 400 });
  });
});
