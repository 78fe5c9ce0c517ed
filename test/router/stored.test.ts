// A chain of stored responses: one run, and the worker that stores it as long as that is there. For src/router/keeper.
import { describe, expect, it } from 'vitest';
import { CallSignal } from '../../src/core/signal.ts';
import { dialects } from '../../src/dialects/index.ts';
import { type AskOptions, ladder, scriptedRouter } from './scripted-router.ts';
import { plays, type Script } from './scripted-transport.ts';

const A1 = 'http://a1';
const A2 = 'http://a2';
const B = 'http://b1';
const { 'openai-responses': dialect } = dialects;

const json = (id: string) => ({
  id,
  object: 'response',
  status: 'completed',
  model: 'served',
  output: [],
  usage: { input_tokens: 10, output_tokens: 5 },
});
const bytes = (value: string) => new TextEncoder().encode(value);
/** A whole reply with an id of its own, after so long. */
const stores = (id: string, ms = 0): Script => [
  { afterMs: 0, is: 'sent' },
  { afterMs: ms, is: 'head', status: 200, headers: { 'content-type': 'application/json' } },
  { afterMs: 0, is: 'data', bytes: bytes(JSON.stringify(json(id))) },
  { afterMs: 0, is: 'end' },
];
const forgot = plays.status(404, {}, JSON.stringify({ error: { message: "Response with id 'x' not found." } }));

const says = (input: string, more: object = {}, options: AskOptions = {}): AskOptions => ({
  dialect,
  body: { messages: undefined, input, ...more },
  ...options,
});
const follows = (id: string, options: AskOptions = {}) => says('And now?', { previous_response_id: id }, options);

const speaking = (yaml: string) => yaml.replaceAll('{ concurrency', '{ speaks: [openai-responses], concurrency');

async function pool(options: Parameters<typeof ladder>[2] = {}, hosts: readonly string[] = ['a1', 'a2']) {
  const r = await scriptedRouter(speaking(ladder({ a: hosts }, undefined, options)));
  let ids = 0;
  const each = (host: string) => r.transport.play(`http://${host}`, () => stores(`${host}_${++ids}`));
  hosts.forEach(each);
  const last = () => r.transport.origins().at(-1)!;
  /** The first of a chain, and the id and the worker of its reply. */
  async function begin(options?: AskOptions) {
    const { error, text } = await r.get(says('Hello.', {}, options));
    expect(error).toBe(null);
    return { id: JSON.parse(text).id as string, origin: last() };
  }
  return { ...r, begin, last, each };
}

