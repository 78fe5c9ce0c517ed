// What users of real clients are left with when a target fails: never less with the router than without it.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventuallyHolds } from '../fakes/eventually.ts';
import { type FaultUpstream, json, startFaultUpstream } from '../fakes/fault-upstream.ts';
import { startTestRouter, type TestRouter } from '../fakes/running-router.ts';
import { CLIENTS, type ClientCall, type Place } from './client-calls.ts';
import { FAULTS, type Family, goodReply, STREAM_FAULTS, TEXT, WHOLE_FAULTS } from './faulty-replies.ts';

/** From worst to best: an answer that is not whole and passes for one, an error, the whole answer. */
const OUTCOMES = ['wrong answer', 'error', 'answer'] as const;
type Outcome = (typeof OUTCOMES)[number];

async function outcomeOf(text: Promise<string>): Promise<Outcome> {
  try {
    return (await text) === TEXT ? 'answer' : 'wrong answer';
  } catch {
    return 'error';
  }
}

let faulty: FaultUpstream;
let well: FaultUpstream;
let router: TestRouter;

const isStream = (body: Buffer) => (JSON.parse(body.toString()) as { stream?: boolean }).stream === true;
const familyOf = (path: string): Family =>
  path.endsWith('/messages') ? 'messages' : path.endsWith('/responses') ? 'responses' : 'chat';

beforeAll(async () => {
  faulty = await startFaultUpstream();
  well = await startFaultUpstream();
  well.behave(({ path, body }) => goodReply(familyOf(path), isStream(body)));
  const speaks = ['openai-chat', 'openai-responses', 'anthropic-messages'];
  // A worker that has failed is left alone for a while, so each test gets one that nothing has happened to.
  const pool = (url: string, count: number) => ({ serves: 'm', speaks, workers: Array(count).fill({ url }) });
  const names = CLIENTS.map((_, at) => `once-${at}`);
  const once = names.map((name) => [name, { ...pool(faulty.url, 1), serves: name }]);
  const policy = {
    version: 1,
    pools: { faulty: pool(faulty.url, 600), well: pool(well.url, 1), ...Object.fromEntries(once) },
    models: {
      alone: { class: 'chat', ladder: [{ pool: 'faulty' }] },
      paired: { class: 'chat', ladder: [{ pool: 'faulty' }, { pool: 'well', same: true }] },
      ...Object.fromEntries(names.map((name) => [name, { class: 'chat', ladder: [{ pool: name }] }])),
    },
    classes: { chat: { retries: 0 } },
  };
  router = await startTestRouter({ policy: JSON.stringify(policy) });
});
afterAll(async () => {
  await eventuallyHolds(() => expect(router.running.router.status().openCalls).toBe(0));
  await router.close();
  for (const upstream of [faulty, well]) await upstream.close();
  expect(router.log.of('fault')).toEqual([]);
});

const direct = (): Place => ({ origin: faulty.url, model: 'm', maxRetries: 0 });
const routed = (model: string): Place => ({ origin: `http://127.0.0.1:${router.port}`, model, maxRetries: 0 });

describe.each(CLIENTS)('$name', ({ family, text }: ClientCall) => {
  const CASES = [
    ...FAULTS.flatMap((fault) => [true, false].map((stream) => ({ ...fault, stream }))),
    ...STREAM_FAULTS.map((fault) => ({ ...fault, stream: true })),
    ...WHOLE_FAULTS.map((fault) => ({ ...fault, stream: false })),
  ];

  beforeEach(() => {
    faulty.behave(({ path, body }) => goodReply(familyOf(path), isStream(body)));
  });

  it.each([true, false])('gets the answer where nothing fails (stream: %s)', async (stream) => {
    for (const place of [direct(), routed('alone')]) expect(await outcomeOf(text(place, stream))).toBe('answer');
  });

  it.each(CASES)(
    'F058 F059 F060 F068 no worse off than without the router: $what (stream: $stream)',
    async ({ script, stream, early }) => {
      faulty.behave(() => script(family));
      const without = await outcomeOf(text(direct(), stream));
      const alone = await outcomeOf(text(routed('alone'), stream));
      const paired = await outcomeOf(text(routed('paired'), stream));
      expect(without).not.toBe('answer');
      expect(alone).toBe('error');
      expect(OUTCOMES.indexOf(alone)).toBeGreaterThanOrEqual(OUTCOMES.indexOf(without));
      // Where another target serves the same model, it answers as long as nothing was said.
      expect(paired).toBe(early ? 'answer' : 'error');
    },
  );
});

it('F068 a bare 429, at which LangChain gives up without the router, is waited out by every client', async () => {
  const told = new Set<string>();
  faulty.behave(({ path, body }) => {
    const { model } = JSON.parse(body.toString()) as { model: string };
    if (told.has(model)) return goodReply(familyOf(path), isStream(body));
    told.add(model);
    return [json(429, { error: { message: 'slow down', type: 'rate_limit_error' } })];
  });
  const ways = CLIENTS.map(async ({ name, text }, at) => {
    const without = await outcomeOf(text({ origin: faulty.url, model: `direct-${at}` }, false));
    const { origin } = routed('');
    return [name, without, await outcomeOf(text({ origin, model: `once-${at}` }, false))] as const;
  });
  const givesUp = (name: string) => name.startsWith('@langchain/');
  const expected = CLIENTS.map(({ name }) => [name, givesUp(name) ? 'error' : 'answer', 'answer']);
  expect(await Promise.all(ways)).toEqual(expected);
});
