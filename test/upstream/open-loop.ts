// Decides how load comes in that does not wait for answers: so many calls a second on keep-alive connections, each one
// accounted for. For tests of a target that is dead beside one that is not.
import {
  closedPort,
  type FaultUpstream,
  hang,
  json,
  type Script,
  startFaultUpstream,
} from '../fakes/fault-upstream.ts';
import { postBytes, RawConnection } from '../fakes/raw-client.ts';
import { CHAT, type PoolShape, type Routed, startRouted, streamed } from './routed.ts';

export interface Window {
  calls: number;
  /** Tries beyond the one that answered: what the dead target cost. */
  extra: number;
  failures: string[];
}

export interface LoadOptions {
  readonly port: number;
  readonly perSecond: number;
  readonly seconds: number;
  readonly windowSeconds: number;
}

/** Resolves when the last call has been answered. */
export async function openLoop({ port, perSecond, seconds, windowSeconds }: LoadOptions): Promise<Window[]> {
  const windows = Array.from({ length: Math.ceil(seconds / windowSeconds) }, (): Window => {
    return { calls: 0, extra: 0, failures: [] };
  });
  const idle: RawConnection[] = [];
  const bytes = postBytes(CHAT, streamed());
  const running = new Set<Promise<void>>();

  async function call(window: Window): Promise<void> {
    window.calls++;
    let connection = idle.pop();
    while (connection !== undefined && connection.closed !== undefined) connection = idle.pop();
    connection ??= await RawConnection.connect(port);
    connection.write(bytes);
    const { status, headers, body, complete } = await connection.readResponse(15_000);
    const whole = status === 200 && complete && body.subarray(-14).toString() === 'data: [DONE]\n\n';
    if (!whole) window.failures.push(`${status} ${body.subarray(0, 200)}`);
    window.extra += Number(headers['x-spillway-attempts'] ?? 1) - 1;
    idle.push(connection);
  }

  const startMs = performance.now();
  const total = perSecond * seconds;
  for (let sent = 0; sent < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - startMs) / 1000) * perSecond) + 1);
    for (; sent < due; sent++) {
      const window = windows[Math.floor(sent / perSecond / windowSeconds)]!;
      const going: Promise<void> = call(window)
        .catch((error) => void window.failures.push(String(error)))
        .finally(() => running.delete(going));
      running.add(going);
    }
    await new Promise((resolve) => setTimeout(resolve, 1_000 / perSecond));
  }
  await Promise.all(running);
  for (const connection of idle) connection.destroy();
  return windows;
}

export const DEATHS = ['refused', 'resets', '500s', 'silence'] as const;
export type Death = (typeof DEATHS)[number];

const SCRIPTS: Record<'500s' | 'silence', Script> = {
  '500s': [json(500, { error: { message: 'dead', type: 'server_error' } })],
  silence: [hang()],
};

export interface Beside {
  readonly routed: Routed;
  readonly healthy: FaultUpstream;
  /** Null where nothing listens. */
  readonly dead: FaultUpstream | null;
  close(): Promise<void>;
}

/** A dead target beside a healthy one: as two workers of one pool, or as two pools that are copies of each other. */
export async function startBeside(death: Death, as: 'workers' | 'rungs'): Promise<Beside> {
  const healthy = await startFaultUpstream({ keep: 100 });
  const dead = death === 'refused' ? null : await startFaultUpstream({ keep: 100 });
  if (death === 'resets') dead!.welcome('reset');
  else if (death !== 'refused') dead!.behave(() => SCRIPTS[death]);
  const deadUrl = dead?.url ?? `http://127.0.0.1:${await closedPort()}`;
  const pools: PoolShape[] =
    as === 'workers' ? [{ urls: [deadUrl, healthy.url] }] : [{ urls: [deadUrl] }, { urls: [healthy.url], same: true }];
  // A call that a silent target holds needs a retry from the budget, so few may be held when the breaker opens.
  const routed = await startRouted(pools, death === 'silence' ? { timeouts: { headers: '300ms' } } : {});
  return {
    routed,
    healthy,
    dead,
    async close() {
      await routed.closeClean();
      await healthy.close();
      await dead?.close();
    },
  };
}
