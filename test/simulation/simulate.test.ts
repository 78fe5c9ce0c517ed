// Simulations as a whole: the router's own decisions, on workers that are known exactly. For src/simulation.
import { describe, expect, it } from 'vitest';
import { profiles } from '../../src/scheduling/profiles.ts';
import { WORKER_PROFILES } from '../../src/simulation/constants.ts';
import type { CallRecord } from '../../src/simulation/record.ts';
import type { Script } from '../../src/simulation/script.ts';
import { sessionScript } from '../../src/simulation/session.ts';
import { POLICY, played, steady, trace } from './staged.ts';

const { slots } = WORKER_PROFILES;
const { sessions } = trace('claude-code.jsonl', 'sessions');

function session(at: number, instance = at): Script {
  const role = { tenant: 'acme', model: 'chat', priority: null, instance, startMs: 0, skip: 0, maxThinkMs: 30_000 };
  return sessionScript(sessions[at]!, role);
}

const codes = (records: readonly CallRecord[]) => new Set(records.map(({ code }) => code));

describe('a simulation', () => {
  it('answers a call as its worker’s constants say, to the millisecond', async () => {
    const { records } = await played(steady(1, 0, { inputTokens: 8_000, outputTokens: 101 }), {
      worker: { ...WORKER_PROFILES.demo, overheadMs: 7 },
    });
    // 8,000 tokens at 50,000 a second, then 100 steps of 5 ms.
    expect(records).toMatchObject([
      { code: null, queueMs: 0, ttftMs: 167, totalMs: 667, target: 'chat/chat', workerId: 'chat/1', attempts: 1 },
    ]);
  });

  it('is the same again with the same seed, and another with another', async () => {
    const run = (seed: number) =>
      played([session(0), session(1), session(2), session(0, 9)], {
        workers: 3,
        worker: WORKER_PROFILES.h100,
        schedule: profiles.p2c,
        seed,
      });
    const [first, second, other] = [await run(1), await run(1), await run(2)];
    expect(second.records).toEqual(first.records);
    expect(second.windows).toEqual(first.windows);
    expect(first.records.length).toBeGreaterThan(30);
    expect(other.records).not.toEqual(first.records);
  });

  it('lets agents go on only when their call has ended, they have thought, and their sub-agents are back', async () => {
    const { records } = await played([session(0)], { worker: WORKER_PROFILES.h100 });
    const main = sessions[0]!.calls;
    const ends = records.map(({ arrivedMs, totalMs }) => arrivedMs + totalMs);
    const mains = records.filter(({ inputTokens }) => main.some((call) => call.inputTokens === inputTokens));
    expect(mains.length).toBe(main.length);
    for (let at = 1; at < main.length; at++) {
      const before = mains[at - 1]!;
      const gapMs = mains[at]!.arrivedMs - before.arrivedMs - before.totalMs;
      const thinkMs = Math.min(30_000, main[at]!.thinkMs);
      if (main[at - 1]!.starts.length === 0) expect(gapMs).toBeCloseTo(thinkMs, 6);
      else
        expect(mains[at]!.arrivedMs).toBeGreaterThanOrEqual(
          Math.max(...ends.slice(0, records.indexOf(mains[at]!) - 1)),
        );
    }
  });

  it('finds of a run’s prompts what its worker has read, and knows what a perfect cache would have found', async () => {
    const { records } = await played([session(0)], { workers: 3, worker: WORKER_PROFILES['smg-mock'] });
    const [first, ...rest] = records;
    expect(first).toMatchObject({ reusedTokens: 0, reusableTokens: 0, run: 's0', answersTool: false });
    expect(rest.reduce((sum, { reusedTokens }) => sum + reusedTokens, 0)).toBeGreaterThan(0);
    for (const { reusedTokens, reusableTokens } of records) expect(reusedTokens).toBeLessThanOrEqual(reusableTokens);
  });

  it('serves as much as its slots can at ten times that, and lets nobody wait beyond the bound', async () => {
    const { records, refusals } = await played(steady(16_000, 1.25), { worker: slots });
    const served = records.filter(({ code }) => code === null);
    // 80 calls a second for 20 s, of 800 a second that are asked for.
    expect(served.length / 20).toBeGreaterThan(0.9 * 80);
    expect(served.length / 22).toBeLessThanOrEqual(80);
    expect(codes(records)).toEqual(new Set([null, 'capacity_contended']));
    expect(Math.max(...served.map(({ queueMs }) => queueMs))).toBeLessThanOrEqual(2_000);
    expect([...refusals.values()].reduce((sum, count) => sum + count, 0)).toBe(records.length - served.length);
  });

  it('has callers come back when they were told to', async () => {
    const { records } = await played(steady(200, 5), {
      worker: slots,
      policy: POLICY.replace('max: 50', 'max: 5'),
      retries: 8,
    });
    const again = records.filter(({ tries }) => tries > 1);
    expect(again.length).toBeGreaterThan(0);
    const refused = records.filter(({ code }) => code !== null);
    expect(again.length).toBe(refused.filter(({ tries }) => tries <= 8).length);
    for (const { retryAfterSeconds } of refused) expect(retryAfterSeconds).toBeGreaterThanOrEqual(1);
    expect(records.filter(({ code }) => code === null).length).toBe(200);
  });

  it('ends calls whose callers leave, and begins none after its end', async () => {
    const left = await played(steady(20, 10, { timeoutMs: 30 }), { worker: slots });
    expect(codes(left.records)).toEqual(new Set(['client_gone']));
    expect(left.status.pools[0]!.inFlight).toBe(0);
    const { records } = await played(steady(100, 10), { worker: slots, untilMs: 500 });
    expect(records.length).toBe(50);
    const few = await played(steady(100, 10), { worker: slots, maxCalls: 7 });
    expect(few.records.length).toBe(7);
  });

  it('goes round a worker that flaps, and one that is slow', async () => {
    const faults = { 'chat/2': [{ kind: 'flapping', downMs: 300, upMs: 300, fromMs: 1_000, untilMs: 8_000 }] } as const;
    const { records } = await played(steady(500, 20), { workers: 3, worker: slots, faults });
    expect(records.filter(({ code }) => code !== null)).toEqual([]);
    const meanwhile = records.filter(({ arrivedMs }) => arrivedMs > 2_000 && arrivedMs < 8_000);
    const share = meanwhile.filter(({ workerId }) => workerId === 'chat/2').length / meanwhile.length;
    expect(share).toBeLessThan(0.2);
    await expect(played([], { faults: { 'chat/9': [] } })).rejects.toThrow('no worker chat/9');
  });

  it('goes down the ladder when the pool is full, and says so', async () => {
    const policy = `${POLICY.replace('wait: 2s', 'wait: 0s')}
providers:
  cloud: { kind: openai, apiKey: $KEY }
`.replace('ladder: [ { pool: chat } ]', 'ladder: [ { pool: chat }, { provider: cloud/gpt } ]');
    const { records } = await played(steady(100, 5), { worker: slots, policy });
    expect(codes(records)).toEqual(new Set([null]));
    const diverted = records.filter(({ target }) => target === 'cloud/gpt');
    expect(diverted.length).toBeGreaterThan(20);
    expect(new Set(diverted.map(({ degraded, workerId }) => `${degraded} ${workerId}`))).toEqual(
      new Set(['saturated cloud/1']),
    );
  });

  it('waits for workers that come up, as their health page tells', async () => {
    const startUp = [{ forMs: 3_000, answers: 'refused' }] as const;
    const policy = POLICY.replace('concurrencyPerWorker: 8', 'engine: vllm\n    concurrencyPerWorker: 8').replace(
      'wait: 2s',
      'wait: 20s',
    );
    const { records, status } = await played(steady(3, 4_000), { worker: { ...slots, startUp }, policy });
    expect(records.filter(({ arrivedMs, code }) => arrivedMs >= 4_000 && code === null).length).toBe(2);
    expect(status.pools[0]!.workers[0]!.state).toBe('warm');
  });

  it('splits lists that are longer than a worker takes', async () => {
    const policy = POLICY.replace('concurrencyPerWorker: 8', 'engine: tei\n    concurrencyPerWorker: 8').replace(
      'class: chat',
      'class: embed',
    );
    const { records } = await played(
      [...steady(1, 0, { class: 'embed', items: 100, inputTokens: 10_000, outputTokens: 0 })],
      {
        policy,
      },
    );
    expect(records).toMatchObject([{ code: null, class: 'embed', target: 'chat/chat' }]);
  });
});
