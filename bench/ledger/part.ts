// How much CPU one call of a part takes, in this process. For ledger.ts and its parts.
import { type Summary, summary } from '../statistics.ts';

/** A prepared part: one call of it, as the router would make it. */
export type Run = () => unknown;

export interface Part {
  readonly name: string;
  /** What the design grants it for a small request, µs; null for what is only shown. */
  readonly budgetUs: number | null;
  /** Null while the project has no such part yet. */
  readonly prepare: () => Promise<Run | null>;
}

export interface Effort {
  readonly rounds: number;
  /** CPU time one round takes at least. */
  readonly roundMs: number;
  readonly warmMs: number;
}

const BATCH = 100;
/** Results go here, so that no call can be optimised away. */
let kept: unknown = null;

export function lastResult(): unknown {
  return kept;
}

function cpuUs(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

/** A promise is awaited, as the pipeline would; a plain value costs no turn of the microtask queue. */
async function batch(run: Run): Promise<void> {
  for (let call = 0; call < BATCH; call++) {
    const result = run();
    kept = result instanceof Promise ? await result : result;
  }
}

async function round(run: Run, leastMs: number): Promise<number> {
  const startUs = cpuUs();
  let calls = 0;
  let usedUs = 0;
  do {
    await batch(run);
    calls += BATCH;
    usedUs = cpuUs() - startUs;
  } while (usedUs < leastMs * 1_000);
  return usedUs / calls;
}

/** µs of this thread's CPU for one call, over rounds that alternate between the parts. */
export async function measureParts(runs: ReadonlyMap<string, Run>, effort: Effort): Promise<Map<string, Summary>> {
  const times = new Map<string, number[]>();
  for (const [name, run] of runs) {
    await round(run, effort.warmMs);
    times.set(name, []);
  }
  for (let index = 0; index < effort.rounds; index++) {
    for (const [name, run] of runs) times.get(name)!.push(await round(run, effort.roundMs));
  }
  return new Map([...times].map(([name, values]) => [name, summary(values)]));
}
