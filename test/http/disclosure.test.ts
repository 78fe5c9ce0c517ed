// Decides what every reply says of itself: which model was asked, which one answered, where on the ladder, why, after
// how many tries. For callers who must not be deceived by a fallback.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chatReply, chatStream } from '../fakes/chat-fixtures.ts';
import { eventuallyHolds } from '../fakes/eventually.ts';
import {
  type FaultUpstream,
  hang,
  json,
  reply,
  startFaultUpstream,
  streamHead,
  writeAll,
} from '../fakes/fault-upstream.ts';
import { postBytes, RawConnection, type RawResponse, rawRequest } from '../fakes/raw-client.ts';
import { policyFor, startTestRouter, type TestRouter } from '../fakes/running-router.ts';
import { CHAT, chatBody, expectRefusal, refusalOf } from './stage.ts';

let top: FaultUpstream;
let low: FaultUpstream;
let router: TestRouter;
let sameRouter: TestRouter;
const timeouts = '{ timeouts: { connect: 500ms, headers: 300ms, firstContent: 300ms, idle: 300ms, total: 5s } }';

beforeAll(async () => {
  top = await startFaultUpstream();
  low = await startFaultUpstream();
  const urls = [top.url, low.url];
  router = await startTestRouter({ policy: policyFor(urls, { chat: timeouts }) });
  sameRouter = await startTestRouter({ policy: policyFor(urls, { same: true }) });
});
afterAll(async () => {
  for (const one of [router, sameRouter]) {
    await eventuallyHolds(async () => {
      expect(one.running.router.open).toBe(0);
      expect(await one.running.connections()).toBe(0);
      for (const pool of one.running.router.status().pools) expect(pool).toMatchObject({ inFlight: 0, waiting: 0 });
    });
    expect(one.log.of('fault')).toEqual([]);
    await one.close();
  }
  await top.close();
  await low.close();
});

const post = (body: unknown, path = CHAT, port = router.port, headers: Record<string, string> = {}) =>
  rawRequest(port, postBytes(path, body, headers));

/** The x-spillway-* headers of a reply, without their prefix and without what depends on time. */
function said({ headers }: RawResponse): Record<string, string> {
  const ours = Object.entries(headers).filter(([name]) => name.startsWith('x-spillway-'));
  const { 'queue-ms': queueMs, ...rest } = Object.fromEntries(ours.map(([name, value]) => [name.slice(11), value]));
  expect(queueMs).toMatch(/^\d+$/);
  expect(headers['x-request-id']).toMatch(/^req_[0-9a-f]{32}$/);
  expect(headers['cache-control']).toBe('no-store');
  expect(headers['x-content-type-options']).toBe('nosniff');
  return rest;
}

const served = (rung: number, attempts: number, more: Record<string, string> = {}) => ({
  asked: 'asked',
  served: `pool-${rung}/served-${rung}`,
  rung: String(rung),
  attempts: String(attempts),
  ...more,
});

describe('the asked model answers', () => {
  for (const [what, path, body, expected] of [
    ['a chat', CHAT, chatBody(), served(1, 1)],
    ['a streamed chat', CHAT, chatBody({ stream: true }), served(1, 1)],
    ['a completion', '/v1/completions', { model: 'asked', prompt: 'a' }, served(1, 1)],
    [
      'an embedding',
      '/v1/embeddings',
      { model: 'vectors', input: 'a' },
      { asked: 'vectors', served: 'pool-vectors/served-vectors', rung: '1', attempts: '1' },
    ],
  ] as const) {
    it(`F135 ${what} says asked, served, rung and attempts, and nothing of degradation`, async () => {
      const response = await post(body, path);
      expect(response.status).toBe(200);
      expect(said(response)).toEqual(expected);
    });
  }

  it('F135 the model in the body is the one that answered, byte for byte, never the asked one put over it', async () => {
    const bytes = Buffer.from(JSON.stringify(chatReply({ model: 'really-this-one' }), null, 2));
    top.next(reply(200, bytes));
    const buffered = await post(chatBody());
    expect(buffered.body).toEqual(bytes);
    expect(buffered.headers['content-length']).toBe(String(bytes.length));
    const events = chatStream({ model: 'really-this-one', usageEvents: 'none' });
    top.next(streamHead(), writeAll(events));
    const streamed = await post(chatBody({ stream: true }));
    expect(streamed.body).toEqual(Buffer.concat(events));
    expect(streamed.headers['content-type']).toBe('text/event-stream; charset=utf-8');
  });

  it('F135 what a target says in headers of its own is not passed on', async () => {
    const headers = { 'x-spillway-served': 'forged', 'set-cookie': 'a=b', server: 'x', 'x-request-id': 'theirs' };
    top.next(json(200, chatReply(), headers));
    const response = await post(chatBody());
    expect(said(response)).toEqual(served(1, 1));
    expect(response.rawHead).not.toMatch(/forged|set-cookie|theirs|^server:/im);
  });
});

