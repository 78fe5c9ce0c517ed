// Shows who is served of those who all want more than there is: tenants by weight, tool loops before new runs, lower bands by their
// reserve. For the gate, over a router and demo workers that are processes of their own.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { made } from '../entry/keys-command.ts';
import { newFolder, type Serving, type SpillwayProcess, serve, spillway } from '../entry/spillway-process.ts';
import { eventually } from '../fakes/eventually.ts';

const WORKERS = 2;
const SLOTS = 4;
const SECONDS = Number(process.env['SPILLWAY_FAIRNESS_SECONDS'] ?? 12);
/** Until all callers are at it, and what is learned has been learned. */
const WARM_MS = 2_000;
const RESERVED = { interactive: 0.2, batch: 0.2, background: 0.1 };

const dispatcher = new Agent({ pipelining: 1 });
let workers: SpillwayProcess[];
let router: Serving;
const keys: Record<string, string> = {};

beforeAll(async () => {
  const rates = ['--max-num-seqs', `${SLOTS}`, '--decode-tokens-per-second', '400'];
  workers = Array.from({ length: WORKERS }, () => spillway(['demo-worker', ...rates]));
  await Promise.all(workers.map((worker) => worker.says('listening')));
  const urls = workers.map(({ stdout }) => (JSON.parse(stdout) as { listening: string }).listening);
  const folder = newFolder();
  const path = join(folder, 'policy.yaml');
  const policy = {
    version: 1,
    pools: {
      demo: {
        engine: 'vllm',
        serves: 'demo-large',
        concurrencyPerWorker: SLOTS,
        workers: urls.map((url) => ({ url })),
      },
    },
    models: { asked: { class: 'chat', ladder: [{ pool: 'demo' }] } },
    classes: { chat: { queue: { wait: '20s' } } },
    tenants: { three: { weight: 3 }, one: { weight: 1 } },
    fairness: {
      reserved: Object.fromEntries(Object.entries(RESERVED).map(([band, share]) => [band, `${100 * share}%`])),
    },
  };
  writeFileSync(path, JSON.stringify(policy));
  for (const tenant of ['three', 'one']) keys[tenant] = (await made(join(folder, 'data'), '--tenant', tenant)).key;
  router = await serve(['--policy', path], { folder });
  // With keys its status is the operator's alone.
  const hello = { tenant: 'one', messages: [user('Hi')], outputTokens: 1 };
  await eventually(async () => Number.isFinite(await ask(hello)), { deadlineMs: 15_000 });
});
afterAll(async () => {
  await router.dispose();
  for (const worker of workers) worker.kill('SIGKILL');
  await Promise.all(workers.map(({ ended }) => ended));
  await dispatcher.close();
});

interface Message {
  readonly role: string;
  readonly [field: string]: unknown;
}

interface Asked {
  readonly tenant: string;
  readonly messages: readonly Message[];
  readonly outputTokens: number;
  readonly headers?: Record<string, string>;
}

/** Answers with how long the call stood in line, ms. */
async function ask({ tenant, messages, outputTokens, headers = {} }: Asked): Promise<number> {
  const {
    statusCode,
    headers: said,
    body,
  } = await request(`${router.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${keys[tenant]}`, ...headers },
    body: JSON.stringify({ model: 'asked', messages, max_tokens: outputTokens, ignore_eos: true }),
    dispatcher,
  });
  const text = await body.text();
  if (statusCode !== 200) throw new Error(`${statusCode} ${text}`);
  return Number(said['x-spillway-queue-ms']);
}

/** So many callers that ask again as soon as they are answered, for as long as the run lasts. */
async function callers(count: number, untilMs: number, turn: (caller: number, round: number) => Promise<unknown>) {
  const one = async (caller: number) => {
    for (let round = 0; performance.now() < untilMs; round++) await turn(caller, round);
  };
  await Promise.all(Array.from({ length: count }, (_, caller) => one(caller)));
}

const user = (text: string): Message => ({ role: 'user', content: text });
/** Texts of 20 to 120 tokens and replies of 20 to 60, in no step with each other. */
const promptOf = (who: string, caller: number, round: number) =>
  user(`${who} ${caller}/${round} ${'word '.repeat(20 + ((caller * 37 + round * 53) % 100))}`);
