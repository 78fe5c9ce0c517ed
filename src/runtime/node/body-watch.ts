// Ends request bodies that come too slowly, with one sweep over all of them instead of a timer each. For runtime/node/ingress.
import { RouterError } from '../../core/errors.ts';
import type { HttpLimits } from '../../core/limits.ts';
import type { Clock, Timer } from '../../core/runtime.ts';
import { Bag } from '../../structures/bag.ts';

/** One body on its way in. The reader sets `bytes` and `fresh`. */
export interface BodyEntry {
  bytes: number;
  /** Something came since the last sweep. */
  fresh: boolean;
}

export interface BodyWatch {
  begin(stop: (error: RouterError) => void): BodyEntry;
  done(entry: BodyEntry): void;
  close(): void;
}

interface Watched extends BodyEntry {
  place: number;
  readonly stop: (error: RouterError) => void;
  readonly sinceMs: number;
  lastMs: number;
}

/** The sweep runs only while bodies are on their way, at a tenth of the idle limit but at least every second. */
export function createBodyWatch(limits: HttpLimits, clock: Clock): BodyWatch {
  const open = new Bag<Watched>();
  const everyMs = Math.min(1_000, limits.bodyIdleMs / 10);
  let timer: Timer | null = null;

  function sweep(): void {
    timer = null;
    const nowMs = clock.nowMs();
    for (const entry of open) {
      if (entry.fresh) entry.lastMs = nowMs;
      entry.fresh = false;
      const ageMs = nowMs - entry.sinceMs;
      const idle = nowMs - entry.lastMs >= limits.bodyIdleMs;
      const slow = ageMs >= limits.bodyGraceMs && (entry.bytes / ageMs) * 1000 < limits.minBodyBytesPerSecond;
      if (!idle && !slow) continue;
      const why = idle ? 'stopped coming' : `comes at less than ${limits.minBodyBytesPerSecond} bytes a second`;
      entry.stop(new RouterError('body_timeout', `The body of the request ${why}.`));
    }
    arm();
  }

  function arm(): void {
    if (open.size > 0) timer ??= clock.after(everyMs, sweep);
  }

  return {
    begin(stop) {
      const nowMs = clock.nowMs();
      const entry: Watched = { place: -1, bytes: 0, fresh: false, stop, sinceMs: nowMs, lastMs: nowMs };
      open.add(entry);
      arm();
      return entry;
    },
    done(entry) {
      open.delete(entry as Watched);
    },
    close() {
      timer?.cancel();
      timer = null;
      open.clear();
    },
  };
}
