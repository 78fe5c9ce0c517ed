// Answers over IPC, after a full collection, what a router's process holds. Preloaded into the router of a soak.

export interface Holding {
  /** V8's heap and what it owns outside, MiB. */
  readonly heapMiB: number;
  readonly residentMiB: number;
  /** What keeps the process alive, by Node's names: timers, sockets, servers. */
  readonly resources: Readonly<Record<string, number>>;
}

const MIB = 1024 * 1024;

process.on('message', () => {
  const collect = (globalThis as { gc?: () => void }).gc;
  if (collect === undefined) throw new Error('the reporter needs --expose-gc');
  collect();
  collect();
  const { heapUsed, external, rss } = process.memoryUsage();
  const resources: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1;
  process.send!({ heapMiB: (heapUsed + external) / MIB, residentMiB: rss / MIB, resources } satisfies Holding);
});
process.on('disconnect', () => process.exit(0));
// The reporter alone keeps no router alive.
process.channel?.unref();
