// What a router that is killed under load costs, several times on one data folder: books that add up, nothing in the tenant's favour,
// nothing twice, and a budget that still binds. For operators, over a router that is a process of its own.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../fakes/eventually.ts';
import { type Asked, type MeteredUpstream, startMeteredUpstream } from '../fakes/metered-upstream.ts';
import { chance } from '../stores/chance.ts';
import { callNumber, type LimitStage, startLimitStage, withLedger } from './limits-stage.ts';

const KILLS = 4;
const CALLERS = 32;
const NANO = 1e9;
const LIMIT = 6 * NANO;
const MOST_TOKENS = 400;
/** Nano-USD a token. */
const INPUT = 2_000;
const OUTPUT = 10_000;
/** More than any prompt here is taken for. */
const MOST_PROMPT = 600;
const MOST = MOST_PROMPT * INPUT + MOST_TOKENS * OUTPUT;
/** What calls in flight can cost, a step of 1 % or two calls ahead, and as much before a slice is made smaller. */
const SLICE = (CALLERS + 1) * MOST + 2 * Math.max(0.01 * LIMIT, 2 * MOST);

const { random, seed } = chance();
process.stdout.write(`kills: seed ${seed}\n`);
let upstream: MeteredUpstream;
let stage: LimitStage;
/** Calls of which their callers had the whole reply, with what they are to be charged. */
const delivered = new Map<string, number>();
let calls = 0;
let underWay = 0;
let goes = true;
let up: Promise<void> = Promise.resolve();

beforeAll(async () => {
  upstream = await startMeteredUpstream('first');
  stage = await startLimitStage(
    {
      version: 1,
      pools: {
        own: { engine: 'openai', serves: 'served', concurrencyPerWorker: 100, workers: [{ url: upstream.url }] },
      },
      models: { asked: { class: 'chat', ladder: [{ pool: 'own' }] } },
      classes: { chat: { queue: { wait: '2s' } } },
      prices: { models: { 'own/served': { input: INPUT / 1_000, output: OUTPUT / 1_000, asOf: '2026-11-01' } } },
      tenants: { acme: { usd: { perDay: LIMIT / NANO } } },
    },
    ['acme'],
  );
});
afterAll(async () => {
  await stage.close();
  await upstream.close();
});

async function one(): Promise<string | null> {
  const max = 50 + Math.floor(random() * (MOST_TOKENS - 50));
  const [prompt, completion] = [100 + Math.floor(100 * random()), 1 + Math.floor(max * random())];
  const asked: Asked = {
    call: callNumber(++calls),
    tenant: 'acme',
    kind: 'whole',
    holdMs: 20 + 130 * random(),
    prompt,
    completion,
  };
  underWay++;
  const { whole, code } = await stage.ask(asked, { stream: random() < 0.5, maxTokens: max, padding: 1_200 });
  underWay--;
  if (whole) delivered.set(asked.call, prompt * INPUT + completion * OUTPUT);
  return code;
}

/** Each goes on until money is short; while there is no router it waits for the next. */
async function caller(): Promise<void> {
  while (goes) {
    await up;
    const code = await one();
    if (code === 'rate_limit_exceeded' || code === 'project_spend_limit_exceeded') goes = false;
  }
}

interface Books {
  readonly calls: number;
  readonly distinct: number;
  readonly charges: number;
  readonly lost: number;
  readonly held: number;
  readonly spent: readonly number[];
}

const BOOKS = `
SELECT (SELECT count(*) FROM calls) AS calls, (SELECT count(DISTINCT trace) FROM calls) AS "distinct",
  (SELECT coalesce(sum(charge), 0) FROM calls) AS charges, (SELECT coalesce(sum(amount), 0) FROM lost) AS lost,
  (SELECT coalesce(sum(amount), 0) FROM holds) AS held`;

function books(): Books {
  return withLedger(stage.data, (db) => {
    const spent = db.prepare('SELECT sum(amount) AS spent FROM spend GROUP BY span').all();
    return { ...db.prepare(BOOKS).get(), spent: spent.map((row) => row['spent']) } as unknown as Books;
  });
}
const amounts = (table: 'holds' | 'lost') =>
  withLedger(stage.data, (db) => {
    const rows = db.prepare(`SELECT holder, sum(amount) AS amount FROM ${table} GROUP BY holder`).all();
    return new Map(rows.map(({ holder, amount }) => [String(holder), Number(amount)]));
  });
