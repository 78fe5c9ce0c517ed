// The same calls once through a real router with real demo workers, each a process, and once through the simulator. For the long
// test and the proof.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { nodeRegistries } from '../../../src/entry/node.ts';
import { stream } from '../../../src/simulation/chance.ts';
import type { CallRecord } from '../../../src/simulation/record.ts';
import { simulate } from '../../../src/simulation/simulate.ts';
import { type Percentiles, percentiles } from '../../../src/simulation/statistics.ts';
import { newFolder, serve } from '../../entry/spillway-process.ts';
import { catalogOf } from '../staged.ts';
import { turn } from '../turn.ts';
import { scriptsOf, sessionCalls, type TrafficCall, tokensOf } from './same-traffic.ts';

/**
 * One to three calls of ten stand in line. With more, waits tell how close to capacity the machine lets a worker come; with
 * fewer, the 95th percentile is that of a handful of calls.
 */
export const LIVE = { sessions: 140, overMs: 40_000, fromMs: 5_000 } as const;

/**
 * Some ms decide which worker gets a call, and so all that comes after it: the 95th percentile of one run moves by 5 % when its calls
 * come up to so much later, as they do from any real sender. So the simulated figures are those of several runs together.
 */
const LATER_MS = 8;
const SIMULATIONS = 8;

/** Rates so low that what the machine itself takes is small beside them. */
const POLICY = `
version: 1
pools:
  chat:
    engine: vllm
    concurrencyPerWorker: 4
    workers:
      - { demo: chat, prefillTokensPerSecond: 5000, decodeTokensPerSecond: 50 }
      - { demo: chat, prefillTokensPerSecond: 5000, decodeTokensPerSecond: 50 }
models:
  chat: { ladder: [ { pool: chat } ] }
classes:
  chat: { queue: { max: 500, wait: 30s } }
`;

export interface Side {
  readonly calls: number;
  readonly failed: number;
  readonly ttftMs: Percentiles;
  readonly waitMs: Percentiles;
  /** Mean of the wait in line. */
  readonly meanWaitMs: number;
  readonly reusedShare: number;
  readonly totalMs: Percentiles;
}

interface Seen {
  readonly atMs: number;
  readonly ok: boolean;
  readonly ttftMs: number;
  readonly queueMs: number;
  readonly totalMs: number;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
}

export interface Both {
  readonly live: Side;
  readonly simulated: Side;
  /** Calls whose tokens, as the worker counted them, are not those that the simulator was given. */
  readonly miscounted: number;
  /** By how much the sender was late at worst, ms. */
  readonly worstLagMs: number;
}

export async function liveAndSimulated(options: {
  readonly sessions: number;
  readonly overMs: number;
  /** Calls that come earlier warm caches and processes, and are not counted. */
  readonly fromMs: number;
  readonly seed: number;
}): Promise<Both> {
  const { sessions, overMs, fromMs, seed } = options;
  const calls = sessionCalls(sessions, overMs, seed);
  const { seen, worstLagMs } = await live(calls);
  const catalog = await catalogOf(POLICY, registries);
  const simulated: Seen[] = [];
  for (let run = 1; run <= SIMULATIONS; run++) {
    const random = stream(run, 'a little later');
    const shifted = calls.map((call) => ({ ...call, atMs: call.atMs + LATER_MS * random() }));
    const { records } = await simulate({ catalog, registries, turn, scripts: scriptsOf(shifted), seed });
    simulated.push(...records.map(seenOf));
  }
  const given = new Map(calls.map((call) => [call.atMs, `${tokensOf(call).length} ${call.body.max_tokens}`]));
  return {
    live: sideOf(seen, fromMs),
    simulated: sideOf(simulated, fromMs),
    miscounted: seen.filter((one) => given.get(one.atMs) !== `${one.promptTokens} ${one.outputTokens}`).length,
    worstLagMs,
  };
}

/** A sender that is later than this shares its machine with so much else that nothing is measured but that. */
const LATE_MS = 100;

