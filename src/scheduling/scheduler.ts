// Which worker of a pool gets a call, by the pool's profile. For router/dispatch, as the gate's pick.
import type { Hold } from '../core/gate.ts';
import type { Random } from '../core/runtime.ts';
import type {
  PartSpec,
  ProfileSpec,
  ScheduleCall,
  WorkerFilter,
  WorkerPicker,
  WorkerScorer,
} from '../core/schedule.ts';
import type { SlotWorker, WorkerView } from '../core/worker.ts';
import { type Candidates, hasRoom, type Passes, suits, WIDTH } from './candidates.ts';
import { type Best, lagMs, passedLast, seeBest } from './pass-over.ts';
import { crowding, holdOf, holdsPrompt, leewayMs } from './stay.ts';

/** A maker of parts whose options its own schema has read. */
interface PartMaker<Part> {
  create(options: never, deps: undefined): Part;
}

type PartMakers<Part> = Readonly<Record<string, PartMaker<Part>>>;

export interface SchedulingParts {
  readonly filters: PartMakers<WorkerFilter>;
  readonly scorers: PartMakers<WorkerScorer>;
  readonly pickers: PartMakers<WorkerPicker>;
}

/** One per pool. */
export interface Scheduler {
  /**
   * A worker with room that takes the call now. `full`: some would, had they room, or the one that holds its prompt is
   * worth the wait, as the call's `hold` then says. `none`: nobody would. Workers tried for the call come after all others.
   * `waiting`: how many stand in line for the pool.
   */
  pick(index: Candidates, call: ScheduleCall, nowMs: number, waiting?: number): SlotWorker | 'full' | 'none';
}

