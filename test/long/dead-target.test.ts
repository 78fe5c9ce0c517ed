// Shows over a minute of load that a dead target costs a handful of tries, then only ever rarer probes, and no caller.

import { describe, expect, it } from 'vitest';
import { DEATHS, openLoop, startBeside } from '../upstream/open-loop.ts';

const SECONDS = 60;
/** So many in each of eight cases beside each other, in this one process. */
const PER_SECOND = 50;

for (const as of ['workers', 'rungs'] as const) {
  const what = as === 'workers' ? 'two workers of one pool' : 'two pools that are copies of each other';
  describe.concurrent(`F081 N16 ${what}, one of them dead`, () => {
    it.each(DEATHS)(`F081 N16 ${what}, %s: a minute at ${PER_SECOND} calls a second`, async (death) => {
      const beside = await startBeside(death, as);
      const windows = await openLoop({
        port: beside.routed.port,
        perSecond: PER_SECOND,
        seconds: SECONDS,
        windowSeconds: 5,
      });
      const extra = windows.map((window) => window.extra);
      const calls = windows.reduce((sum, window) => sum + window.calls, 0);
      const perCall = 1 + extra.reduce((sum, n) => sum + n, 0) / calls;
      process.stdout.write(
        `F081 ${as}, ${death}: ${calls} calls, ${perCall.toFixed(4)} tries a call, at the dead target per 5 s: ${extra.join(', ')}\n`,
      );
      expect(windows.flatMap(({ failures }) => failures)).toEqual([]);
      expect(calls).toBe(PER_SECOND * SECONDS);
      expect(perCall).toBeLessThanOrEqual(1.2);
      // Five open its breaker; of two workers the dead one may be avoided before that.
      expect(extra[0]).toBeGreaterThanOrEqual(as === 'rungs' ? 5 : 0);
      // From the second window on only probes, at pauses that double: three at first, then one or none.
      for (const n of extra.slice(1)) expect(n).toBeLessThanOrEqual(4);
      for (const n of extra.slice(4)) expect(n).toBeLessThanOrEqual(2);
      await beside.close();
    });
  });
}
