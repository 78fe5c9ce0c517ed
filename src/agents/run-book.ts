// Remembers of each run when it began and where its agents were served. For router, which asks with each call.
import { LRUCache } from 'lru-cache';
import type { PromptMarks } from '../core/dialect.ts';
import type { AffinityLease, RunBook, RunEntry, RunIdentity, Stop } from '../core/runs.ts';
import { sharedShare } from '../wire/marks.ts';

/** A run that was silent for so long has ended; who comes back under its name begins anew. */
const IDLE_MS = 3_600_000;
const MAX_RUNS = 20_000;
/** Of one run; beyond, the one that was silent longest is forgotten. */
const MAX_AGENTS = 64;
/** Pools in which one agent's place is remembered. */
const MAX_POOLS = 8;

interface Run {
  readonly arrivedMs: number;
  usedMs: number;
  readonly agents: Map<string, Agent>;
}

interface Agent {
  calls: number;
  /** A prompt of it began as the one before did: what begins otherwise has been changed, and is not only written otherwise. */
  steady: boolean;
  /** By pool, the one used last at the end. */
  readonly leases: Map<string, Held>;
}

interface Held extends AffinityLease {
  /** The call before was so much shorter that it may have been no part of the conversation. */
  readonly passed: boolean;
  readonly seen: PromptMarks | null;
}

/** A call of less than this share of what is held goes on with something else, or the conversation was made shorter. */
const SHORTER = 0.5;

/** One call's look at its agent. */
class Entry implements RunEntry {
  readonly arrivedMs: number;
  readonly calls: number;
  readonly #run: Run;
  readonly #agent: Agent;

  constructor(run: Run, agent: Agent) {
    this.arrivedMs = run.arrivedMs;
    this.calls = agent.calls++;
    this.#run = run;
    this.#agent = agent;
  }

  lease(pool: string, nowMs: number): Held | null {
    const lease = this.#agent.leases.get(pool);
    return lease === undefined || nowMs - lease.usedMs >= IDLE_MS ? null : lease;
  }

  /**
   * The newest call says where the conversation is and how much of it is held. One much shorter call is passed over: most
   * are asides, a title or a summary, and do not move it. After the second in a row it is the conversation that is shorter.
   */
  served(
    pool: string,
    workerId: string,
    tokens: number,
    stop: Stop | null,
    nowMs: number,
    marks: PromptMarks | null = null,
  ): void {
    if (nowMs > this.#run.usedMs) this.#run.usedMs = nowMs;
    const { leases } = this.#agent;
    const before = this.lease(pool, nowMs);
    const agent = this.#agent;
    const comparable = !agent.steady && marks !== null && before !== null && before.seen !== null;
    if (comparable && sharedShare(before.seen, marks) === 1) agent.steady = true;
    const aside = before !== null && !before.passed && tokens < before.tokens * SHORTER;
    const held = aside
      ? { ...before, passed: true }
      : {
          workerId,
          tokens,
          marks: agent.steady ? marks : null,
          seen: marks,
          usedMs: nowMs,
          inTool: stop === 'tool_use',
          passed: false,
        };
    renew(leases, pool, held, MAX_POOLS);
  }
}

export class RunBookLru implements RunBook {
  readonly #runs: LRUCache<string, Run>;

  constructor(maxRuns: number = MAX_RUNS) {
    this.#runs = new LRUCache({ max: maxRuns });
  }

  get size(): number {
    return this.#runs.size;
  }

  enter(tenant: string, identity: RunIdentity, nowMs: number): RunEntry {
    // Ids and names hold no line break. Of two sources the same id is two runs: nobody gets into a declared run by guessing at its name.
    const key = `${identity.source}\n${identity.run}\n${tenant}`;
    let run = this.#runs.get(key);
    if (run === undefined || nowMs - run.usedMs >= IDLE_MS) {
      run = { arrivedMs: nowMs, usedMs: nowMs, agents: new Map() };
      this.#runs.set(key, run);
    }
    if (nowMs > run.usedMs) run.usedMs = nowMs;
    const name = identity.agent ?? '';
    const agent = run.agents.get(name) ?? { calls: 0, steady: false, leases: new Map() };
    renew(run.agents, name, agent, MAX_AGENTS);
    return new Entry(run, agent);
  }
}

/** Sets a value as the newest; the oldest gives way beyond `most`. */
function renew<Value>(map: Map<string, Value>, key: string, value: Value, most: number): void {
  // Most agents are alone in their run, and most have one pool: then nothing has to change its place.
  if (map.size !== 1) map.delete(key);
  map.set(key, value);
  if (map.size > most) map.delete(map.keys().next().value!);
}
