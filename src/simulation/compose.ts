// Makes traffic of traces: whose sessions begin when, and single calls in their recorded or drawn time. For simulate and replay.
import type { Priority } from '../core/names.ts';
import type { Random } from '../core/runtime.ts';
import type { CallSpec } from './call.ts';
import { exponential, fromQuantiles, gamma, mixed, weibull, weighted } from './chance.ts';
import { type Script, single } from './script.ts';
import { sessionScript } from './session.ts';
import type { AgentSession, ClientRate, ClientTokens, TraceCall } from './traces/forms.ts';
import { RATE_WINDOW_MS, SHARES } from './traces/servegen.ts';

/** A tenant and how much of all traffic is its. */
export interface TenantShare {
  readonly name: string;
  readonly share: number;
}

export interface SessionTraffic {
  readonly sessions: readonly AgentSession[];
  readonly tenants: readonly TenantShare[];
  readonly model: string;
  readonly priority: Priority | null;
  readonly sessionsPerSecond: number;
  readonly untilMs: number;
  readonly maxThinkMs: number;
  /**
   * Sessions that began before the start go on in it, each with its next call when that would be due, on a worker that has
   * read their prompt. False: the simulation begins with nobody there.
   */
  readonly isUnderWay: boolean;
  readonly random: Random;
}

/** A call that a recorded session waited for, where the record does not say how long: median first token and rate of those that do. */
const TOOK_MS = 2_550;
const TOOK_MS_PER_TOKEN = 1_000 / 56;

/** Sessions begin at random moments (Poisson), each a recorded one drawn anew, of a tenant drawn by share. */
export function sessionTraffic(traffic: SessionTraffic): Script[] {
  const { sessions, tenants, random, isUnderWay, maxThinkMs, untilMs, model, priority } = traffic;
  const shares = tenants.map(({ share }) => share);
  const gapMs = 1_000 / traffic.sessionsPerSecond;
  const lengths = sessions.map((session) => timesOf(session, maxThinkMs));
  const longestMs = Math.max(0, ...lengths.map((times) => times.at(-1) ?? 0));
  const scripts: Script[] = [];
  let instance = 0;
  const beginMs = isUnderWay ? -longestMs : 0;
  for (let atMs = beginMs + exponential(random, gapMs); atMs < untilMs; atMs += exponential(random, gapMs)) {
    const drawn = Math.floor(random() * sessions.length);
    const tenant = tenants[weighted(random, shares)]!.name;
    const session = sessions[drawn]!;
    // The first call that is not over by the start.
    const skip = lengths[drawn]!.findIndex((ms) => atMs + ms >= 0);
    const startMs = atMs + (lengths[drawn]![skip] ?? 0);
    if (skip < 0 || startMs >= untilMs) continue;
    scripts.push(sessionScript(session, { tenant, model, priority, instance: instance++, startMs, skip, maxThinkMs }));
  }
  return scripts.sort((a, b) => a.startMs - b.startMs);
}

/** When each call of a session began where it was recorded, ms from its start, long pauses cut. */
function timesOf({ calls }: AgentSession, maxThinkMs: number): number[] {
  let atMs = 0;
  return calls.map(({ thinkMs, tookMs, outputTokens }, at) => {
    if (at > 0) atMs += Math.min(thinkMs, maxThinkMs);
    const beganMs = atMs;
    atMs += tookMs ?? TOOK_MS + outputTokens * TOOK_MS_PER_TOKEN;
    return beganMs;
  });
}

export interface CallTraffic {
  readonly calls: readonly TraceCall[];
  /** Used where the trace does not tell clients apart. */
  readonly tenants: readonly TenantShare[];
  readonly model: string;
  readonly class: CallSpec['class'];
  readonly priority: Priority | null;
  /** Recorded time runs so many times as fast. */
  readonly speed: number;
  readonly random: Random;
}

/** Calls that wait for nobody, as they were recorded or drawn. */
export function* callTraffic(traffic: CallTraffic): Generator<Script> {
  const { tenants, random, speed } = traffic;
  const shares = tenants.map(({ share }) => share);
  for (const call of traffic.calls) {
    const tenant = call.client ?? tenants[weighted(random, shares)]!.name;
    yield single(call.atMs / speed, {
      tenant,
      class: traffic.class,
      model: traffic.model,
      run: null,
      answersTool: false,
      stop: 'end_turn',
      inputTokens: call.inputTokens,
      outputTokens: traffic.class === 'chat' ? call.outputTokens : 0,
      blocks: call.blocks,
      blockTokens: call.blockTokens,
      print: printOf(call.blocks),
      priority: traffic.priority,
      maxWaitMs: null,
      timeoutMs: null,
      isKnown: false,
      items: 1,
    });
  }
}

/** What a router could see of such a prompt: its first block stands for tools and system prompt, two for the first message too. */
function printOf(blocks: readonly number[]): CallSpec['print'] {
  if (blocks.length === 0) return null;
  const common = mixed(4, `${blocks[0]}`) || 1;
  return { common, opening: mixed(5, `${blocks[0]} ${blocks[1] ?? ''}`) || 1 };
}

export interface ClientTraffic {
  readonly rates: readonly ClientRate[];
  readonly tokens: readonly ClientTokens[];
  /** The part of the recorded week that is drawn; it begins at 0. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** Of every client's recorded rate. */
  readonly scale: number;
  readonly random: Random;
}

/** Calls of each client: gaps of its own distribution, rescaled so that a window has its recorded rate. In order of time. */
export function clientCalls(traffic: ClientTraffic): TraceCall[] {
  const { fromMs, untilMs, random, scale } = traffic;
  const sizes = Map.groupBy(traffic.tokens, ({ client }) => client);
  const calls: TraceCall[] = [];
  for (const rate of traffic.rates) {
    const startMs = Math.max(fromMs, rate.startMs);
    const endMs = Math.min(untilMs, rate.startMs + RATE_WINDOW_MS);
    const known = sizes.get(rate.client);
    if (startMs >= endMs || known === undefined) continue;
    const size = known.findLast((window) => window.startMs <= startMs) ?? known[0]!;
    const count = Math.round((rate.callsPerSecond * scale * (endMs - startMs)) / 1_000);
    for (const atMs of moments(rate, count, startMs, endMs, random)) {
      calls.push({
        atMs: atMs - fromMs,
        client: `client-${rate.client}`,
        inputTokens: drawn(size.inputTokens, random),
        outputTokens: drawn(size.outputTokens, random),
        blocks: [],
        blockTokens: 16,
      });
    }
  }
  return calls.sort((a, b) => a.atMs - b.atMs);
}

/** `count` moments between two times, whose gaps are drawn and then stretched to fill it. */
function moments(rate: ClientRate, count: number, startMs: number, endMs: number, random: Random): number[] {
  const draw = rate.gaps === 'Gamma' ? gamma : weibull;
  const gaps = Array.from({ length: count + 1 }, () => draw(random, rate.shape));
  const sum = gaps.reduce((total, gap) => total + gap, 0);
  let atMs = startMs;
  return gaps.slice(0, count).map((gap) => {
    atMs += (gap / sum) * (endMs - startMs);
    return atMs;
  });
}

function drawn(values: readonly number[] | null, random: Random): number {
  return values === null ? 1 : Math.max(1, Math.round(fromQuantiles(random, SHARES, values)));
}
