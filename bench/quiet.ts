// Waits a bounded time for neighbours to leave the machine alone. For run.ts, before each turn.
import { readFileSync } from 'node:fs';

const LOOK_MS = 300;
const IDLE_SHARE = 0.8;

function readTicks(): { idle: number; total: number } {
  const line = readFileSync('/proc/stat', 'latin1').split('\n', 1)[0]!;
  const ticks = line.trim().split(/\s+/).slice(1, 9).map(Number);
  return { idle: ticks[3]! + ticks[4]!, total: ticks.reduce((sum, count) => sum + count, 0) };
}

/** True when the machine was idle enough for a moment before `longestMs` had passed. */
export async function quietMachine(longestMs: number): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < longestMs; waitedMs += LOOK_MS) {
    const before = readTicks();
    await new Promise<void>((resolve) => setTimeout(resolve, LOOK_MS));
    const after = readTicks();
    if (after.idle - before.idle >= IDLE_SHARE * (after.total - before.total)) return true;
  }
  return false;
}
