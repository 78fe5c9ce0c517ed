// Which traffic a set of traces makes at a given share of capacity. For replay.
import type { Priority } from '../core/names.ts';
import type { Random } from '../core/runtime.ts';
import type { MeanCall } from './capacity.ts';
import { stream } from './chance.ts';
import { callTraffic, clientCalls, sessionTraffic, type TenantShare } from './compose.ts';
import type { Script } from './script.ts';
import type { AgentSession, ClientRate, ClientTokens, Trace, TraceCall } from './traces/forms.ts';
import { RATE_WINDOW_MS } from './traces/servegen.ts';

/** All that the given files hold, kind by kind. */
export interface Recorded {
  readonly sessions: readonly AgentSession[];
  readonly calls: readonly TraceCall[];
  readonly rates: readonly ClientRate[];
  readonly tokens: readonly ClientTokens[];
}

export interface TrafficRules {
  readonly model: string;
  readonly tenants: readonly TenantShare[];
  readonly priority: Priority | null;
  /** How long sessions begin and clients call; calls as recorded last as long as they did. */
  readonly lastsMs: number;
  /** Where in a recorded week clients' calls begin; null = in its busiest ten minutes. */
  readonly fromMs: number | null;
  readonly maxThinkMs: number;
  readonly isUnderWay: boolean;
}

/** What one kind of traffic is made of, before it is scaled. */
export interface Traffic {
  readonly mean: MeanCall;
  /** Until when calls begin at this rate, ms. */
  untilMs(perSecond: number): number;
  scripts(perSecond: number, random: Random): Iterable<Script>;
}

export function gathered(traces: readonly Trace[]): Recorded {
  return {
    sessions: traces.flatMap((trace) => (trace.kind === 'sessions' ? trace.sessions : [])),
    calls: traces.flatMap((trace) => (trace.kind === 'calls' ? trace.calls : [])),
    rates: traces.flatMap((trace) => (trace.kind === 'rates' ? trace.rates : [])),
    tokens: traces.flatMap((trace) => (trace.kind === 'tokens' ? trace.tokens : [])),
  };
}

/** Sessions where there are any, with clients' rates as tenants' shares beside them; else calls; else clients' own calls. */
export function trafficOf(recorded: Recorded, rules: TrafficRules): Traffic {
  const { sessions, calls, rates, tokens } = recorded;
  if (sessions.length > 0 && calls.length > 0)
    throw new RangeError('Sessions and single calls do not mix: give traces of one kind, or clients beside sessions.');
  if (sessions.length > 0) return ofSessions(sessions, rates.length > 0 ? sharesOf(rates) : rules.tenants, rules);
  if (calls.length > 0) return ofCalls(calls, rules, meanOf(calls));
  if (rates.length > 0 && tokens.length > 0) return ofClients(rates, tokens, rules);
  throw new RangeError('There is no traffic: clients need both of their files, rates and tokens.');
}

function ofSessions(sessions: readonly AgentSession[], tenants: readonly TenantShare[], rules: TrafficRules): Traffic {
  const { lastsMs, maxThinkMs, model, priority, isUnderWay } = rules;
  const calls = sessions.flatMap(callsOf);
  const perSession = calls.length / sessions.length;
  const sum = (of: (call: (typeof calls)[number]) => number) => calls.reduce((total, call) => total + of(call), 0);
  return {
    mean: {
      uncachedTokens: sum(({ uncachedTokens }) => uncachedTokens) / calls.length,
      inputTokens: sum(({ inputTokens }) => inputTokens) / calls.length,
      outputTokens: sum(({ outputTokens }) => outputTokens) / calls.length,
    },
    untilMs: () => lastsMs,
    scripts: (perSecond, random) =>
      sessionTraffic({
        sessions,
        tenants,
        model,
        priority,
        sessionsPerSecond: perSecond / perSession,
        untilMs: lastsMs,
        maxThinkMs,
        isUnderWay,
        random,
      }),
  };
}

/** Sub-agents' calls included. What opens all prompts is read once by all sessions together, which is next to nothing each. */
function callsOf(session: AgentSession): MeanCall[] {
  const common = session.toolTokens + session.systemTokens;
  return session.calls.flatMap(({ inputTokens, outputTokens, keep, starts }) => {
    const known = Math.max(keep * session.blockTokens, Math.min(common, inputTokens));
    const own = { inputTokens, outputTokens, uncachedTokens: Math.max(1, inputTokens - known) };
    return [own, ...starts.flatMap(({ session: sub }) => callsOf(sub))];
  });
}

