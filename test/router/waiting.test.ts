// Who waits, for how long, and what is said of it, through the whole router: bands, tenants, forecasts, promises. For src/router.
import { describe, expect, it } from 'vitest';
import { type CallFacts, NO_METRICS } from '../../src/core/metrics.ts';
import type { Asked } from './scripted-router.ts';
import { ladder, scriptedRouter } from './scripted-router.ts';
import { plays } from './scripted-transport.ts';

const A1 = 'http://a1';
const A2 = 'http://a2';
const B = 'http://b1';
const one = { perWorker: 1 };

type Router = Awaited<ReturnType<typeof scriptedRouter>>;

/** Settles all, and answers with the names of those who came through, in the order of their replies. */
async function order(r: Router, calls: Readonly<Record<string, Promise<Asked>>>): Promise<string[]> {
  const came: string[] = [];
  const all = Object.entries(calls).map(([name, call]) => call.then(() => came.push(name)));
  await r.settle(Promise.all(all));
  return came;
}

describe('bands', () => {
  it('higher bands go first; a claim above what policy gives the tenant is cut to that', async () => {
    const r = await scriptedRouter(
      ladder({ a: ['a1'] }, undefined, { ...one, more: 'tenants: { vip: { priority: critical } }' }),
    );
    r.transport.play(A1, plays.reply(100));
    const running = r.ask();
    const came = await order(r, {
      background: r.ask({ wants: { priority: 'background' } }),
      batch: r.ask({ wants: { priority: 'batch' } }),
      // Nobody gave this tenant more than interactive.
      claimed: r.ask({ wants: { priority: 'critical' } }),
      vip: r.ask({ tenant: 'vip', wants: { priority: 'critical' } }),
    });
    await running;
    expect(came).toEqual(['vip', 'claimed', 'batch', 'background']);
    await r.atRest();
  });

  it('a class of a lower band gives its band to calls that say nothing', async () => {
    const r = await scriptedRouter(ladder({ a: ['a1'] }, undefined, { ...one, chat: '{ priority: batch }' }));
    r.transport.play(A1, plays.reply(100));
    const running = r.ask();
    const came = await order(r, { quiet: r.ask(), urgent: r.ask({ wants: { priority: 'interactive' } }) });
    await running;
    expect(came).toEqual(['urgent', 'quiet']);
    await r.atRest();
  });
});

describe('steps', () => {
  it('what an agent program does in the background goes last, unless its caller says otherwise', async () => {
    const r = await scriptedRouter(ladder({ a: ['a1'] }, undefined, one));
    r.transport.play(A1, plays.reply(100));
    const running = r.ask();
    const came = await order(r, {
      background: r.ask({ step: 'background' }),
      declared: r.ask({ step: 'background', wants: { priority: 'interactive' } }),
      turn: r.ask(),
    });
    await running;
    expect(came).toEqual(['declared', 'turn', 'background']);
    await r.atRest();
  });
});

describe('tenants', () => {
  it('share by weight while both wait, whoever asks more', async () => {
    const r = await scriptedRouter(
      ladder({ a: ['a1'] }, undefined, {
        ...one,
        chat: '{ queue: { max: 256, wait: 60s } }',
        more: 'tenants: { big: { weight: 3 }, small: { weight: 1 } }',
      }),
    );
    r.transport.play(A1, plays.reply(100));
    const running = r.ask({ tenant: 'other' });
    const calls: Record<string, Promise<Asked>> = {};
    for (let i = 0; i < 30; i++) calls[`small ${i}`] = r.ask({ tenant: 'small' });
    for (let i = 0; i < 12; i++) calls[`big ${i}`] = r.ask({ tenant: 'big' });
    const came = await order(r, calls);
    await running;
    const early = came.slice(0, 12).filter((name) => name.startsWith('big')).length;
    expect(early).toBeGreaterThanOrEqual(8);
    expect(early).toBeLessThanOrEqual(10);
    await r.atRest();
  });

  it('a run whose tool has answered goes before new runs of its tenant, the older run first', async () => {
    const r = await scriptedRouter(ladder({ a: ['a1'] }, undefined, one));
    r.transport.play(A1, plays.reply(100));
    const toolAnswer = {
      messages: [
        { role: 'user', content: 'Look it up.' },
        { role: 'assistant', tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }] },
        { role: 'tool', tool_call_id: 'c1', content: 'found' },
      ],
    };
    const run = (id: string) => ({ run: id, agent: null, parent: null, source: 'declared' }) as const;
    await r.get({ run: run('old') });
    r.clock.advance(10);
    await r.get({ run: run('young') });
    const running = r.ask();
    const came = await order(r, {
      fresh: r.ask({ run: run('new') }),
      young: r.ask({ run: run('young'), body: toolAnswer }),
      old: r.ask({ run: run('old'), body: toolAnswer }),
    });
    await running;
    expect(came).toEqual(['old', 'young', 'fresh']);
    await r.atRest();
  });
});

