// Runs that come back from their tools and wait for their own worker, through the whole router. For src/router.
import { describe, expect, it } from 'vitest';
import { CallSignal } from '../../src/core/signal.ts';
import { chatStream } from '../fakes/chat-fixtures.ts';
import { seeded } from '../flow/pool-sim.ts';
import { ladder, scriptedRouter } from './scripted-router.ts';
import { plays, type Script } from './scripted-transport.ts';

const A1 = 'http://a1';
const A2 = 'http://a2';
const SLOTS = 16;
/** More than a look passes over. */
const RUNS = 12;
/** How long a worker reads a run's prompt. */
const READ_MS = 300;

/** A reply that calls a tool. */
const callsTool = (): Script => [
  { afterMs: 0, is: 'sent' },
  { afterMs: READ_MS, is: 'head', status: 200, headers: { 'content-type': 'text/event-stream' } },
  ...chatStream({ toolCalls: [{ name: 'look_up', arguments: {} }] }).map(
    (event) => ({ afterMs: 0, is: 'data', bytes: event }) as const,
  ),
  { afterMs: 0, is: 'end' },
];
const run = (number: number) => ({ run: `r${number}`, agent: null, parent: null, source: 'declared' }) as const;
const body = { messages: [{ role: 'user', content: 'word '.repeat(30_000) }] };

/** Two workers; runs whose prompt is at `own`, and whose tool has been called. It is busy for so long, the other idle. */
async function comingBack(busyMs: number) {
  const r = await scriptedRouter(
    ladder({ a: ['a1', 'a2'] }, undefined, { perWorker: SLOTS, chat: '{ queue: { max: 100, wait: 60s } }' }),
    seeded(1),
  );
  for (const worker of [A1, A2]) r.transport.play(worker, callsTool());
  for (let number = 0; number < 2 * RUNS; number++) await r.get({ run: run(number), body, stream: true });
  const homes = r.transport.origins();
  const own = homes.filter((one) => one === A1).length >= RUNS ? A1 : A2;
  const other = own === A1 ? A2 : A1;
  const runs = [...homes.keys()].filter((number) => homes[number] === own).slice(0, RUNS);
  r.transport.play(own, plays.reply(busyMs));
  r.transport.play(other, plays.silent());
  const signals = Array.from({ length: 2 * SLOTS }, () => new CallSignal());
  const calls = signals.map((signal) => r.ask({ signal }));
  await r.clock.advanceSettling(0);
  const at = r.transport.origins().slice(homes.length);
  expect(at.filter((one) => one === own)).toHaveLength(SLOTS);
  for (const [call, signal] of signals.entries()) if (at[call] === other) signal.abort();
  await r.clock.advanceSettling(0);
  // Not so much faster that the own worker would be passed over as a sick one.
  r.transport.play(other, plays.reply(70));
  const asked = r.transport.sent.length;
  return { ...r, busy: Promise.all(calls), runs, own, other, since: () => r.transport.origins().slice(asked) };
}

describe('runs that wait for their own worker', () => {
  it('hold up neither newcomers nor the line at another worker', async () => {
    const r = await comingBack(200);
    const back = r.runs.map((number) => r.ask({ run: run(number), body }));
    await r.clock.advanceSettling(0);
    expect(r.since()).toEqual([]);
    const startMs = r.clock.nowMs();
    const others = Array.from({ length: 2 * SLOTS }, () => r.ask());
    for (const other of others) expect((await r.settle(other)).error).toBe(null);
    // Two of 70 ms in each slot, one after the other, all while their worker is busy.
    expect(r.clock.nowMs() - startMs).toBe(140);
    expect(new Set(r.since())).toEqual(new Set([r.other]));
    for (const call of back) expect((await r.settle(call)).error).toBe(null);
    expect(r.since().slice(others.length)).toEqual(Array(RUNS).fill(r.own));
    await r.settle(r.busy);
    await r.atRest();
  });

  it('go elsewhere rather than be refused: with no time to wait, or when that is over', async () => {
    const r = await comingBack(5_000);
    const [first, second] = r.runs;
    const now = await r.get({ run: run(first!), body, wants: { maxWaitMs: 0 } });
    expect([now.error, now.disclosure!.queueMs]).toEqual([null, 0]);
    const soon = await r.get({ run: run(second!), body, wants: { maxWaitMs: 100 } });
    expect([soon.error, soon.disclosure!.queueMs]).toEqual([null, 100]);
    expect(r.since()).toEqual([r.other, r.other]);
    await r.settle(r.busy);
    await r.atRest();
  });
});
