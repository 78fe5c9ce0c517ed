// Answers over IPC, after a full collection, what a router's process holds. Preloaded into the router of a soak.
import { getHeapSpaceStatistics } from 'node:v8';

export interface Holding {
  /** V8's heap without what it has compiled, and what it owns outside, MiB. */
  readonly heapMiB: number;
  readonly residentMiB: number;
  /** What keeps the process alive, by Node's names: timers, sockets, servers. */
  readonly resources: Readonly<Record<string, number>>;
}

const MIB = 1024 * 1024;
/** Spaces of bytecode and machine code: V8 goes on compiling for as long as code grows hot, and forgets what has grown cold. */
const COMPILED = /^(shared_)?(code|trusted)(_large_object)?_space$/;

process.on('message', () => {
  const collect = (globalThis as { gc?: () => void }).gc;
  if (collect === undefined) throw new Error('the reporter needs --expose-gc');
  collect();
  collect();
  const { heapUsed, external, rss } = process.memoryUsage();
  let compiled = 0;
  for (const { space_name, space_used_size } of getHeapSpaceStatistics())
    if (COMPILED.test(space_name)) compiled += space_used_size;
  const resources: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1;
  process.send!({
    heapMiB: (heapUsed - compiled + external) / MIB,
    residentMiB: rss / MIB,
    resources,
  } satisfies Holding);
});
process.on('disconnect', () => process.exit(0));
// The reporter alone keeps no router alive.
process.channel?.unref();