describe('F079 the forecast', () => {
  const patient = { ...one, chat: '{ queue: { max: 100, wait: 60s } }' };

  it('refuses at once what would wait longer than it may, with the time from the forecast', async () => {
    const r = await scriptedRouter(ladder({ a: ['a1'] }, undefined, patient));
    r.transport.play(A1, plays.reply(2_000));
    // One call measures how long a slot is held.
    await r.get();
    const running = Array.from({ length: 6 }, () => r.ask());
    await r.clock.advanceSettling(0);
    const startMs = r.clock.nowMs();
    const { error } = await r.get({ wants: { maxWaitMs: 3_000 } });
    expect(r.clock.nowMs() - startMs).toBe(0);
    expect(error).toMatchObject({ status: 429, code: 'capacity_contended' });
    // Six calls of 2 s stand before it, one of them under way.
    expect(error!.detail.retryAfterSeconds).toBeGreaterThanOrEqual(8);
    expect(error!.detail.retryAfterSeconds).toBeLessThanOrEqual(15);
    for (const call of running) expect((await r.settle(call)).error).toBe(null);
    await r.atRest();
  });

  it("heeds how long the caller's own client waits", async () => {
    const r = await scriptedRouter(ladder({ a: ['a1'] }, undefined, patient));
    r.transport.play(A1, plays.reply(2_000));
    await r.get();
    const running = Array.from({ length: 6 }, () => r.ask());
    await r.clock.advanceSettling(0);
    expect((await r.get({ wants: { timeoutMs: 5_000 } })).error).toMatchObject({ code: 'capacity_contended' });
    const patientCall = r.ask({ wants: { timeoutMs: 40_000 } });
    for (const call of [...running, patientCall]) expect((await r.settle(call)).error).toBe(null);
    await r.atRest();
  });

  it('sends a call down at once when a lower rung keeps the promise that this one would miss', async () => {
    const promising = { ...one, chat: '{ slo: { ttft: 1s }, queue: { max: 100, wait: 60s } }' };
    const r = await scriptedRouter(ladder({ a: ['a1'], b: ['b1'] }, undefined, promising));
    r.transport.play(A1, plays.stream(0, 500));
    r.transport.play(B, plays.stream(0, 1));
    await r.get({ stream: true });
    const running = r.ask({ stream: true });
    await r.clock.advanceSettling(0);
    const startMs = r.clock.nowMs();
    const second = r.ask({ stream: true });
    await r.clock.advanceSettling(0);
    expect((await r.settle(second)).disclosure).toMatchObject({ rung: 2, degraded: 'saturated', queueMs: 0 });
    expect(r.clock.nowMs() - startMs).toBeLessThan(500);
    expect((await r.settle(running)).disclosure).toMatchObject({ rung: 1 });
    await r.atRest();
  });

  it('keeps a call in line where no lower rung would keep the promise either', async () => {
    const promising = { ...one, chat: '{ slo: { ttft: 1s }, queue: { max: 100, wait: 60s } }' };
    const r = await scriptedRouter(ladder({ a: ['a1'], b: ['b1'] }, undefined, promising));
    r.transport.play(A1, plays.stream(0, 500));
    r.transport.play(B, plays.stream(0, 3_000));
    await r.get({ stream: true });
    // What nobody has measured yet may keep the promise: it is tried, and found slow.
    const first = [r.ask({ stream: true }), r.ask({ stream: true })];
    expect((await r.settle(first[0]!)).disclosure).toMatchObject({ rung: 1 });
    expect((await r.settle(first[1]!)).disclosure).toMatchObject({ rung: 2, degraded: 'saturated' });
    const second = [r.ask({ stream: true }), r.ask({ stream: true })];
    for (const call of second) expect((await r.settle(call)).disclosure).toMatchObject({ rung: 1, degraded: null });
    await r.atRest();
  });
});

