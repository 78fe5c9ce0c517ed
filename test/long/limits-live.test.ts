// What gets through a tenant's limits while 80 callers hammer them, and how soon lower ones are in force: over a router that is a
// process of its own. For operators, by the history that its ledger tells.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { spillway } from '../entry/spillway-process.ts';
import { eventually } from '../fakes/eventually.ts';
import { type Asked, type MeteredUpstream, startMeteredUpstream } from '../fakes/metered-upstream.ts';
import { chance } from '../stores/chance.ts';
import {
  type Answer,
  type AskOptions,
  callNumber,
  type Drop,
  type LedgerCall,
  type LimitStage,
  ledgerCalls,
  overshoot,
  overshootSeen,
  startLimitStage,
} from './limits-stage.ts';

const HAMMER_MS = 10_000;
const REQUESTS = { limit: 600, burst: 20 };
const TOKENS = { limit: 120_000, burst: 4_000 };
const SLOTS = 8;
/** Tokens of the longest call. */
const MOST_USED = 450;
const IN_FORCE_MS = 5_000;
/** What the times of the ledger may be off by: they are whole ms, and taken right after a call was let in. */
const CLOCK_MS = 10;

const { random, seed } = chance();
process.stdout.write(`limits: seed ${seed}\n`);
let upstream: MeteredUpstream;
let stage: LimitStage;
let calls = 0;

const plan = { requestsPerMinute: REQUESTS, inFlight: SLOTS, uncachedTokensPerMinute: TOKENS };
const policy = (acme: object) => ({
  version: 1,
  pools: { own: { engine: 'openai', serves: 'served', concurrencyPerWorker: 200, workers: [{ url: upstream.url }] } },
  models: { asked: { class: 'chat', ladder: [{ pool: 'own' }] } },
  classes: { chat: { queue: { max: 2_000, wait: '2s' } } },
  plans: { small: plan, roomy: { requestsPerMinute: 6_000, inFlight: 64 } },
  tenants: {
    acme: { plan: 'small', ...acme },
    words: { plan: 'small' },
    quiet: { plan: 'roomy' },
    desk: { plan: 'roomy', inFlight: SLOTS },
    slow: { requestsPerMinute: { limit: 12, burst: 1 } },
  },
});
const asked = (tenant: string, more: Partial<Asked> = {}): Asked => ({
  call: callNumber(++calls),
  tenant,
  kind: 'whole',
  holdMs: 10,
  prompt: 20,
  completion: 5,
  ...more,
});