describe('a chain of stored responses', () => {
  it('stays with the worker that stores it, however busy that is and however idle the others are', async () => {
    const r = await pool({ perWorker: 4 });
    const { id, origin } = await r.begin();
    r.transport.play(origin, (n) => stores(`busy_${n}`, 1_000));
    const calls = [r.ask(follows(id)), r.ask(follows(id)), r.ask(follows(id))];
    for (const call of calls) expect((await r.settle(call)).error).toBe(null);
    expect(new Set(r.transport.origins())).toEqual(new Set([origin]));
    await r.atRest();
  });

  it('goes on from link to link, streamed or not, also after one that its caller left', async () => {
    const r = await pool();
    let { id, origin } = await r.begin();
    for (let link = 0; link < 5; link++) {
      id = JSON.parse((await r.get(follows(id))).text).id;
      expect(r.last()).toBe(origin);
    }
    const event = (type: string, more: object) => bytes(`data: ${JSON.stringify({ type, ...more })}\n\n`);
    r.transport.play(origin, [
      { afterMs: 0, is: 'sent' },
      { afterMs: 0, is: 'head', status: 200, headers: { 'content-type': 'text/event-stream' } },
      {
        afterMs: 0,
        is: 'data',
        bytes: event('response.created', { response: { ...json('cut'), status: 'in_progress' } }),
      },
      { afterMs: 0, is: 'data', bytes: event('response.output_text.delta', { delta: 'Hi' }) },
    ]);
    const signal = new CallSignal();
    const left = r.ask({ ...follows(id), stream: true, signal });
    await r.clock.advanceSettling(10);
    signal.abort();
    await r.settle(left);
    r.transport.play(origin, stores('more'));
    for (let turn = 0; turn < 4; turn++) {
      await r.get(follows('cut'));
      expect(r.last()).toBe(origin);
    }
    await r.atRest();
  });

  it('waits for its worker when that is full, and holds up nobody who may go elsewhere', async () => {
    const r = await pool({ perWorker: 1, chat: '{ queue: { wait: 1m } }' });
    const { id, origin } = await r.begin();
    r.transport.play(origin, (n) => stores(`slow_${n}`, 2_000));
    const running = r.ask(follows(id));
    const waiting = Array.from({ length: 12 }, () => r.ask(follows(id, { wants: { maxWaitMs: 60_000 } })));
    await r.clock.advanceSettling(0);
    const other = await r.get(says('Something else.'));
    expect([other.error, r.last() === origin, r.clock.nowMs()]).toEqual([null, false, 0]);
    for (const call of [running, ...waiting]) expect((await r.settle(call)).error).toBe(null);
    expect(r.transport.origins().filter((one) => one !== origin)).toHaveLength(1);
    await r.atRest();
  });

  it('is refused rather than sent where nobody knows it, when its worker has no room in time', async () => {
    const r = await pool({ perWorker: 1, chat: '{ queue: { wait: 3s } }' });
    const { id, origin } = await r.begin();
    r.transport.play(origin, stores('long', 20_000));
    const running = r.ask(follows(id));
    await r.clock.advanceSettling(0);
    for (const wants of [{}, { maxWaitMs: 0 }]) {
      const { error } = await r.get(follows(id, { wants }));
      expect(error).toMatchObject({ status: 429, code: 'capacity_contended' });
      expect(error!.detail.retryAfterSeconds).toBeGreaterThanOrEqual(1);
    }
    expect(r.clock.nowMs()).toBe(3_000);
    await r.settle(running);
    expect(new Set(r.transport.origins())).toEqual(new Set([origin]));
    await r.atRest();
  });

  it('F072 waits out a short pause that its worker asked for', async () => {
    const r = await pool();
    const { id, origin } = await r.begin();
    let full = true;
    r.transport.play(origin, () => {
      const script = full ? plays.status(503, { 'retry-after': '2' }) : stores('again');
      full = false;
      return script;
    });
    const { error, disclosure } = await r.get(follows(id));
    expect([error, disclosure!.attempts]).toEqual([null, 2]);
    expect(disclosure!.queueMs).toBeGreaterThanOrEqual(2_000);
    expect(new Set(r.transport.origins())).toEqual(new Set([origin]));
    await r.atRest();
  });

  it('goes to another when its worker is gone, whose word on it is final and no mark against that one', async () => {
    const r = await pool({ chat: '{ retries: 0 }' });
    const { id, origin } = await r.begin();
    const other = origin === A1 ? A2 : A1;
    r.transport.play(other, forgot);
    // Five in a row open the breaker.
    r.transport.play(origin, plays.fault('refused'));
    for (let i = 0; i < 5; i++) expect((await r.get(follows(id))).error).toMatchObject({ status: 502 });
    for (let i = 0; i < 6; i++) {
      const { error } = await r.get(follows(id));
      expect(error).toMatchObject({ status: 400, code: 'refused_by_target' });
      expect(r.last()).toBe(other);
    }
    const [gone, up] = r.router.status().pools[0]!.workers.toSorted((a, b) => (a.breaker < b.breaker ? 1 : -1));
    expect([gone!.breaker, up!.breaker]).toEqual(['open', 'closed']);
    await r.atRest();
  });

  it('goes back to the rung that answered it, not to the top', async () => {
    const r = await scriptedRouter(speaking(ladder({ a: ['a1'], b: ['b1'] })));
    r.transport.play(A1, plays.status(503, { 'retry-after': '1' }));
    r.transport.play(B, stores('below'));
    expect((await r.get(says('Hello.'))).disclosure).toMatchObject({ rung: 2 });
    r.clock.advance(5_000);
    r.transport.play(A1, stores('above'));
    expect((await r.get(follows('below'))).disclosure).toMatchObject({ rung: 2 });
    // Whose reply nobody here has made asks at the top, and so does another tenant.
    expect((await r.get(follows('unknown'))).disclosure).toMatchObject({ rung: 1 });
    expect((await r.get(follows('below', { tenant: 'other' }))).disclosure).toMatchObject({ rung: 1 });
    await r.atRest();
  });

  it('is one run: it stands in line before runs that began later', async () => {
    const r = await pool({ perWorker: 1 }, ['a1']);
    let { id } = await r.begin();
    r.clock.advance(1_000);
    id = JSON.parse((await r.get(follows(id))).text).id;
    r.clock.advance(1_000);
    const order: string[] = [];
    r.transport.play(A1, (n) => stores(`n${n}`, 100));
    const note = (name: string, options: AskOptions) => r.ask(options).then(() => order.push(name));
    const calls = [note('running', says('Another.'))];
    await r.clock.advanceSettling(1);
    calls.push(note('newer', says('A newer one.')));
    await r.clock.advanceSettling(1);
    calls.push(note('chain', follows(id)));
    calls.push(note('unknown', follows('never_seen')));
    await r.settle(Promise.all(calls));
    expect(order).toEqual(['running', 'chain', 'newer', 'unknown']);
    await r.atRest();
  });

  it('is not remembered of replies that are not stored', async () => {
    const r = await pool({}, ['a1', 'a2']);
    const { text } = await r.get(says('Hello.', { store: false }));
    const origin = r.last();
    r.transport.play(origin, plays.fault('refused'));
    const { error } = await r.get(follows(JSON.parse(text).id));
    expect(error).toBe(null);
    expect(r.last()).not.toBe(origin);
    await r.atRest();
  });
});
