// How a call goes down its ladder: who is tried, who is not, and what the reply says of it. For src/router.
import { describe, expect, it } from 'vitest';
import type { TransportFaultKind } from '../../src/core/transport.ts';
import { ladder, scriptedRouter } from './scripted-router.ts';
import { plays } from './scripted-transport.ts';

const A = 'http://a1';
const B = 'http://b1';
const two = { a: ['a1'], b: ['b1'] };

describe('a call that needs one rung', () => {
  it.each([false, true])('is answered by it, and says so; stream: %s', async (stream) => {
    const r = await scriptedRouter(ladder(two));
    r.transport.play(A, stream ? plays.stream() : plays.reply());
    const got = await r.get({ stream });
    expect(got.disclosure).toEqual({
      asked: 'm',
      served: 'a/a',
      rung: 1,
      degraded: null,
      attempts: 1,
      queueMs: 0,
      coldMs: 0,
      zone: null,
      dropped: [],
      scores: null,
      quota: null,
      charge: null,
    });
    expect(got.text).toContain(stream ? 'data: [DONE]' : 'Hello there.');
    expect(got.end).toMatchObject({ how: 'complete', error: null, usage: { uncachedTokens: 12 } });
    expect(got.calls).toEqual(stream ? ['head', 'write', 'end'] : ['head', 'end']);
    expect(r.transport.origins()).toEqual([A]);
    await r.atRest();
  });
});

describe('failover and descent', () => {
  it('F070 a refused connection goes to the next rung at once, with nothing configured, and is disclosed', async () => {
    const r = await scriptedRouter(ladder(two));
    r.transport.play(B, plays.reply());
    const got = await r.get();
    expect(got.disclosure).toMatchObject({ served: 'b/b', rung: 2, degraded: 'failing', attempts: 3 });
    expect(r.transport.origins()).toEqual([A, A, B]);
    await r.atRest();
  });

  it('F070 a bare 429 does too', async () => {
    const r = await scriptedRouter(ladder(two));
    r.transport.play(A, plays.status(429));
    r.transport.play(B, plays.stream());
    const got = await r.get({ stream: true });
    expect(got.disclosure).toMatchObject({ rung: 2, degraded: 'saturated', attempts: 2 });
    await r.atRest();
  });

  it('another copy of the asked model is no degradation', async () => {
    const r = await scriptedRouter(ladder(two, ['a', '{ pool: b, same: true }']));
    r.transport.play(B, plays.reply());
    const got = await r.get({ wants: { degrade: 'never' } });
    expect(got.disclosure).toMatchObject({ rung: 2, degraded: null });
    await r.atRest();
  });

  const faults: [string, TransportFaultKind][] = [
    ['refused', 'refused'],
    ['no name', 'dns'],
    ['TLS', 'tls'],
    ['reset', 'reset'],
    ['protocol', 'protocol'],
    ['slow to connect', 'connect_timeout'],
  ];
  it.each(faults)('F053 %s: down the ladder', async (_, kind) => {
    const r = await scriptedRouter(ladder(two, undefined, { chat: '{ retries: 0 }' }));
    r.transport.play(A, plays.fault(kind));
    r.transport.play(B, plays.reply());
    const got = await r.get();
    expect(got.disclosure).toMatchObject({ rung: 2, attempts: 2 });
    expect(got.disclosure!.degraded).toMatch(/failing|slow/);
    await r.atRest();
  });

  it('F061 an in-band refusal before content goes down like a status', async () => {
    const r = await scriptedRouter(ladder(two));
    r.transport.play(A, plays.inBand({ code: 429, type: 'rate_limit' }));
    r.transport.play(B, plays.stream());
    const got = await r.get({ stream: true });
    expect(got.disclosure).toMatchObject({ rung: 2, degraded: 'saturated' });
    await r.atRest();
  });

  it('F064 no first content in time goes down as slow', async () => {
    const r = await scriptedRouter(ladder(two, undefined, { chat: '{ timeouts: { firstContent: 2s } }' }));
    r.transport.play(A, plays.stall(1));
    r.transport.play(B, plays.stream());
    const got = await r.get({ stream: true });
    expect(got.disclosure).toMatchObject({ rung: 2, degraded: 'slow', attempts: 2 });
    expect(r.clock.nowMs()).toBe(2_000);
    expect(r.transport.sent[0]!.aborted).toBe(true);
    await r.atRest();
  });

  it('a request that the target calls wrong is the caller’s, and nobody else is asked', async () => {
    const r = await scriptedRouter(ladder(two));
    r.transport.play(A, plays.status(400, {}, '{"error":{"param":"temperature","message":"sk-secret prompt"}}'));
    const got = await r.get();
    expect(got.error).toMatchObject({ status: 400, code: 'refused_by_target', blame: 'caller' });
    expect(got.error!.message).not.toMatch(/secret|prompt/);
    expect(got.error!.detail.param).toBe('temperature');
    expect(r.transport.origins()).toEqual([A]);
    expect(r.worker('a/1').breaker).toBe('closed');
    await r.atRest();
  });

  it('F077 after first content there is no second try: the stream ends in an error', async () => {
    const r = await scriptedRouter(ladder(two));
    r.transport.play(A, plays.cut(3));
    r.transport.play(B, plays.stream());
    const got = await r.get({ stream: true });
    expect(got.end).toMatchObject({ how: 'failed', error: { code: 'upstream_error' } });
    expect(got.calls).toEqual(['head', 'write', 'fail upstream_error']);
    expect(r.transport.origins()).toEqual([A]);
    await r.atRest();
  });
});

