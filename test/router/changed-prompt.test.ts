// A run whose program has changed the beginning of its prompt goes where it is read soonest, through the whole router. For
// src/router/placing.
import { describe, expect, it } from 'vitest';
import { chatStream } from '../fakes/chat-fixtures.ts';
import { prose } from '../fakes/chat-requests.ts';
import { seeded } from '../flow/pool-sim.ts';
import { ladder, scriptedRouter } from './scripted-router.ts';
import { plays, type Script } from './scripted-transport.ts';

const run = { run: 'r1', agent: null, parent: null, source: 'declared' } as const;
const HOSTS = ['http://a1', 'http://a2'];
/** A reply that tells how fast its worker reads: as soon as so many answers of tools are read. */
const answersAfter = (turns: number): Script => [
  { afterMs: 0, is: 'sent' },
  { afterMs: 100 * turns, is: 'head', status: 200, headers: { 'content-type': 'text/event-stream' } },
  ...chatStream({}).map((event) => ({ afterMs: 0, is: 'data', bytes: event }) as const),
  { afterMs: 0, is: 'end' },
];
/** A conversation whose tools answered so often; the first answer may have been cleared to make room. */
const conversation = (turns: number, cleared: boolean) => ({
  messages: Array.from({ length: turns }, (_, at) => ({
    role: 'tool',
    tool_call_id: `c${at}`,
    content: cleared && at === 0 ? '[cleared]' : prose(4_000, at + 1),
  })),
});

/** Where the run's next call goes, while another's long prompt is read at the worker that served it, and a shorter one at the other. */
async function next(asks: readonly boolean[]): Promise<'own' | 'other'> {
  const r = await scriptedRouter(ladder({ a: ['a1', 'a2'] }, undefined, { perWorker: 8 }), seeded(1));
  for (const turns of [2, 40, 20]) {
    for (const host of HOSTS) r.transport.play(host, answersAfter(turns));
    for (let at = 0; at < 4; at++)
      await r.get({ run: { ...run, run: `${turns} ${at}` }, body: conversation(turns, true), stream: true });
  }
  for (const [at, cleared] of asks.slice(0, -1).entries())
    expect((await r.get({ run, body: conversation(20 + at, cleared), stream: true })).error).toBe(null);
  const [own] = r.transport.origins().slice(-1);
  for (const host of HOSTS) r.transport.play(host, plays.silent());
  const reads = async (bytes: number) => {
    void r.ask({ body: { messages: [{ role: 'user', content: prose(bytes, 9) }] } });
    await r.clock.advanceSettling(0);
    return r.transport.origins().at(-1);
  };
  // Wherever the first one goes, the second goes to the other worker; the own one has more to read in the end.
  const first = await reads(200_000);
  const second = await reads(first === own ? 30_000 : 400_000);
  expect(new Set([first, second])).toEqual(new Set(HOSTS));
  void r.ask({ run, body: conversation(20 + asks.length, asks.at(-1)!) });
  await r.clock.advanceSettling(0);
  return r.transport.origins().at(-1) === own ? 'own' : 'other';
}

describe('a run whose own worker is reading a long prompt', () => {
  it('stays there while its prompt goes on as it was', async () => {
    expect(await next([false, false, false])).toBe('own');
  });

  it('goes elsewhere when its beginning was changed: it has to be read anew wherever it goes', async () => {
    expect(await next([false, false, true])).toBe('other');
  });

  it('stays where nothing tells yet that its program does not write all anew each time', async () => {
    expect(await next([false, true])).toBe('own');
  });
});
