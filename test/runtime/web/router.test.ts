// Decides that a router that lives in somebody's app and reaches its targets by fetch keeps its promises: whole replies,
// honest failures, other rungs, nothing left open. For apps that embed it, and for the edge.

import { gunzipSync } from 'node:zlib';
import { Hono } from 'hono';
import { compress } from 'hono/compress';
import { cors } from 'hono/cors';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createWebRuntime } from '../../../src/runtime/web/runtime.ts';
import { type Spillway, spillway } from '../../../src/spillway.ts';
import { chatReply, chatStream } from '../../fakes/chat-fixtures.ts';
import { eventually, eventuallyHolds } from '../../fakes/eventually.ts';
import {
  closedPort,
  encoded,
  encodedReply,
  type FaultUpstream,
  hang,
  hangUp,
  json,
  redirect,
  reset,
  startFaultUpstream,
  streamHead,
  write,
  writeAll,
} from '../../fakes/fault-upstream.ts';
import { policyFor } from '../../fakes/running-router.ts';

const stray: unknown[] = [];
const note = (thrown: unknown) => stray.push(thrown);
let upstream: FaultUpstream;
let dead = '';
let lines: Record<string, unknown>[] = [];
let gateway: Spillway;
let app: Hono;
const runtime = createWebRuntime({ write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) });

beforeAll(async () => {
  process.on('unhandledRejection', note);
  upstream = await startFaultUpstream();
  dead = `http://127.0.0.1:${await closedPort()}`;
});
beforeEach(async () => {
  lines = [];
  gateway = spillway({ policy: { text: policyFor([upstream.url, upstream.url], { same: true }) }, runtime });
  app = new Hono();
  app.route('/ai', gateway);
  await gateway.ready;
});
afterEach(async () => {
  const router = await gateway.ready;
  await eventuallyHolds(() => {
    expect(router.open).toBe(0);
    for (const pool of router.status().pools) expect(pool).toMatchObject({ inFlight: 0, waiting: 0 });
  });
  await gateway.close();
  expect(runtime.transport.connections()).toBe(0);
  expect(lines.filter(({ event }) => event === 'fault')).toEqual([]);
  expect(stray).toEqual([]);
});
afterAll(async () => {
  process.off('unhandledRejection', note);
  await upstream.close();
});

const chats = () => upstream.requests.filter(({ path }) => path === '/v1/chat/completions');

function chat(more: Record<string, unknown> = {}, init: RequestInit = {}): Promise<Response> {
  const body = JSON.stringify({ model: 'asked', messages: [{ role: 'user', content: 'Hello' }], ...more });
  const headers = { 'content-type': 'application/json' };
  return Promise.resolve(app.request('/ai/v1/chat/completions', { method: 'POST', headers, body, ...init }));
}

const errorOf = async (reply: Response) => ((await reply.json()) as { error: { code: string } }).error.code;

describe('in an app', () => {
  it('its middleware is in force: who may call, from where, and how replies are packed', async () => {
    const outer = new Hono();
    outer.use(cors({ origin: 'https://app.example' }), compress({ threshold: 1 }));
    outer.use('/ai/*', async (context, next) => {
      if (context.req.header('authorization') !== 'Bearer mine') return context.text('Who are you?', 401);
      return next();
    });
    outer.route('/ai', gateway);
    const headers = { origin: 'https://app.example', 'accept-encoding': 'gzip' };
    const stranger = await outer.request('/ai/v1/models', { headers });
    expect([stranger.status, stranger.headers.get('access-control-allow-origin')]).toEqual([401, headers.origin]);
    const text = JSON.stringify(chatReply({ model: 'served-1' }));
    upstream.next(json(200, JSON.parse(text)));
    const reply = await outer.request('/ai/v1/chat/completions', {
      method: 'POST',
      headers: { ...headers, authorization: 'Bearer mine', 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'asked', messages: [{ role: 'user', content: 'Hello' }] }),
    });
    expect(reply.headers.get('access-control-allow-origin')).toBe(headers.origin);
    expect(reply.headers.get('content-encoding')).toBe('gzip');
    expect(gunzipSync(Buffer.from(await reply.arrayBuffer())).toString()).toBe(text);
  });

  it('it can be mounted by its fetch, as an app of another version of Hono must', async () => {
    const outer = new Hono();
    outer.mount('/ai', gateway.fetch);
    const listed = await outer.request('/ai/v1/models');
    expect(((await listed.json()) as { data: { id: string }[] }).data.map(({ id }) => id)).toContain('asked');
  });
});

