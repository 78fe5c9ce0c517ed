// What a replay reports, on cuts of real traces. For src/simulation/replay, report and table, and `spillway replay`.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { WORKER_PROFILES } from '../../src/simulation/constants.ts';
import { fairness } from '../../src/simulation/fairness.ts';
import type { CallRecord } from '../../src/simulation/record.ts';
import { type ReplayOptions, type Run, replay } from '../../src/simulation/replay.ts';
import { report } from '../../src/simulation/report.ts';
import { comparison, tenantTable } from '../../src/simulation/table.ts';
import { gathered } from '../../src/simulation/traffic.ts';
import { catalogOf, POLICY, played, registries, steady, trace } from './staged.ts';
import { turn } from './turn.ts';

const OPTIONS: Omit<ReplayOptions, 'catalog' | 'recorded'> = {
  registries,
  turn,
  model: null,
  loads: [0.5],
  schedules: [null],
  workers: 2,
  worker: WORKER_PROFILES['smg-mock-offload'],
  seed: 1,
  maxCalls: Number.POSITIVE_INFINITY,
  retries: 0,
  warmUp: 0.2,
  reportWindowMs: 60_000,
  tenants: [{ name: 'acme', share: 1 }],
  priority: null,
  lastsMs: 300_000,
  fromMs: null,
  maxThinkMs: 60_000,
  isUnderWay: true,
};

async function runs(options: Partial<ReplayOptions> & Pick<ReplayOptions, 'recorded'>): Promise<Run[]> {
  const catalog = await catalogOf(POLICY);
  const done: Run[] = [];
  for await (const run of replay({ ...OPTIONS, catalog, ...options })) done.push(run);
  return done;
}

const sessions = gathered([trace('claude-code.jsonl', 'sessions')]);
const clients = gathered([trace('servegen-rates.csv', 'rates'), trace('servegen-tokens.csv', 'tokens')]);

const record = (given: Partial<CallRecord>): CallRecord => ({
  tenant: 'a',
  class: 'chat',
  run: null,
  answersTool: false,
  arrivedMs: 0,
  queueMs: 0,
  ttftMs: 1,
  totalMs: 1,
  code: null,
  target: 'chat/chat',
  workerId: 'chat/1',
  inputTokens: 100,
  reusedTokens: 0,
  reusableTokens: 0,
  outputTokens: 0,
  degraded: null,
  attempts: 1,
  tries: 1,
  retryAfterSeconds: null,
  ...given,
});

describe('a replay', () => {
  it('offers the asked share of the computed capacity', async () => {
    const [half, more] = await runs({ recorded: clients, loads: [0.4, 0.8], lastsMs: 60_000 });
    for (const [run, load] of [[half!, 0.4] as const, [more!, 0.8] as const]) {
      expect(Math.abs(run.report.offeredPerSecond / (load * run.capacityPerSecond) - 1)).toBeLessThan(0.15);
      expect(run.load).toBe(load);
    }
    expect(half!.report.all.answered).toBe(half!.report.all.calls);
    expect(Object.keys(half!.report.tenants).length).toBe(12);
  });

  it('keeps agents where their prompts are, which going round does not', async () => {
    const { sticky, 'round-robin': round } = registries.profiles;
    const options = { recorded: sessions, schedules: [sticky!, round!], loads: [0.3], workers: 4 };
    const [kept, spread] = await runs(options);
    expect(kept!.schedule).toBe('sticky');
    expect(kept!.report.reusedOfPerfect!).toBeGreaterThan(spread!.report.reusedOfPerfect!);
    expect(spread!.report.imbalanceP95.work).toBeGreaterThanOrEqual(1);
  });

  it('gives sessions the tenants of the clients beside them', async () => {
    const recorded = { ...sessions, rates: clients.rates };
    const [run] = await runs({ recorded, lastsMs: 100_000 });
    for (const tenant of Object.keys(run!.report.tenants)) expect(tenant).toMatch(/^client-\d+$/);
  });

  it('says what it cannot play', async () => {
    const { calls } = trace('azure-code.csv', 'calls');
    await expect(runs({ recorded: { ...sessions, calls } })).rejects.toThrow('do not mix');
    await expect(runs({ recorded: { ...clients, tokens: [] } })).rejects.toThrow('both of their files');
    await expect(runs({ recorded: sessions, model: 'gpt' })).rejects.toThrow('no model gpt');
  });
});