describe('where a run goes', () => {
  const run = { run: 'r1', agent: null, parent: null, source: 'declared' } as const;
  const long = { messages: [{ role: 'user', content: 'word '.repeat(4_000) }] };

  it('to the worker that has its prompt, again and again', async () => {
    const r = await scriptedRouter(ladder({ a: ['a1', 'a2', 'a3', 'a4'] }), Math.random);
    for (const host of ['a1', 'a2', 'a3', 'a4']) r.transport.play(`http://${host}`, plays.stream(5, 1));
    for (let i = 0; i < 8; i++) await r.get({ run, body: long, stream: true });
    expect(new Set(r.transport.origins()).size).toBe(1);
    await r.atRest();
  });

  it('is known by the beginning of its prompt where nobody says it', async () => {
    const r = await scriptedRouter(ladder({ a: ['a1', 'a2', 'a3', 'a4'] }), Math.random);
    for (const host of ['a1', 'a2', 'a3', 'a4']) r.transport.play(`http://${host}`, plays.stream(5, 1));
    const messages: unknown[] = [{ role: 'user', content: `Fix the bug. ${'word '.repeat(4_000)}` }];
    for (let i = 0; i < 8; i++) {
      await r.get({ body: { messages }, stream: true });
      messages.push({ role: 'assistant', content: 'Done.' }, { role: 'user', content: `And another ${i}.` });
    }
    expect(new Set(r.transport.origins()).size).toBe(1);
    await r.atRest();
  });

  it('elsewhere when that worker is gone', async () => {
    const r = await scriptedRouter(ladder({ a: ['a1', 'a2'] }), () => 0.9);
    r.transport.play(A1, plays.stream(5, 1));
    r.transport.play(A2, plays.stream(5, 1));
    await r.get({ run, body: long, stream: true });
    const home = r.transport.origins()[0]!;
    r.transport.play(home, plays.fault('refused'));
    const other = home === A1 ? A2 : A1;
    const got = await r.get({ run, body: long, stream: true });
    expect(got.error).toBe(null);
    expect(r.transport.origins().at(-1)).toBe(other);
    await r.get({ run, body: long, stream: true });
    expect(r.transport.origins().at(-1)).toBe(other);
    await r.atRest();
  });
});

describe('zones', () => {
  const zoned = `version: 1
pools:
  a: { zone: us, workers: [ { url: "http://a1" } ] }
  b: { zone: eu, workers: [ { url: "http://b1" } ] }
models: { m: { ladder: [ { pool: a }, { pool: b } ] }, n: { ladder: [ { pool: a } ] } }
tenants: { acme: { zones: [eu] } }
`;

  it("a tenant's calls never reach a target outside its zones, and the refusal says why", async () => {
    const r = await scriptedRouter(zoned);
    r.transport.play(A1, plays.reply());
    r.transport.play(B, plays.reply());
    expect((await r.get({ tenant: 'acme' })).disclosure).toMatchObject({ rung: 2, zone: 'eu' });
    expect((await r.get()).disclosure).toMatchObject({ rung: 1, zone: 'us' });
    const { error } = await r.get({ tenant: 'acme', body: { model: 'n' } });
    expect(error).toMatchObject({ status: 403, message: 'No target fits: a (zone us not in [eu]).' });
    expect(r.transport.origins()).toEqual([B, A1]);
    await r.atRest();
  });
});

describe('pressure and metrics', () => {
  it('F087 a pressed process refuses what it sheds, and serves the rest', async () => {
    const facts: CallFacts[] = [];
    const refused: string[] = [];
    const metrics = {
      ...NO_METRICS,
      call: (fact: CallFacts) => void facts.push(fact),
      refused: (...said: readonly string[]) => void refused.push(said.join(' ')),
    };
    const pressure = {
      step: 2,
      closesConnections: false,
      sheds: (_class: string, priority: string) => priority === 'background',
    };
    const r = await scriptedRouter(ladder({ a: ['a1'] }, undefined, one), () => 0.5, { metrics, pressure });
    r.transport.play(A1, plays.reply(50));
    const shed = await r.get({ wants: { priority: 'background' }, tenant: 'acme' });
    expect(shed.error).toMatchObject({ status: 503, code: 'server_is_overloaded' });
    expect(shed.error!.detail.retryAfterSeconds).toBeGreaterThanOrEqual(1);
    expect((await r.get()).error).toBe(null);
    expect(r.transport.sent).toHaveLength(1);
    expect(refused).toEqual(['pressure chat router acme']);
    expect(facts.map(({ tenant, target, how, code, priority }) => [tenant, target, how, code, priority])).toEqual([
      ['acme', null, 'failed', 'server_is_overloaded', 'background'],
      ['development', 'a', 'complete', null, 'interactive'],
    ]);
    expect(facts[1]).toMatchObject({ firstContentMs: 50, totalMs: 50, queueMs: 0, attempts: 1 });
    await r.atRest();
  });

  it('the status tells who waits, by class, band and tenant, and how full the pool is', async () => {
    const r = await scriptedRouter(ladder({ a: ['a1'] }, undefined, one));
    r.transport.play(A1, plays.reply(100));
    const calls = [r.ask(), r.ask({ tenant: 'x' }), r.ask({ tenant: 'x', wants: { priority: 'batch' } })];
    await r.clock.advanceSettling(40);
    const [pool] = r.router.status().pools;
    expect(pool).toMatchObject({ saturation: 1, waiting: 2 });
    expect(pool!.lines).toHaveLength(2);
    expect(pool!.lines).toEqual(
      expect.arrayContaining([
        { class: 'chat', priority: 'interactive', tenant: 'x', waiting: 1, oldestMs: 40 },
        { class: 'chat', priority: 'batch', tenant: 'x', waiting: 1, oldestMs: 40 },
      ]),
    );
    for (const call of calls) await r.settle(call);
    await r.atRest();
  });
});