function ofCalls(calls: readonly TraceCall[], rules: TrafficRules, mean: MeanCall): Traffic {
  const { model, tenants, priority } = rules;
  const recordedMs = Math.max(1, (calls.at(-1)?.atMs ?? 0) - calls[0]!.atMs);
  const speed = (perSecond: number) => (perSecond * recordedMs) / (calls.length * 1_000);
  return {
    mean,
    // The last call is one of them.
    untilMs: (perSecond) => recordedMs / speed(perSecond) + 1,
    scripts: (perSecond, random) =>
      callTraffic({ calls, tenants, model, class: 'chat', priority, speed: speed(perSecond), random }),
  };
}

function meanOf(calls: readonly TraceCall[]): MeanCall {
  const seen = new Set<number>();
  const sum = { inputTokens: 0, outputTokens: 0, uncachedTokens: 0 };
  for (const { blocks, blockTokens, inputTokens, outputTokens } of calls) {
    let found = 0;
    while (found < blocks.length && seen.has(blocks[found]!)) found++;
    for (const block of blocks) seen.add(block);
    sum.inputTokens += inputTokens;
    sum.outputTokens += outputTokens;
    sum.uncachedTokens += Math.max(1, inputTokens - found * blockTokens);
  }
  return {
    inputTokens: sum.inputTokens / calls.length,
    outputTokens: sum.outputTokens / calls.length,
    uncachedTokens: sum.uncachedTokens / calls.length,
  };
}

function ofClients(rates: readonly ClientRate[], tokens: readonly ClientTokens[], rules: TrafficRules): Traffic {
  const { lastsMs } = rules;
  const fromMs = rules.fromMs ?? busiest(rates);
  const untilMs = fromMs + lastsMs;
  // Only clients whose calls' sizes are known can be played.
  const sized = new Set(tokens.map(({ client }) => client));
  const played = rates.filter(
    ({ client, startMs }) => sized.has(client) && startMs + RATE_WINDOW_MS > fromMs && startMs < untilMs,
  );
  const expected = played.reduce((sum, { callsPerSecond, startMs }) => {
    const ms = Math.min(untilMs, startMs + RATE_WINDOW_MS) - Math.max(fromMs, startMs);
    return sum + (callsPerSecond * ms) / 1_000;
  }, 0);
  if (expected === 0) throw new RangeError('No client calls in this part of the trace.');
  const scale = (perSecond: number) => (perSecond * lastsMs) / (expected * 1_000);
  const drawn = (factor: number, random: Random) =>
    clientCalls({ rates: played, tokens, fromMs, untilMs, scale: factor, random });
  return {
    mean: meanOf(drawn(SAMPLE_CALLS / expected, stream(1, 'mean call'))),
    untilMs: () => lastsMs,
    scripts: (perSecond, random) => ofCallsAsDrawn(drawn(scale(perSecond), random), rules, random),
  };
}

/** Enough to know a mean call by. */
const SAMPLE_CALLS = 20_000;
function ofCallsAsDrawn(calls: readonly TraceCall[], rules: TrafficRules, random: Random): Iterable<Script> {
  const { model, tenants, priority } = rules;
  return callTraffic({ calls, tenants, model, class: 'chat', priority, speed: 1, random });
}

/** The share of each client in all calls. */
function sharesOf(rates: readonly ClientRate[]): TenantShare[] {
  const clients = Map.groupBy(rates, ({ client }) => client);
  return [...clients].map(([client, windows]) => ({
    name: `client-${client}`,
    share: windows.reduce((sum, { callsPerSecond }) => sum + callsPerSecond, 0),
  }));
}

function busiest(rates: readonly ClientRate[]): number {
  const sums = new Map<number, number>();
  for (const { startMs, callsPerSecond } of rates) sums.set(startMs, (sums.get(startMs) ?? 0) + callsPerSecond);
  return [...sums].reduce((best, one) => (one[1] > best[1] ? one : best), [0, 0])[0];
}