/** Each sends its next call when the last one is answered; `until` by their clock. */
async function hammer(callers: number, untilMs: number, next: () => [Asked, AskOptions]): Promise<Answer[]> {
  const answers: Answer[] = [];
  const caller = async () => {
    while (performance.now() < untilMs) answers.push(await stage.ask(...next()));
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return answers;
}
const acme = (): [Asked, AskOptions] => [
  asked('acme', { holdMs: random() < 0.45 ? 300 + 1_200 * random() : 10 }),
  { stream: random() < 0.5, maxTokens: 50 },
];
const words = (): [Asked, AskOptions] => [
  asked('words', { prompt: 250, completion: 50 + Math.floor(150 * random()), holdMs: 50 * random() }),
  { stream: random() < 0.5, maxTokens: 200, padding: 1_000 },
];
const usedBy = (one: LedgerCall) => (one.uncachedTokens ?? 0) + (one.outputTokens ?? 0);
const letIn = (tenant: string, amount: (one: LedgerCall) => number = () => 1): Drop[] =>
  ledgerCalls(stage.data)
    .filter((one) => one.tenant === tenant && one.admittedMs !== null)
    .map((one) => ({ atMs: one.admittedMs!, amount: amount(one) }));
const count = (answers: readonly Answer[]) => {
  const byStatus: Record<string, number> = {};
  for (const { status, code } of answers)
    byStatus[`${status} ${code ?? ''}`] = (byStatus[`${status} ${code ?? ''}`] ?? 0) + 1;
  return JSON.stringify(byStatus);
};

beforeAll(async () => {
  upstream = await startMeteredUpstream('first');
  stage = await startLimitStage(policy({}), ['acme', 'words', 'quiet', 'desk', 'slow', 'till']);
});
afterAll(async () => {
  await stage.close();
  await upstream.close();
});

it('F104 F106 64 callers of one tenant and 16 of another get no call more than their limits in any window, and a third is not throttled', {
  timeout: 60_000,
}, async () => {
  // What runs for the first time takes tens of ms, and the first calls would seem to be let in later than they were.
  await hammer(64, performance.now() + 1_000, () => [asked('till'), { stream: random() < 0.5, maxTokens: 10 }]);
  const untilMs = performance.now() + HAMMER_MS;
  const hammering = [hammer(64, untilMs, acme), hammer(16, untilMs, words)];
  const quiet = hammer(2, untilMs, () => [asked('quiet', { holdMs: 100 }), { maxTokens: 10 }]);
  const [ofAcme, ofWords] = await Promise.all(hammering);
  const ofQuiet = await quiet;
  process.stdout.write(`acme ${count(ofAcme!)}; words ${count(ofWords!)}; quiet ${count(ofQuiet)}\n`);

  await stage.nothingHeld();
  const slack = (CLOCK_MS * REQUESTS.limit) / 60_000;
  const byClock = overshoot(letIn('acme'), REQUESTS.limit, REQUESTS.burst);
  const bySight = overshootSeen(
    ofAcme!.filter(({ whole }) => whole),
    REQUESTS.limit,
    REQUESTS.burst,
  );
  const tokens = letIn('words', usedBy);
  const tokensOver = overshoot(tokens, TOKENS.limit, TOKENS.burst);
  const most = { acme: upstream.mostInFlight('acme'), words: upstream.mostInFlight('words') };
  process.stdout.write(
    `requests: ${letIn('acme').length} let in, ${byClock.toFixed(3)} over the burst, ${bySight.toFixed(3)} by callers’ clocks; ` +
      `tokens: ${tokens.length} let in, ${tokensOver.toFixed(0)} over; at the upstream ${JSON.stringify(most)}\n`,
  );
  expect(byClock).toBeLessThanOrEqual(slack);
  // The limit is used up, or nothing would be shown.
  expect(byClock).toBeGreaterThan(-1.5);
  expect(bySight).toBeLessThanOrEqual(0);
  // What estimates of parallel calls were short of is owed, and the next calls wait for it.
  expect(tokensOver).toBeLessThanOrEqual(MOST_USED);
  expect(most.acme).toBe(SLOTS);
  expect(most.words).toBeLessThanOrEqual(SLOTS);

  const refused = [...ofAcme!, ...ofWords!].filter(({ status }) => status !== 200);
  expect(refused.length).toBeGreaterThan(100);
  for (const { status, headers, code } of refused) {
    expect([status, code]).toEqual([429, 'rate_limit_exceeded']);
    expect(headers['retry-after']).toMatch(/^([1-9]|[1-4]\d|5[0-5])$/);
    expect(headers['x-ratelimit-limit-requests']).toBe('600');
    expect(headers['x-ratelimit-limit-tokens']).toBe('120000');
    for (const what of ['remaining', 'reset'])
      expect(headers[`x-ratelimit-${what}-requests`], what).toMatch(/^\d+(ms|s|m\d+s)?$/);
  }
  expect(ofQuiet.every(({ whole }) => whole)).toBe(true);
  expect((await stage.status()).money.ledger).toMatchObject({ ok: true, lost: 0 });
  // A flood of refusals is no flood of records.
  expect(ledgerCalls(stage.data).filter(({ attempts }) => attempts === 0)).toEqual([]);
});

it('F104 a caller that comes back when it is told to is let in', { timeout: 60_000 }, async () => {
  const ways = {
    acme: (): [Asked, AskOptions] => [asked('acme'), { maxTokens: 50 }],
    words,
    slow: (): [Asked, AskOptions] => [asked('slow'), { maxTokens: 50 }],
  };
  for (const [tenant, way] of Object.entries(ways)) {
    const told: number[] = [];
    for (let round = 0; round < 3; round++) {
      const seconds = await eventually(async () => {
        const answers = await Promise.all(Array.from({ length: SLOTS }, () => stage.ask(...way())));
        const hints = answers
          .filter(({ status }) => status === 429)
          .map(({ headers }) => Number(headers['retry-after']));
        return hints.length > 0 && Math.max(...hints);
      });
      told.push(seconds);
      // Alone, so that nobody else takes what comes back.
      await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
      expect((await stage.ask(...way())).status, `${tenant} after ${told} s`).toBe(200);
    }
    process.stdout.write(`${tenant}: told ${told.join(', ')} s, let in each time\n`);
  }
  await stage.nothingHeld();
});

it('F107 whoever leaves, is cut, fails or has no patience gives its slot back: all of them are there afterwards', {
  timeout: 60_000,
}, async () => {
  // Few failures, or the worker's breaker would keep the others out.
  const kind = (at: number) => (at % 20 === 3 ? 'cut' : at % 20 === 13 ? 'fail' : at % 2 === 0 ? 'stall' : 'whole');
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, at) => {
      const call = asked('desk', { holdMs: 20, kind: kind(at) });
      const headers: Record<string, string> = at % 10 === 9 ? { 'x-spillway-max-wait': '0' } : {};
      return stage.ask(call, { stream: true, leaves: call.kind === 'stall', headers });
    }),
  );
  process.stdout.write(`desk ${count(answers)}\n`);
  const impatient = answers.filter(({ status }) => status === 429);
  expect(impatient.length).toBeGreaterThan(0);
  for (const { headers } of impatient) {
    expect(headers['retry-after']).toMatch(/^([1-9]|[1-4]\d|5[0-5])$/);
    expect(headers['x-ratelimit-limit-requests']).toBe('6000');
  }
  await stage.nothingHeld();
  expect(letIn('desk').length).toBeGreaterThan(100);
  await eventually(() => upstream.inFlight('desk') === 0);
  upstream.mostInFlight('desk');
  const all = Array.from({ length: 2 * SLOTS }, () => stage.ask(asked('desk', { holdMs: 700 }), {}));
  await eventually(() => upstream.inFlight('desk') === SLOTS, { what: 'all slots are in use' });
  expect((await Promise.all(all)).every(({ whole }) => whole)).toBe(true);
  expect(upstream.mostInFlight('desk')).toBe(SLOTS);
  await stage.nothingHeld();
});