describe('a report', () => {
  const rules = { fromMs: 0, sloMs: () => 500, weightOf: () => 1, windowMs: 10_000 };

  it('counts from its beginning on, and good answers by the promised time', async () => {
    const result = await played(steady(400, 10, { tenant: 'a' }), { worker: WORKER_PROFILES.slots });
    const whole = report(result, rules);
    const half = report(result, { ...rules, fromMs: 2_000 });
    expect([whole.all.calls, half.all.calls]).toEqual([400, 200]);
    const good = result.records.filter(({ code, ttftMs }) => code === null && ttftMs! <= 500).length;
    expect(whole.goodputShare).toBeCloseTo(good / 400, 9);
    expect(good).toBeLessThan(whole.all.answered);
    expect(Object.values(whole.refusals).reduce((sum, count) => sum + count, 0)).toBe(400 - whole.all.answered);
    const table = comparison([{ name: 'one', report: whole }]);
    expect(table).toContain('| calls | 400 |');
    expect(table.split('\n').every((line) => line === '' || line.split('|').length === 4)).toBe(true);
    expect(tenantTable(whole, 5)).toContain('| a | 1 | 400 |');
  });

  it('measures fairness by what tenants asked for, window by window', () => {
    const flood = Array.from({ length: 30 }, (_, at) =>
      record({ tenant: 'a', code: at < 10 ? null : 'capacity_contended' }),
    );
    const few = Array.from({ length: 10 }, () => record({ tenant: 'b' }));
    expect(fairness([...flood, ...few], () => 1, 1_000).jain).toBeCloseTo(1, 9);
    const robbed = few.map((one, at) => (at < 5 ? one : { ...one, code: 'capacity_contended' as const }));
    const unfair = fairness([...flood, ...robbed], () => 1, 1_000);
    // 1,500 of virtual tokens were served: 750 is due to each, 500 and 1,000 they got.
    expect(unfair.tenants.map(({ served, entitled }) => [served, entitled])).toEqual([
      [1_000, 750],
      [500, 750],
    ]);
    expect(unfair.jain).toBeCloseTo((2 / 3 + 4 / 3) ** 2 / (2 * (4 / 9 + 16 / 9)), 9);
    expect(fairness([...flood, ...robbed], (tenant) => (tenant === 'a' ? 2 : 1), 1_000).jain).toBeCloseTo(1, 9);
  });
});

describe('spillway replay', () => {
  const spillway = (...args: string[]) => {
    const script = new URL('../../src/entry/cli/main.ts', import.meta.url).pathname;
    return promisify(execFile)(process.execPath, [script, 'replay', ...args]).then(
      ({ stdout }) => ({ code: 0, said: stdout }),
      (thrown: { code: number; stderr: string }) => ({ code: thrown.code, said: thrown.stderr }),
    );
  };
  const azure = new URL('../fixtures/traces/azure-code.csv', import.meta.url).pathname;

  it('prints a column for each load and way of choosing, or JSON', async () => {
    const table = await spillway(azure, '--load', '0.5,1', '--profile', 'sticky,round-robin', '--workers', '2');
    expect(table.code).toBe(0);
    expect(table.said).toMatch(/^Load 1 is [\d.]+ calls a second/);
    expect(table.said).toContain('| sticky, load 0.5 | round-robin, load 0.5 | sticky, load 1 | round-robin, load 1 |');
    const json = await spillway(azure, '--load', '0.5', '--limit', '50', '--json');
    const [run] = JSON.parse(json.said) as [Run];
    expect(run.report.all.calls).toBeLessThanOrEqual(50);
    expect(run.report.all.calls).toBeGreaterThan(30);
  });

  it.each([
    [[], 'Give at least one trace'],
    [['nowhere.csv'], 'cannot be read (ENOENT)'],
    [[azure, '--profile', 'best'], '--profile takes one of sticky,'],
    [[azure, '--worker', 'gpu'], '--worker takes one of smg-mock,'],
    [[azure, '--load', 'much'], '--load takes a number'],
    [[azure, '--for', '30'], '--for takes a duration like 30m'],
    [[azure, '--policy', 'nowhere.yaml'], 'nowhere.yaml'],
    [[new URL('./replay.test.ts', import.meta.url).pathname], 'Unknown trace, line 1'],
  ])('refuses %j', async (args, why) => {
    expect(await spillway(...args)).toMatchObject({ code: 2, said: expect.stringContaining(why) });
  });
});
