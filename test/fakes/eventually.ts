// Decides how a test waits for something that announces itself by no event: it polls until a deadline,
// for tests, instead of sleeping a fixed time.

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const rest = () => new Promise<void>((resolve) => setTimeout(resolve, 5));
// The first polls follow each other turn by turn, so that what is nearly there costs no 5 ms.
const eagerPolls = 20;

/**
 * Resolves with the first value of `probe` that is neither undefined nor false.
 * A probe that throws (an `expect`) counts as not yet; its last error is the cause at the deadline.
 */
export async function eventually<T>(
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  { deadlineMs = 5_000, what = String(probe) }: { deadlineMs?: number; what?: string } = {},
): Promise<T> {
  const until = performance.now() + deadlineMs;
  let last: unknown;
  for (let polls = 0; ; polls++) {
    try {
      const value = await probe();
      if (value !== undefined && value !== false) return value;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() >= until) throw new Error(`not within ${deadlineMs} ms: ${what}`, { cause: last });
    await (polls < eagerPolls ? turn() : rest());
  }
}

/** For probes that only assert: `await eventuallyHolds(() => expect(x).toBe(1))`. */
export async function eventuallyHolds(
  assertion: () => void | Promise<void>,
  options?: { deadlineMs?: number },
): Promise<void> {
  const held = async () => {
    await assertion();
    return true as const;
  };
  await eventually(held, { ...options, what: String(assertion) });
}
