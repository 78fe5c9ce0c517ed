// Requests with an Idempotency-Key, over real sockets: run once, answered again from what was kept. For clients that send again.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../fakes/eventually.ts';
import { done, event, json, pauseUntil, reset, streamHead } from '../fakes/fault-upstream.ts';
import { postBytes, RawConnection } from '../fakes/raw-client.ts';
import { CHAT, chatBody, expectRefusal, type Stage, startStage } from './stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
});
afterEach(() => stage.quiet());
afterAll(() => stage.close());

let last = 0;
const keyed = (key = `key-${++last}`) => ({ 'idempotency-key': key, connection: 'close' });
const chunk = (content: string) => ({
  id: 'c1',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'served-1',
  choices: [{ index: 0, delta: { content }, finish_reason: null }],
});
const whole = {
  ...chunk(''),
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', content: 'x' }, finish_reason: 'stop' }],
};
const ending = { ...chunk(''), choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] };

describe('an Idempotency-Key', () => {
  it('F098 makes the same request run once: the second gets the first one’s reply, and is told so', async () => {
    const headers = keyed();
    const before = stage.upstream.served;
    const first = await stage.post(chatBody(), headers);
    const second = await stage.post(chatBody(), headers);
    expect(stage.upstream.served).toBe(before + 1);
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(second.body.equals(first.body)).toBe(true);
    expect(first.headers['idempotent-replayed']).toBeUndefined();
    expect(second.headers['idempotent-replayed']).toBe('true');
    expect(second.headers['x-spillway-served']).toBe(first.headers['x-spillway-served']);
    expect(second.headers['x-request-id']).not.toBe(first.headers['x-request-id']);
    expect(second.headers['content-length']).toBe(String(first.body.length));
  });

  it('F098 holds for streams: the whole stream comes again', async () => {
    stage.upstream.next(streamHead(), event(chunk('one')), event(chunk('two')), event(ending), done());
    const headers = keyed();
    const before = stage.upstream.served;
    const first = await stage.post(chatBody({ stream: true }), headers);
    const second = await stage.post(chatBody({ stream: true }), headers);
    expect(stage.upstream.served).toBe(before + 1);
    expect(second.body.equals(first.body)).toBe(true);
    expect(second.body.toString()).toContain('[DONE]');
    expect(second.headers['content-type']).toBe(first.headers['content-type']);
  });

  it('F098 with another body is a 422 that says to take a new key', async () => {
    const headers = keyed();
    await stage.post(chatBody(), headers);
    const other = await stage.post(chatBody({ temperature: 1 }), headers);
    const error = expectRefusal(other, 422, 'idempotency_mismatch');
    expect(error.message).toMatch(/new key/);
    expect(other.headers['x-should-retry']).toBe('false');
  });

  it('F098 while the first is under way is a 409 with Retry-After, and then its reply', async () => {
    let release = (): void => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    stage.upstream.next(pauseUntil(released), json(200, whole));
    const headers = keyed();
    const before = stage.upstream.served;
    const first = stage.post(chatBody(), headers);
    await eventually(() => stage.upstream.served === before + 1);
    const second = await stage.post(chatBody(), headers);
    expectRefusal(second, 409, 'idempotency_in_flight');
    expect(second.headers['retry-after']).toBe('1');
    release();
    expect((await first).status).toBe(200);
    expect((await stage.post(chatBody(), headers)).headers['idempotent-replayed']).toBe('true');
  });

  it('F098 is free again after a reply that did not end whole', async () => {
    const headers = keyed();
    stage.upstream.next(streamHead(), event(chunk('one')), reset());
    const cut = await stage.post(chatBody({ stream: true }), headers);
    expect(cut.body.toString()).toContain('"error"');
    const again = await stage.post(chatBody({ stream: true }), headers);
    expect(again.headers['idempotent-replayed']).toBeUndefined();
    expect(again.status).toBe(200);
  });

  it('F098 is free again after a refusal', async () => {
    const headers = keyed();
    stage.upstream.next(json(400, { error: { message: 'no', type: 'invalid_request_error' } }));
    expect((await stage.post(chatBody(), headers)).status).toBe(400);
    expect((await stage.post(chatBody(), headers)).status).toBe(200);
  });

  it('F098 is free again once its caller has left', async () => {
    const headers = keyed();
    stage.upstream.next(streamHead(), event(chunk('one')), pauseUntil(new Promise(() => {})));
    const connection = await RawConnection.connect(stage.port);
    const before = stage.upstream.served;
    connection.write(postBytes(CHAT, chatBody({ stream: true }), headers));
    await eventually(() => stage.upstream.served === before + 1);
    connection.destroy();
    await stage.quiet();
    const again = await stage.post(chatBody({ stream: true }), headers);
    expect(again.status).toBe(200);
    expect(again.headers['idempotent-replayed']).toBeUndefined();
  });

  it('is one key on one route: another route’s request runs', async () => {
    const headers = keyed();
    await stage.post(chatBody(), headers);
    const other = await stage.post({ model: 'vectors', input: 'x' }, headers, '/v1/embeddings');
    expect(other.status).toBe(200);
    expect(other.headers['idempotent-replayed']).toBeUndefined();
  });

  it.each(['', ' ', 'a b', 'x'.repeat(256), 'ü'])('that is none is a 400: %j', async (key) => {
    const answer = await stage.post(chatBody(), keyed(key));
    if (key.trim() === '') expect(answer.status).toBe(400);
    else expectRefusal(answer, 400, 'invalid_header');
  });
});