/** From when on all that was let in keeps the new bound, ms after `sinceMs`. */
function inForceAfter(drops: readonly Drop[], sinceMs: number, perMinute: number, burst: number): number {
  const later = drops.filter(({ atMs }) => atMs >= sinceMs);
  const slack = (CLOCK_MS * perMinute) / 60_000;
  const at = later.findIndex((_, from) => overshoot(later.slice(from), perMinute, burst) <= slack);
  return at < 0 ? Number.POSITIVE_INFINITY : Math.max(0, later[at]!.atMs - sinceMs);
}

it('lower limits are in force within 5 s: by a policy that is rewritten, and by spillway tenants', {
  timeout: 60_000,
}, async () => {
  const steady = (): [Asked, AskOptions] => [asked('acme'), { maxTokens: 50 }];
  const set = (): [Asked, AskOptions] => [
    asked('till', { holdMs: 300 }),
    { maxTokens: 50, headers: { 'x-spillway-max-wait': '0' } },
  ];
  const lower = { limit: 60, burst: 1 };
  const command = spillway([
    'tenants',
    'set',
    'till',
    '--requests-per-minute',
    '6000',
    '--in-flight',
    '8',
    '--data',
    stage.data,
  ]);
  expect(await command.ended, command.stderr).toBe(0);

  const untilMs = performance.now() + 16_000;
  const hammering = Promise.all([hammer(8, untilMs, steady), hammer(16, untilMs, set)]);
  await eventually(() => upstream.mostInFlight('till') === SLOTS, { deadlineMs: 6_000 });
  const sinceMs = Date.now();
  stage.rewrite(policy({ requestsPerMinute: lower }));
  const lowered = spillway([
    'tenants',
    'set',
    'till',
    '--requests-per-minute',
    '30',
    '--in-flight',
    '2',
    '--data',
    stage.data,
  ]);
  expect(await lowered.ended, lowered.stderr).toBe(0);
  const setMs = Date.now();
  // What was in flight then ends as it began.
  await eventually(() => upstream.inFlight('till') <= 2, { deadlineMs: IN_FORCE_MS });
  const slotsMs = Date.now() - setMs;
  await hammering;
  await stage.nothingHeld();
  const byPolicy = inForceAfter(letIn('acme'), sinceMs, lower.limit, lower.burst);
  const byTenants = inForceAfter(letIn('till'), setMs, 30, 30);
  process.stdout.write(
    `in force: by policy after ${byPolicy.toFixed(0)} ms, by tenants ${byTenants.toFixed(0)} ms, slots ${slotsMs} ms\n`,
  );
  expect(byPolicy).toBeLessThanOrEqual(IN_FORCE_MS);
  expect(byTenants).toBeLessThanOrEqual(IN_FORCE_MS);
  expect(letIn('acme').filter(({ atMs }) => atMs > sinceMs + IN_FORCE_MS).length).toBeGreaterThan(3);
});