describe('a router by fetch', () => {
  it('passes a whole reply and a whole stream on, with what they disclose', async () => {
    const text = JSON.stringify(chatReply({ text: 'Grüße', model: 'served-1' }));
    upstream.next(json(200, JSON.parse(text)));
    const reply = await chat();
    expect(reply.status).toBe(200);
    expect(reply.headers.get('x-spillway-served')).toBe('pool-1/served-1');
    expect(await reply.text()).toBe(text);

    const events = chatStream({ text: 'one two three' });
    upstream.next(streamHead(), writeAll(events));
    const stream = await chat({ stream: true });
    expect(stream.headers.get('content-type')).toContain('text/event-stream');
    expect(await stream.text()).toBe(Buffer.concat(events).toString());
    expect(lines.filter(({ event }) => event === 'call').map(({ how }) => how)).toEqual(['complete', 'complete']);
  });

  it('passes on what has come while the rest is on its way', async () => {
    const events = chatStream({ text: 'one two three' });
    upstream.next(streamHead(), writeAll(events.slice(0, 2)), hang());
    const gone = new AbortController();
    const reply = await chat({ stream: true }, { signal: gone.signal });
    const reader = reply.body!.getReader();
    expect(Buffer.from((await reader.read()).value!).toString()).toContain('one');
    await reader.cancel();
  });

  for (const [how, cut] of [
    ['reset', reset()],
    ['closed', hangUp()],
  ] as const) {
    it(`a stream that is ${how} in its middle ends with an error, never as if it were whole`, async () => {
      upstream.next(streamHead(), writeAll(chatStream({ text: 'one two three' }).slice(0, 3)), cut);
      const text = await (await chat({ stream: true })).text();
      expect(text).toContain('one');
      expect(text).toContain('"error"');
      expect(text).not.toContain('[DONE]');
    });
  }

  it('a reply that is cut, or none, is asked for again at the next rung', async () => {
    const whole = JSON.stringify(chatReply());
    const { length } = chats();
    upstream.next(streamHead({ 'content-type': 'application/json' }), write(whole.slice(0, 40)), reset());
    const reply = await chat();
    expect(reply.status).toBe(200);
    expect(reply.headers.get('x-spillway-attempts')).toBe('2');
    expect(chats()).toHaveLength(length + 2);
  });

  it('a target on which nobody listens is passed over, and where there is no other it is a 502', async () => {
    const alone = spillway({ policy: { text: policyFor([dead]) }, runtime });
    const pair = spillway({ policy: { text: policyFor([dead, upstream.url], { same: true }) }, runtime });
    app.route('/alone', alone);
    app.route('/pair', pair);
    const body = JSON.stringify({ model: 'asked', messages: [{ role: 'user', content: 'Hello' }] });
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
    const passed = await app.request('/pair/v1/chat/completions', init);
    expect([passed.status, passed.headers.get('x-spillway-served')]).toEqual([200, 'pool-2/served-2']);
    const failed = await app.request('/alone/v1/chat/completions', init);
    expect(failed.status).toBeGreaterThanOrEqual(502);
    expect(await errorOf(failed)).toMatch(/^(?:upstream_error|server_is_overloaded)$/);
    await alone.close();
    await pair.close();
  });

  it('follows no redirect', async () => {
    upstream.behave(({ path }) => (path === '/v1/chat/completions' ? [redirect(302, '/elsewhere')] : [json(200, {})]));
    try {
      const reply = await chat();
      expect([reply.status, await errorOf(reply)]).toEqual([502, 'upstream_error']);
      expect(upstream.requests.map(({ path }) => path)).not.toContain('/elsewhere');
    } finally {
      upstream.behave(() => [json(200, chatReply())]);
    }
  });

  it('a reply that fetch has unpacked is passed on as what it is', async () => {
    const text = JSON.stringify(chatReply({ model: 'served-1' }));
    upstream.next(encodedReply(encoded(text, ['gzip']), ['gzip']));
    const reply = await chat();
    expect(reply.headers.get('content-encoding')).toBeNull();
    expect(await reply.text()).toBe(text);
  });

  for (const [phase, stream, script] of [
    ['before the head', false, [hang()]],
    ['before first content', true, [streamHead(), hang()]],
    ['in the stream', true, [streamHead(), writeAll(chatStream({ text: 'one two' }).slice(0, 3)), hang()]],
  ] as const) {
    it(`F078 a caller who leaves ${phase} ends the call at the target within 250 ms`, async () => {
      const { served } = upstream;
      upstream.next(...script);
      const gone = new AbortController();
      const reply = chat({ stream }, { signal: gone.signal }).catch(() => null);
      await upstream.waitFor((one) => one.served === served + 1);
      if (phase === 'in the stream') await (await reply)!.body!.getReader().read();
      const request = chats().at(-1)!;
      const atMs = performance.now();
      gone.abort();
      await eventually(() => request.abortedByRouterAtMs !== undefined);
      expect(request.abortedByRouterAtMs! - atMs).toBeLessThan(250);
      await eventually(() => lines.some(({ event, how }) => event === 'call' && how === 'client_gone'));
    });
  }
});