/** Once more where the machine was busy. Throws where it stays so: figures of a busy machine say nothing. */
export async function liveInQuiet(options: Parameters<typeof liveAndSimulated>[0]): Promise<Both> {
  for (let tries = 1; ; tries++) {
    const both = await liveAndSimulated(options);
    if (both.worstLagMs <= LATE_MS) return both;
    if (tries === 2)
      throw new Error(`The machine is too busy: calls were sent up to ${Math.round(both.worstLagMs)} ms late.`);
  }
}

function seenOf(record: CallRecord): Seen {
  return {
    atMs: record.arrivedMs,
    ok: record.code === null,
    ttftMs: record.ttftMs ?? Number.POSITIVE_INFINITY,
    queueMs: record.queueMs,
    totalMs: record.totalMs,
    promptTokens: record.inputTokens,
    cachedTokens: record.reusedTokens,
    outputTokens: record.outputTokens,
  };
}

const registries = nodeRegistries({ executable: process.execPath, args: [] });

function sideOf(all: readonly Seen[], fromMs: number): Side {
  const counted = all.filter(({ atMs }) => atMs >= fromMs);
  const answered = counted.filter(({ ok }) => ok);
  const sum = (of: (one: Seen) => number) => answered.reduce((total, one) => total + of(one), 0);
  return {
    calls: counted.length,
    failed: counted.length - answered.length,
    ttftMs: percentiles(answered.map(({ ttftMs }) => ttftMs)),
    waitMs: percentiles(answered.map(({ queueMs }) => queueMs)),
    meanWaitMs: sum(({ queueMs }) => queueMs) / answered.length,
    reusedShare: sum(({ cachedTokens }) => cachedTokens) / sum(({ promptTokens }) => promptTokens),
    totalMs: percentiles(answered.map(({ totalMs }) => totalMs)),
  };
}

async function live(calls: readonly TrafficCall[]): Promise<{ seen: readonly Seen[]; worstLagMs: number }> {
  const folder = newFolder();
  const policy = join(folder, 'policy.yaml');
  writeFileSync(policy, POLICY);
  const router = await serve(['--policy', policy], { folder });
  const dispatcher = new Agent({ connections: 200, pipelining: 1 });
  try {
    await router.ready();
    const seen: Promise<Seen>[] = [];
    let worstLagMs = 0;
    const startMs = performance.now();
    for (const call of calls) {
      const restMs = startMs + call.atMs - performance.now();
      if (restMs > 0) await new Promise((resolve) => setTimeout(resolve, restMs));
      worstLagMs = Math.max(worstLagMs, performance.now() - startMs - call.atMs);
      seen.push(ask(`${router.url}/v1/chat/completions`, call, dispatcher));
    }
    return { seen: await Promise.all(seen), worstLagMs };
  } finally {
    await dispatcher.close();
    await router.dispose();
  }
}

/** As its caller sees it. */
async function ask(url: string, { atMs, body }: TrafficCall, dispatcher: Agent): Promise<Seen> {
  const sentMs = performance.now();
  const headers = { 'content-type': 'application/json' };
  const reply = await request(url, { method: 'POST', headers, body: JSON.stringify(body), dispatcher });
  let ttftMs: number | null = null;
  let text = '';
  for await (const chunk of reply.body) {
    text += chunk;
    if (/"content":"[^"]/.test(text)) ttftMs ??= performance.now() - sentMs;
  }
  const usage = /"prompt_tokens":(\d+).*?"completion_tokens":(\d+)/.exec(text);
  const cached = /"cached_tokens":(\d+)/.exec(text);
  return {
    atMs,
    ok: reply.statusCode === 200 && text.endsWith('data: [DONE]\n\n') && ttftMs !== null,
    ttftMs: ttftMs ?? Number.POSITIVE_INFINITY,
    queueMs: Number(reply.headers['x-spillway-queue-ms'] ?? Number.NaN),
    totalMs: performance.now() - sentMs,
    promptTokens: Number(usage?.[1]),
    cachedTokens: Number(cached?.[1] ?? 0),
    outputTokens: Number(usage?.[2]),
  };
}

/** How far apart two figures are, as a share of the live one. */
export function apart({ live, simulated }: Both, figure: 'p50' | 'p95'): number {
  return Math.abs((simulated.ttftMs[figure] ?? 0) / (live.ttftMs[figure] ?? 0) - 1);
}
