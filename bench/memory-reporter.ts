// Answers over IPC, after a full collection, how much a proxy holds. Preloaded into proxies of the idle mode only.

export interface Memory {
  /** V8's heap and what it owns outside, KiB. */
  readonly heapKiB: number;
  readonly residentKiB: number;
}

process.on('message', (message: { kind?: string }) => {
  if (message.kind !== 'memory') return;
  const collect = (globalThis as { gc?: () => void }).gc;
  if (collect === undefined) throw new Error('the memory reporter needs --expose-gc');
  collect();
  collect();
  const { heapUsed, external, rss } = process.memoryUsage();
  process.send!({ heapKiB: (heapUsed + external) / 1_024, residentKiB: rss / 1_024 } satisfies Memory);
});
process.on('disconnect', () => process.exit(0));
// The reporter alone keeps no proxy alive.
process.channel?.unref();
