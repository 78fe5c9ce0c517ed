// Agents of many tenants before a pool's gate: with runs that have their place at a worker, and new ones. For the ledger and the decision bench.
import { RunBookLru } from '../../src/agents/run-book.ts';
import { PRIORITIES, type Priority } from '../../src/core/names.ts';
import type { RunEntry } from '../../src/core/runs.ts';
import type { Random } from '../../src/core/runtime.ts';
import { CallSignal } from '../../src/core/signal.ts';
import { Placing } from '../../src/router/placing.ts';
import type { Progress } from '../../src/router/progress.ts';
import { weighted } from '../../src/simulation/chance.ts';
import { MODEL } from '../workload.ts';
import type { Stand } from './stand.ts';

/** Longer than a bench lasts: nobody's time is up while it is measured. */
const PATIENCE_MS = 3_600_000;
const RUNS_EACH = 4;
/** Share of those runs whose agent was in a tool, so that it may wait for its worker. */
const TOOL_SHARE = 0.8;
/** Their last replies are up to so old: a line of 10,000 before 4,000 slots of 10 s each takes 25 s, and tools take their time. */
const OLDEST_REPLY_MS = 60_000;
/** Interactive, batch, background. */
const BANDS: readonly Priority[] = PRIORITIES.slice(1);
const BAND_SHARES = [0.8, 0.15, 0.05];
/** Agent programs whose runs share a system prompt. */
const PROGRAMS = 20;

interface Run {
  readonly entry: RunEntry;
  readonly inputTokens: number;
  readonly inTool: boolean;
}

interface Tenant {
  readonly name: string;
  readonly weight: number;
  readonly priority: Priority;
  /** Print of what its agents' prompts begin with. */
  readonly prefix: number;
  readonly runs: readonly Run[];
}

/** The next call of the tenant at `at`: of each tenant's, every other goes on with a run. */
export type Ask = (at: number) => Progress;

export function askers(tenantCount: number, stand: Stand, random: Random): Ask {
  const book = new RunBookLru();
  const nowMs = stand.clock.nowMs();
  const tenants = Array.from({ length: tenantCount }, (_, at): Tenant => {
    const name = `tenant-${at}`;
    const runs = Array.from({ length: RUNS_EACH }, (_, number): Run => {
      const inputTokens = 1_000 + Math.floor(random() * 12_000);
      const inTool = random() < TOOL_SHARE;
      const identity = { run: `run-${number}`, agent: null, parent: null, source: 'declared' } as const;
      const repliedMs = nowMs - random() * OLDEST_REPLY_MS;
      const entry = book.enter(name, identity, repliedMs);
      const worker = stand.workers[Math.floor(random() * stand.workers.length)]!;
      entry.served(stand.name, worker.id, inputTokens, inTool ? 'tool_use' : 'end_turn', repliedMs);
      return { entry, inputTokens: inputTokens + 200, inTool };
    });
    const prefix = 1 + Math.floor(random() * PROGRAMS);
    return { name, weight: 1 + (at % 4), priority: BANDS[weighted(random, BAND_SHARES)]!, prefix, runs };
  });
  let made = 0;
  return (at) => {
    const tenant = tenants[at]!;
    return progressOf(tenant, tenant.runs[made++ % (2 * RUNS_EACH)] ?? null, stand.clock.nowMs());
  };
}

/** Of a call's progress, what its placing reads. */
function progressOf({ name, weight, priority, prefix }: Tenant, run: Run | null, receivedMs: number): Progress {
  const progress = {
    request: {
      signal: new CallSignal(),
      caller: { tenant: name },
      call: { answersTool: run?.inTool ?? false, inputTokens: run?.inputTokens ?? 2_500, items: 1 },
      receivedMs,
    },
    rules: { class: 'chat' },
    tenant: { weight, zones: null },
    priority,
    run: run?.entry ?? null,
    prefix,
    outputTokens: 300,
    bytes: 2_048,
    tried: null,
  };
  return progress as unknown as Progress;
}

/** As router/rung makes it for one look at the pool. */
export function placed(stand: Stand, progress: Progress, nowMs: number): Placing {
  const lease = progress.run?.lease(stand.name, nowMs) ?? null;
  return new Placing(progress, MODEL, lease, true, PATIENCE_MS, nowMs);
}