describe('another rung answers', () => {
  for (const stream of [false, true]) {
    const how = stream ? 'streamed' : 'buffered';
    const body = chatBody({ stream });

    it(`F135 F084 ${how}: a substitute says so, and why`, async () => {
      top.next(json(404, { error: {} }));
      const response = await post(body);
      expect(response.status).toBe(200);
      expect(said(response)).toEqual(served(2, 2, { degraded: 'failing' }));
    });

    it(`F135 ${how}: another copy of the same model is failover, not degradation`, async () => {
      top.next(json(404, { error: {} }));
      const response = await post(body, CHAT, sameRouter.port);
      expect(response.status).toBe(200);
      expect(said(response)).toEqual(served(2, 2));
    });

    it(`F084 ${how}: a caller who forbids substitutes gets the failure of the asked model`, async () => {
      top.next(json(404, { error: {} }));
      const before = low.served;
      const response = await post(body, CHAT, router.port, { 'x-spillway-degrade': 'never' });
      const error = expectRefusal(response, 502, 'upstream_error');
      expect(error.type).toBe('api_error');
      expect(response.headers['x-spillway-asked']).toBe('asked');
      expect(response.headers['x-spillway-attempts']).toBe('1');
      expect(response.headers['retry-after']).toMatch(/^([1-9]|[1-4]\d|5[0-5])$/);
      expect(low.served).toBe(before);
    });

    it(`F084 ${how}: a substitute is still allowed where the copy is the same model`, async () => {
      top.next(json(404, { error: {} }));
      const response = await post(body, CHAT, sameRouter.port, { 'x-spillway-degrade': 'never' });
      expect(said(response)).toEqual(served(2, 2));
    });
  }

  it('F135 a target that is too slow to begin is left, and slow is the reason', async () => {
    top.next(hang());
    const response = await post(chatBody({ stream: true }));
    expect(said(response)).toEqual(served(2, 2, { degraded: 'slow' }));
  });

  it('F135 a full target is left, and saturated is the reason', async () => {
    // A router of its own: what came before has made the other one wary of this target.
    const fresh = await startTestRouter({ policy: policyFor([top.url, low.url]) });
    top.next(json(429, { error: {} }));
    const response = await post(chatBody(), CHAT, fresh.port);
    expect(response.status).toBe(200);
    expect(said(response)).toEqual(served(2, 2, { degraded: 'saturated' }));
    // While it is left alone it is not even tried.
    expect(said(await post(chatBody(), CHAT, fresh.port))).toEqual(served(2, 1, { degraded: 'saturated' }));
    await fresh.close();
  });
});

describe('no rung answers', () => {
  it('F135 a refusal names the asked model and the tries, and says when to come back', async () => {
    top.behave(() => [json(500, { error: {} })]);
    low.behave(() => [json(500, { error: {} })]);
    const connection = await RawConnection.connect(sameRouter.port);
    for (let i = 0; i < 30; i++) {
      connection.write(postBytes(CHAT, chatBody({ stream: i % 2 === 0 })));
      const response = await connection.readResponse();
      refusalOf(response);
      expect([502, 503, 429]).toContain(response.status);
      expect(response.headers['x-spillway-asked']).toBe('asked');
      expect(Number(response.headers['x-spillway-attempts'])).toBeGreaterThanOrEqual(0);
      expect(response.headers['retry-after']).toMatch(/^([1-9]|[1-4]\d|5[0-5])$/);
      expect(response.headers).not.toHaveProperty('x-spillway-served');
      expect(response.headers).not.toHaveProperty('x-should-retry');
    }
    connection.destroy();
  });

  it('a router that stops says so, with a second to wait', async () => {
    sameRouter.running.router.drain();
    const response = await post(chatBody(), CHAT, sameRouter.port);
    expectRefusal(response, 503, 'draining');
    expect(response.headers['retry-after']).toBe('1');
  });
});