describe('which rungs may answer', () => {
  it('a rung answers only for the reasons it names', async () => {
    const rungs = ['a', '{ pool: b, when: [saturated] }', '{ pool: c, when: [failing] }'];
    const r = await scriptedRouter(ladder({ ...two, c: ['c1'] }, rungs));
    r.transport.play(B, plays.reply());
    r.transport.play('http://c1', plays.reply());
    expect((await r.get()).disclosure).toMatchObject({ rung: 3, degraded: 'failing' });
    r.transport.play(A, plays.status(503));
    r.clock.advance(60_000);
    expect((await r.get()).disclosure).toMatchObject({ rung: 2, degraded: 'saturated' });
    await r.atRest();
  });

  it('degrade: never keeps a call from substitutes, and it fails honestly', async () => {
    const r = await scriptedRouter(ladder(two));
    r.transport.play(B, plays.reply());
    const got = await r.get({ wants: { degrade: 'never' } });
    expect(got.error).toMatchObject({ status: 502, code: 'upstream_error' });
    expect(r.transport.origins()).not.toContain(B);
    await r.atRest();
  });

  it('min-rung says how far down is good enough', async () => {
    const r = await scriptedRouter(ladder({ ...two, c: ['c1'] }));
    r.transport.play('http://c1', plays.reply());
    const got = await r.get({ wants: { minRung: 2 } });
    expect(got.error).toMatchObject({ status: 502 });
    expect(new Set(r.transport.origins())).toEqual(new Set([A, B]));
    expect((await r.get({ wants: { minRung: 3 } })).disclosure).toMatchObject({ rung: 3 });
    await r.atRest();
  });

  it('F130 a rung that cannot do what the call needs, or what its caller requires, is passed over', async () => {
    const text = ladder(two).replace('a: {', 'a: { capabilities: [], ').replace('b: {', 'b: { capabilities: [tools], ');
    const r = await scriptedRouter(text);
    r.transport.play(A, plays.reply());
    r.transport.play(B, plays.reply());
    expect((await r.get()).disclosure).toMatchObject({ rung: 1 });
    expect((await r.get({ body: { tools: [{}] } })).disclosure).toMatchObject({ rung: 2, degraded: 'capability' });
    expect((await r.get({ wants: { require: ['tools'] } })).disclosure).toMatchObject({ rung: 2 });
    const none = await r.get({ wants: { require: ['vision'] } });
    expect(none.error).toMatchObject({ status: 400, code: 'no_eligible_target' });
    expect(none.error!.message).toBe('No target fits: a (no vision), b (no vision).');
    expect((await r.get({ wants: { require: ['tools'], degrade: 'never' } })).error!.message).toBe(
      'No target fits: a (no tools), b (substitute, degrade never).',
    );
    await r.atRest();
  });

  it('an unknown model is a 404 that lists the known; a model of another class is a 400', async () => {
    const text = ladder({ a: ['a1'], v: ['v1'] }, ['a']);
    const r = await scriptedRouter(
      text.replace('models: {', 'models: { v: { class: embed, ladder: [ { pool: v } ] },'),
    );
    const unknown = await r.get({ body: { model: 'gpt-9' } });
    expect(unknown.error).toMatchObject({ status: 404, code: 'model_not_found' });
    expect(unknown.error!.message).toContain('Available: v, m.');
    expect((await r.get({ body: { model: 'v' } })).error).toMatchObject({ status: 400, code: 'invalid_value' });
    expect(r.transport.sent).toEqual([]);
    await r.atRest();
  });
});
