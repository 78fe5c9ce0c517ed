// Recorded bursts above capacity. For src/flow/forecast and src/flow/gate.
import { describe, expect, it } from 'vitest';
import { burst } from './claims/burst.ts';
import { trace } from './staged.ts';

const { calls } = trace('azure-code.csv', 'calls');

describe('a recorded burst at a mean load of 0.7', () => {
  it.each([
    [1, '8'],
    [4, '4'],
    [2, '8'],
  ])(
    'is refused at once beyond what the line holds, and nobody waits in vain (%i workers of %s)',
    async (workers, concurrency) => {
      const figures = await burst({
        calls,
        load: 0.7,
        workers,
        concurrency,
        waitSeconds: 10,
        retries: 0,
        seed: 1,
      });
      const { run, inLine, waitedInVain, gaveWay, refusedAtOnce, longestWaitMs, otherFailures } = figures;
      expect(run.report.all.calls).toBe(calls.length);
      expect(refusedAtOnce).toBeGreaterThan(10);
      expect(inLine).toBeGreaterThan(10);
      expect(longestWaitMs).toBeLessThanOrEqual(10_000);
      expect([waitedInVain, gaveWay, otherFailures]).toEqual([0, 0, 0]);
    },
  );

  it.each([
    [0.5, 6, '8', 2],
    [0.7, 6, '8', 2],
    [1, 1, '32', 5],
    [2, 2, '16', 2],
    [2, 1, '{ kind: gradient2, initial: 32 }', 10],
    [2, 3, '{ kind: gradient2, initial: 16 }', 5],
  ])(
    'nor behind prompts that are yet to be read, nor where a limit shrinks (%f, %i of %s, %i s)',
    async (load, workers, concurrency, waitSeconds) => {
      const { waitedInVain } = await burst({ calls, load, workers, concurrency, waitSeconds, retries: 0, seed: 1 });
      expect(waitedInVain).toBe(0);
    },
  );
});
