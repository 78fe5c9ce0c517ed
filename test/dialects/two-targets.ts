// Two targets of one dialect in a ladder, and one that does not speak it. For whole-router tests of one dialect.

/** `asked` may move from the first to the second, `alone` has the first only, `chat` leads where the dialect is not spoken. */
export function twoTargets(speaks: readonly string[], firstUrl: string, secondUrl: string): string {
  // Many workers, so that a target that failed once is not left alone by its breaker.
  const pool = (url: string) => ({ serves: 'served', speaks, workers: Array(50).fill({ url }) });
  return JSON.stringify({
    version: 1,
    pools: { first: pool(firstUrl), second: pool(secondUrl), chat: { workers: [{ url: secondUrl }] } },
    models: {
      asked: { class: 'chat', ladder: [{ pool: 'first' }, { pool: 'second', same: true }] },
      alone: { class: 'chat', ladder: [{ pool: 'first' }] },
      chat: { class: 'chat', ladder: [{ pool: 'chat' }] },
    },
    classes: { chat: { retries: 0 } },
  });
}