export function createScheduler(profile: ProfileSpec, parts: SchedulingParts, random: Random): Scheduler {
  const { sticky } = profile;
  const filters = profile.filters.map((spec) => make(parts.filters, spec));
  const scorers = profile.scorers.map((spec) => ({ scorer: make(parts.scorers, spec), weight: spec.weight }));
  const picker = make(parts.pickers, profile.picker);
  // A pick is one turn of the event loop, so one of each serves all.
  const found: SlotWorker[] = [];
  const costs = new Float64Array(WIDTH);
  /** Those that would take the call had they room, and the least that it takes anywhere. */
  const peers: SlotWorker[] = [];
  const best: Best = { firstMs: 0, wholeMs: 0 };

  const passes: Passes = (worker, call) => {
    for (const filter of filters) if (!filter.admits(worker, call)) return false;
    return true;
  };

  function costMs(worker: SlotWorker, call: ScheduleCall, nowMs: number, home: WorkerView | null): number {
    let sumMs = 0;
    for (const { scorer, weight } of scorers) sumMs += weight * scorer.costMs(worker, call, nowMs, home);
    return sumMs;
  }

  /** The cheapest, in the picker's eyes, of the first `count`. */
  function cheapest(count: number, call: ScheduleCall, nowMs: number, home: WorkerView | null): SlotWorker {
    if (count > 1) for (let at = 0; at < count; at++) costs[at] = costMs(found[at]!, call, nowMs, home);
    return found[picker.choose(found, costs, count, random)]!;
  }

  /** Among those tried for it already. */
  function again(index: Candidates, call: ScheduleCall, nowMs: number): SlotWorker | 'full' | 'none' {
    if (!call.again || call.tried === null) return 'none';
    let count = 0;
    let full = false;
    for (const id of call.tried) {
      const worker = index.byId(id);
      if (worker === null || !suits(worker, call, nowMs, passes)) continue;
      if (!hasRoom(worker)) full = true;
      else if (count < WIDTH) found[count++] = worker;
    }
    if (count > 0) return cheapest(count, call, nowMs, null);
    return full ? 'full' : 'none';
  }

  /** The worker that served its run last, where it would take the call had it room. */
  function missed(index: Candidates, call: ScheduleCall, nowMs: number, holds: number): SlotWorker | null {
    if (call.lease === null) return null;
    const own = index.byId(call.lease.workerId);
    if (own === null || hasRoom(own) || call.tried?.has(own.id) === true) return null;
    return holdsPrompt(own, call, holds) && suits(own, call, nowMs, passes) ? own : null;
  }

  /** Sets `best`; answers with how many peers there are. */
  function lookAround(index: Candidates, count: number, call: ScheduleCall, nowMs: number): number {
    const others = index.peers(call, nowMs, passes, peers);
    best.firstMs = 0;
    best.wholeMs = 0;
    seeBest(best, found, count, call);
    seeBest(best, peers, others, call);
    return others;
  }

  /** What holds a call that passes over all that have room: one of the others, by lot, unless it was there before. */
  function heldFor(full: number, other: SlotWorker, before: Hold | null, call: ScheduleCall, nowMs: number): Hold {
    let worker: SlotWorker | null = null;
    let seen = 0;
    for (let at = 0; at < full; at++) {
      const peer = peers[at]!;
      if (lagMs(peer, best, call, nowMs) > 0) continue;
      if (peer === before?.worker || peer.id === call.lease?.workerId) {
        worker = peer;
        break;
      }
      if (random() * ++seen < 1) worker = peer;
    }
    const untilMs = nowMs - call.waitedMs(nowMs) + lagMs(other, best, call, nowMs);
    // Whoever is best is never passed over.
    return { worker: worker!, other, untilMs };
  }

  /** Whether a call that nobody has room for would rather wait for its own worker, once others have; by those others' like. */
  function ahead(index: Candidates, call: ScheduleCall, nowMs: number, waiting: number): Hold | null {
    if (sticky === null || call.lease === null || index.size <= WIDTH) return null;
    const own = missed(index, call, nowMs, sticky.holds);
    if (own === null) return null;
    let other: SlotWorker | null = null;
    for (let at = index.peers(call, nowMs, passes, peers) - 1; at >= 0; at--) if (peers[at] !== own) other = peers[at]!;
    if (other === null) return null;
    const hold = holdOf(own, other, call, sticky.breakAfterMs, crowding(waiting, index.size), nowMs);
    return hold === null ? null : { worker: own, other: null, untilMs: hold.untilMs };
  }

  /** What holds a call that no worker is better for than another for a full one that costs less; null: it is not worth the wait. */
  function rested(full: number, other: SlotWorker, call: ScheduleCall, nowMs: number, restMs: number): Hold | null {
    const otherMs = costMs(other, call, nowMs, null);
    let leastMs = otherMs;
    let worker: SlotWorker | null = null;
    for (let at = 0; at < full; at++) {
      const peer = peers[at]!;
      if (lagMs(peer, best, call, nowMs) > 0) continue;
      const peerMs = costMs(peer, call, nowMs, null);
      if (peerMs >= leastMs) continue;
      leastMs = peerMs;
      worker = peer;
    }
    if (worker === null) return null;
    // The wait is sure and the gain is not.
    const worthMs = Math.min(restMs, (otherMs - leastMs) / 2);
    const waitedMs = call.waitedMs(nowMs);
    return waitedMs >= worthMs ? null : { worker, other, untilMs: nowMs - waitedMs + worthMs };
  }

  return {
    pick(index, call, nowMs, waiting = 0) {
      const before = call.hold;
      call.hold = null;
      const home = index.home(call, nowMs, passes);
      const all = index.gather(call, nowMs, passes, home, found);
      if (all === 0) {
        const beyond = call.overdue ? index.beyond(call, nowMs, passes) : null;
        if (beyond !== null) return beyond;
        const awaited = index.awaited(call, nowMs, passes);
        if (awaited === null) return again(index, call, nowMs);
        if (hasRoom(awaited)) return awaited;
        call.hold = ahead(index, call, nowMs, waiting);
        return 'full';
      }
      let count = all;
      let full = 0;
      if (picker.weighs && index.size > 1) {
        full = lookAround(index, all, call, nowMs);
        count = passedLast(found, all, best, call, nowMs);
        if (count === 0) {
          const other = cheapest(all, call, nowMs, home);
          call.hold = heldFor(full, other, before, call, nowMs);
          return 'full';
        }
      }
      if (sticky === null) return cheapest(count, call, nowMs, home);
      const { holds, breakAfterMs, restMs } = sticky;
      const crowd = crowding(waiting, index.size);
      const others = holdersLast(found, count, call, holds);
      if (others < count) {
        const holder = leastToRead(found, others, count);
        if (others === 0) return holder;
        const other = cheapest(others, call, nowMs, home);
        return leewayMs(holder, other, call, breakAfterMs, crowd) < 0 ? other : holder;
      }
      const other = cheapest(count, call, nowMs, home);
      const own = missed(index, call, nowMs, holds);
      if (own !== null) call.hold = holdOf(own, other, call, breakAfterMs, crowd, nowMs);
      else if (restMs > 0 && full > 0) call.hold = rested(full, other, call, nowMs, restMs);
      return call.hold === null ? other : 'full';
    },
  };
}

function make<Part>(makers: PartMakers<Part>, { kind, options }: PartSpec): Part {
  const maker = makers[kind];
  if (maker === undefined) throw new Error(`No part of a scheduling profile is named ${kind}.`);
  return maker.create(options as never, undefined);
}

/** Puts the workers that hold the call's prompt behind the others; answers with how many others there are. */
function holdersLast(workers: SlotWorker[], count: number, call: ScheduleCall, holds: number): number {
  let others = count;
  for (let at = count - 1; at >= 0; at--) {
    const worker = workers[at]!;
    if (!holdsPrompt(worker, call, holds)) continue;
    workers[at] = workers[--others]!;
    workers[others] = worker;
  }
  return others;
}

/** Of those from `begin` to `end`: the one with the fewest prompt tokens still to read, and then with the fewest calls. */
function leastToRead(workers: readonly SlotWorker[], begin: number, end: number): SlotWorker {
  let best = workers[begin]!;
  for (let at = begin + 1; at < end; at++) {
    const worker = workers[at]!;
    const less = worker.backlogTokens - best.backlogTokens || worker.inFlight - best.inFlight;
    if (less < 0) best = worker;
  }
  return best;
}