/** What callers had and no record tells of, nano-USD. */
function unwritten(): number {
  const rows = withLedger(stage.data, (db) => db.prepare('SELECT trace, charge FROM calls').all());
  const written = new Map(rows.map(({ trace, charge }) => [String(trace), Number(charge)]));
  let sum = 0;
  for (const [call, charge] of delivered) {
    if (written.has(call)) expect(written.get(call), `seed ${seed}, ${call}`).toBe(charge);
    else sum += charge;
  }
  return sum;
}

it('F105 F108 F109 F110 a router that is killed under load again and again loses nothing in its tenant’s favour and writes nothing twice, and the budget still binds', {
  timeout: 100_000,
}, async () => {
  const callers = Array.from({ length: CALLERS }, caller);
  const died = new Map<string, number>();
  let before = 0;
  for (let kill = 1; kill <= KILLS; kill++) {
    const enough = delivered.size + 20 + Math.floor(400 * random());
    await eventually(() => delivered.size >= enough || !goes, { deadlineMs: 15_000, what: 'some calls' });
    let release = () => {};
    up = new Promise((resolve) => {
      release = resolve;
    });
    stage.router.kill('SIGKILL');
    expect(await stage.router.ended).toBe('SIGKILL');
    await eventually(() => underWay === 0, { what: 'all callers know' });
    expect(goes, 'the budget outlasts the kills').toBe(true);
    const { charges, lost, held, spent, calls: written, distinct } = books();
    const said = `seed ${seed}, kill ${kill}`;
    for (const amount of spent) expect(amount, said).toBe(charges + lost);
    expect([lost, distinct], said).toEqual([0, written]);
    const mine = [...amounts('holds')].filter(([holder]) => !died.has(holder));
    expect(mine.length, said).toBeLessThanOrEqual(1);
    for (const [holder, amount] of mine) died.set(holder, amount);
    const slice = mine[0]?.[1] ?? 0;
    const missing = unwritten();
    process.stdout.write(
      `kill ${kill}: ${written} calls written, ${charges / NANO} USD; held ${slice / NANO}, had and not written ${(missing - before) / NANO}, all held ${held / NANO}\n`,
    );
    expect(missing - before, said).toBeLessThanOrEqual(slice);
    expect(slice, said).toBeLessThanOrEqual(SLICE);
    before = missing;
    await stage.restart();
    release();
  }

  await Promise.all(callers);
  await stage.nothingHeld();
  const end = books();
  // What the dead held binds until it is counted: callers cannot have it, and it is not yet spent.
  expect(end.charges + end.lost + [...died.values()].reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(
    LIMIT + MOST,
  );
  await eventually(() => [...died.keys()].every((holder) => !amounts('holds').has(holder)), {
    deadlineMs: 50_000,
    what: 'the leases of the dead end',
  });
  const losses = amounts('lost');
  for (const [holder, held] of died) expect(losses.get(holder) ?? 0, holder).toBe(held);
  expect(await eventually(async () => (await one()) ?? false, { deadlineMs: 10_000 })).toBe(
    'project_spend_limit_exceeded',
  );
  await stage.nothingHeld();
  const { charges, lost, spent, calls: written, distinct } = books();
  for (const amount of spent) expect(amount).toBe(charges + lost);
  expect(distinct).toBe(written);
  expect(unwritten()).toBeLessThanOrEqual(lost);
  process.stdout.write(
    `in the end: ${written} calls, charges ${charges / NANO} + lost ${lost / NANO} = spent ${spent[0]! / NANO} of ${LIMIT / NANO} USD; ` +
      `had and not written ${unwritten() / NANO} USD\n`,
  );
  expect(charges + lost).toBeLessThanOrEqual(LIMIT + MOST);
  expect(charges + lost).toBeGreaterThan(LIMIT - 4 * MOST);
});
