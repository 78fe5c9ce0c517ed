// What recorded clients get of a pool that cannot serve them all, beside what they are entitled to. For tests and proof.
import type { Run } from '../../../src/simulation/replay.ts';
import type { Recorded } from '../../../src/simulation/traffic.ts';
import { oneRun } from './one-run.ts';

export interface FairShareOptions {
  /** Rates and tokens of clients. */
  readonly recorded: Recorded;
  /** Where in the recorded week; null = its busiest ten minutes. */
  readonly fromMs: number | null;
  readonly lastsMs: number;
  readonly load: number;
  /** Tenants weigh from 1 to 4, by their number; else all weigh the same. */
  readonly weighted: boolean;
  /** The router is not told who is who: first come, first served. */
  readonly asOneTenant: boolean;
  readonly seed: number;
}

/** Four workers of 64 calls at once. */
export async function fairShare(options: FairShareOptions): Promise<Run> {
  const { recorded, weighted, load } = options;
  const clients = [...new Set(recorded.rates.map(({ client }) => client))];
  const tenants = clients.map((client) => `  client-${client}: { weight: ${weighted ? 1 + (Number(client) % 4) : 1} }`);
  const policy = `
version: 1
pools:
  chat: { concurrencyPerWorker: 64, workers: [ { url: "http://10.0.0.1:8000" } ] }
models:
  chat: { ladder: [ { pool: chat } ] }
classes:
  chat: { queue: { max: 1000, wait: 30s } }
tenants:
${tenants.join('\n')}
`;
  const { fromMs, lastsMs, asOneTenant, seed } = options;
  return oneRun(policy, load, { recorded, workers: 4, fromMs, lastsMs, asOneTenant, seed, warmUp: 0.2 });
}
