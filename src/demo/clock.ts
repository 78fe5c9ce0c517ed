// What a demo worker takes for time and ids when nobody injects them. For the command and most tests.
import type { Clock } from '../core/runtime.ts';

/** A delay below one millisecond runs in the next turn of the event loop: timers cannot be that short. */
export const machineClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after: (delayMs, fn) => {
    if (delayMs < 0.5) {
      const handle = setImmediate(fn);
      return { cancel: () => clearImmediate(handle) };
    }
    const handle = setTimeout(fn, Math.round(delayMs));
    return { cancel: () => clearTimeout(handle) };
  },
};
