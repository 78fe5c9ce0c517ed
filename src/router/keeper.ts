// Where a call must go because its beginning is stored there: to one worker, for as long as that is up. For router/rung.
import type { PoolWorker } from '../fleet/worker.ts';
import type { Place } from './rung.ts';

/**
 * A pool with one way only for the call: its keeper takes it, or has no room for it yet. Once the keeper is gone or broken
 * any worker will do, for it is the engine's to say that it does not know the reply, or to know it from a shared store.
 */
export function keptAt(place: Place, workerId: string): Place {
  return {
    pool: place.pool,
    worker: place.worker,
    choose(call, nowMs) {
      const picked = place.choose(call, nowMs);
      const keeper = keeperIn(place, workerId, call.model, nowMs);
      if (keeper === null) return picked;
      const other = typeof picked === 'string' ? (call.hold?.other ?? null) : picked;
      call.hold = null;
      // Tried in vain: it would be no better at once, and nobody else has the reply.
      if (!call.again && call.tried?.has(workerId) === true) return 'none';
      const pausedMs = keeper.pausedUntilMs - nowMs;
      // A pause ends by the clock, so nobody is held for it: a hold is looked at when its worker has room.
      if (pausedMs > 0) return pausedMs > call.maxWaitMs - call.waitedMs(nowMs) ? 'none' : 'full';
      if (keeper.inFlight < keeper.limit) return keeper;
      // While others have room it must block none of those who wait for them.
      if (other !== null && other !== keeper) call.hold = { worker: keeper, other, untilMs: Number.POSITIVE_INFINITY };
      return 'full';
    },
  };
}

/** Null: it is not there, or not to be reached. One that is full, or has asked for a pause, is there. */
export function keeperIn(place: Place, workerId: string, model: string, nowMs: number): PoolWorker | null {
  const keeper = place.worker(workerId);
  if (keeper === null || keeper.admits(nowMs, model)) return keeper;
  return nowMs < keeper.pausedUntilMs && keeper.pauseReason !== 'failing' ? keeper : null;
}