const lengthOf = (caller: number, round: number) => 20 + ((caller * 29 + round * 31) % 41);

interface Logged {
  readonly time: number;
  readonly tenant: string;
  readonly priority: string;
  readonly how: string;
  readonly uncachedTokens: number;
  readonly outputTokens: number;
}

/** Virtual tokens of the calls that ended while all were at it, by what `of` says of them. */
async function served(
  of: 'tenant' | 'priority',
  run: (untilMs: number) => Promise<unknown>,
): Promise<Record<string, number>> {
  const fromWallMs = Date.now() + WARM_MS;
  const untilWallMs = fromWallMs + SECONDS * 1_000;
  await run(performance.now() + WARM_MS + SECONDS * 1_000);
  const tokens: Record<string, number> = {};
  for (const call of router.logged('call') as unknown as Logged[]) {
    if (call.time < fromWallMs || call.time >= untilWallMs) continue;
    expect(call.how).toBe('complete');
    tokens[call[of]] = (tokens[call[of]] ?? 0) + call.uncachedTokens + 2 * call.outputTokens;
  }
  return tokens;
}

it('two tenants that both want more than there is are served three to one, as their weights are', async () => {
  const tokens = await served('tenant', (untilMs) =>
    Promise.all(
      ['three', 'one'].map((tenant) =>
        callers(24, untilMs, (caller, round) =>
          ask({ tenant, messages: [promptOf(tenant, caller, round)], outputTokens: lengthOf(caller, round) }),
        ),
      ),
    ),
  );
  const ratio = tokens['three']! / tokens['one']!;
  process.stdout.write(`served ${JSON.stringify(tokens)}, ratio ${ratio.toFixed(3)}\n`);
  expect(ratio).toBeGreaterThan(2.85);
  expect(ratio).toBeLessThan(3.15);
});

it('of one tenant’s calls those that bring a tool’s answer wait less than those that begin a run', async () => {
  const waits: Record<'loop' | 'first', number[]> = { loop: [], first: [] };
  const fromMs = performance.now() + WARM_MS;
  await callers(32, fromMs + SECONDS * 1_000, async (caller, round) => {
    const messages: Message[] = [promptOf('run', caller, round)];
    const headers = { 'x-spillway-run': `run-${caller}-${round}` };
    for (let step = 0; step < 4; step++) {
      const outputTokens = lengthOf(caller, round + step);
      const waitedMs = await ask({ tenant: 'three', messages, outputTokens, headers });
      if (performance.now() >= fromMs) waits[step === 0 ? 'first' : 'loop'].push(waitedMs);
      const call = { id: `call-${step}`, type: 'function', function: { name: 'look', arguments: '{}' } };
      messages.push({ role: 'assistant', content: null, tool_calls: [call] });
      messages.push({ role: 'tool', tool_call_id: call.id, content: `Found ${step}.` });
    }
  });
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const said = (values: readonly number[]) =>
    `${values.length} steps, mean ${mean(values).toFixed(0)} ms, most ${Math.max(...values)} ms`;
  process.stdout.write(`tool loops ${said(waits.loop)}; new runs ${said(waits.first)}\n`);
  expect(mean(waits.loop)).toBeLessThan(mean(waits.first) / 2);
});

it('bands that wait beside higher ones have their reserve, and the rest goes by priority', async () => {
  const tokens = await served('priority', (untilMs) =>
    Promise.all(
      Object.keys(RESERVED).map((priority) =>
        callers(20, untilMs, (caller, round) =>
          ask({
            tenant: 'one',
            messages: [promptOf(priority, caller, round)],
            outputTokens: lengthOf(caller, round),
            headers: { 'x-spillway-priority': priority },
          }),
        ),
      ),
    ),
  );
  const all = Object.values(tokens).reduce((sum, value) => sum + value, 0);
  const shares = Object.fromEntries(Object.entries(tokens).map(([band, value]) => [band, value / all]));
  process.stdout.write(`shares ${JSON.stringify(shares)}\n`);
  for (const band of ['batch', 'background'] as const) {
    expect(shares[band]! / RESERVED[band]).toBeGreaterThan(0.95);
    expect(shares[band]! / RESERVED[band]).toBeLessThan(1.1);
  }
  expect(shares['interactive']).toBeGreaterThan(0.65);
});
