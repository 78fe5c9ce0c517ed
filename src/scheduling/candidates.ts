// Which workers of a pool are looked at for a call: all of a small pool, few of a large one. For scheduling/scheduler, told by fleet.
import type { Random } from '../core/runtime.ts';
import type { ScheduleCall, WorkerIndex } from '../core/schedule.ts';
import type { SlotWorker, WorkerView } from '../core/worker.ts';
import { Ring } from './ring.ts';

/** Workers looked at for one call. In a pool of no more than these the choice is exact. */
export const WIDTH = 16;
/** Full workers of a larger pool looked at beside those, for how fast they are. */
const SAMPLE = 4;
/** They are the same ones for so long, ms: what is known of them is at hand then, and hardly changes. */
const SAMPLE_MS = 50;
/** Draws from a large pool before fewer candidates have to do. */
const DRAWS = 3 * WIDTH;
/** A print's worker is passed by when it holds this much more than the mean. */
const BOUND = 1.25;
/** Points of a larger pool's ring looked at for one call. */
const STEPS = 256;
/** Workers counted anew for one walk of the ring, since calls come and go unannounced; a larger pool's in turn. */
const RECOUNT = 32;

/** Whether a worker may get a call at all, by the profile's filters. */
export type Passes = (worker: WorkerView, call: ScheduleCall) => boolean;

interface Entry {
  readonly worker: SlotWorker;
  /** Its place among the pool's workers. */
  readonly at: number;
  /** Its place among those with room; -1 = none. */
  place: number;
  /** As last counted: its calls in flight, and whether it may hold any. */
  inFlight: number;
  open: boolean;
}

export class Candidates implements WorkerIndex {
  readonly #random: Random;
  #entries: Entry[] = [];
  readonly #byId = new Map<string, SlotWorker>();
  /** Those with room, in no order. */
  readonly #roomy: Entry[] = [];
  /** By place among the pool's workers: 1 = has room. */
  #room = new Uint8Array(0);
  /** Made when first asked for: most pools see no prompts that begin alike. */
  #ring: Ring | null = null;
  /** Sums over all entries as last counted. */
  #inFlight = 0;
  #open = 0;
  #counted = 0;
  /** Where the present sample of a large pool begins, and since when. */
  #sample = 0;
  #sampledMs = Number.NEGATIVE_INFINITY;
  /** Who answered last that there is something to wait for. */
  #witness = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  replace(workers: readonly SlotWorker[]): void {
    this.#byId.clear();
    this.#roomy.length = 0;
    this.#ring = null;
    this.#inFlight = 0;
    this.#open = 0;
    this.#entries = workers.map((worker, at) => ({ worker, at, place: -1, inFlight: 0, open: false }));
    this.#room = new Uint8Array(workers.length);
    for (const entry of this.#entries) {
      entry.worker.seat = entry.at;
      this.#byId.set(entry.worker.id, entry.worker);
      this.#move(entry);
      this.#count(entry);
    }
  }

  changed(worker: SlotWorker): void {
    const entry = this.#entries[worker.seat];
    // A worker that was replaced still ends its calls.
    if (entry?.worker !== worker) return;
    this.#move(entry);
    this.#count(entry);
  }

  get size(): number {
    return this.#entries.length;
  }

  byId(id: string): SlotWorker | null {
    return this.#byId.get(id) ?? null;
  }

  /**
   * Workers that take the call now and were not tried for it, into `into`; answers with how many. Of a large pool: the
   * one that served its run last, `home`, and others by lot.
   */
  gather(call: ScheduleCall, nowMs: number, passes: Passes, home: SlotWorker | null, into: SlotWorker[]): number {
    let count = 0;
    if (this.#roomy.length === 0) return count;
    if (this.#entries.length <= WIDTH) {
      for (const { worker } of this.#entries) if (takes(worker, call, nowMs, passes)) into[count++] = worker;
      return count;
    }
    const own = call.lease === null ? null : this.byId(call.lease.workerId);
    if (own !== null && takes(own, call, nowMs, passes)) into[count++] = own;
    if (home !== null && home !== own) into[count++] = home;
    const roomy = this.#roomy;
    // Each draw is out of those not drawn yet. As long as nobody takes the call, all are drawn.
    for (let left = roomy.length; left > 0 && count < WIDTH; left--) {
      if (count > 0 && roomy.length - left >= DRAWS) break;
      const { worker } = this.#swap(Math.floor(this.#random() * left), left - 1);
      if (worker !== own && worker !== home && takes(worker, call, nowMs, passes)) into[count++] = worker;
    }
    return count;
  }

  /**
   * The worker where prompts with this call's print are gathered, of those that take it: consistent hashing with bounded
   * loads (Mirrokni et al., 2018), so that a popular print spreads.
   */
  home(call: ScheduleCall, nowMs: number, passes: Passes): SlotWorker | null {
    // Where one alone has room there is nothing to choose.
    if (call.prefix === 0 || this.#roomy.length < 2) return null;
    const entries = this.#entries;
    this.#ring ??= new Ring(entries.map(({ worker }) => worker.id));
    const ring = this.#ring;
    const begin = ring.placeOf(call.prefix);
    const end = begin + (entries.length <= RECOUNT ? ring.size : Math.min(STEPS, ring.size));
    // In a full pool hardly any has room, and that costs no look at a worker.
    let place = ring.next(begin, end, this.#room);
    if (place >= end) return null;
    this.#recount();
    const bound = Math.ceil((BOUND * (this.#inFlight + 1)) / Math.max(1, this.#open));
    for (; place < end; place = ring.next(place + 1, end, this.#room)) {
      const { worker } = entries[ring.ownerAt(place)]!;
      if (worker.inFlight < bound && takes(worker, call, nowMs, passes)) return worker;
    }
    return null;
  }

  /** Workers that would take the call had they room, into `into`; answers with how many. Of a large pool: some. */
  peers(call: ScheduleCall, nowMs: number, passes: Passes, into: SlotWorker[]): number {
    const size = this.#entries.length;
    if (this.#roomy.length === size) return 0;
    const looks = size > WIDTH ? SAMPLE : size;
    if (looks < size && nowMs - this.#sampledMs >= SAMPLE_MS) {
      this.#sample = Math.floor(this.#random() * size);
      this.#sampledMs = nowMs;
    }
    const begin = looks < size ? this.#sample : 0;
    let count = 0;
    for (let i = 0; i < looks; i++) {
      const at = (begin + i) % size;
      if (this.#room[at] === 1) continue;
      const { worker } = this.#entries[at]!;
      if (call.tried?.has(worker.id) === true || !suits(worker, call, nowMs, passes)) continue;
      into[count++] = worker;
    }
    return count;
  }

  /** A worker that would take the call if it had room, and was not tried for it; null: there is none to wait for. */
  awaited(call: ScheduleCall, nowMs: number, passes: Passes): SlotWorker | null {
    const count = this.#entries.length;
    for (let i = 0; i < count; i++) {
      const at = (this.#witness + i) % count;
      const { worker } = this.#entries[at]!;
      if (call.tried?.has(worker.id) === true || !suits(worker, call, nowMs, passes)) continue;
      this.#witness = at;
      return worker;
    }
    return null;
  }

  /** Where all are full: of those looked at, the one that may hold most beyond its limit, and was not tried for it. */
  beyond(call: ScheduleCall, nowMs: number, passes: Passes): SlotWorker | null {
    const count = this.#entries.length;
    const begin = count > WIDTH ? Math.floor(this.#random() * count) : 0;
    let best: SlotWorker | null = null;
    let most = 0;
    for (let i = Math.min(count, WIDTH); i > 0; i--) {
      const { worker } = this.#entries[(begin + i) % count]!;
      const { reach } = worker;
      const left = reach > 0 ? 1 - worker.inFlight / reach : 0;
      if (left <= most || call.tried?.has(worker.id) === true || !suits(worker, call, nowMs, passes)) continue;
      most = left;
      best = worker;
    }
    return best;
  }

  /** Exchanges two of those with room; answers with the one that was at `from`. */
  #swap(from: number, to: number): Entry {
    const moved = this.#roomy[from]!;
    const other = this.#roomy[to]!;
    this.#roomy[to] = moved;
    this.#roomy[from] = other;
    other.place = from;
    moved.place = to;
    return moved;
  }

  /** Into or out of those with room. */
  #move(entry: Entry): void {
    if (hasRoom(entry.worker) === entry.place >= 0) return;
    if (entry.place < 0) {
      entry.place = this.#roomy.push(entry) - 1;
      this.#room[entry.at] = 1;
      return;
    }
    this.#swap(entry.place, this.#roomy.length - 1);
    this.#roomy.pop();
    entry.place = -1;
    this.#room[entry.at] = 0;
  }

  #count(entry: Entry): void {
    const { worker } = entry;
    const open = worker.limit > 0;
    this.#inFlight += worker.inFlight - entry.inFlight;
    entry.inFlight = worker.inFlight;
    if (open === entry.open) return;
    this.#open += open ? 1 : -1;
    entry.open = open;
  }

  #recount(): void {
    const count = this.#entries.length;
    for (let i = Math.min(RECOUNT, count); i > 0; i--) {
      this.#counted = (this.#counted + 1) % count;
      this.#count(this.#entries[this.#counted]!);
    }
  }
}

export function hasRoom(worker: SlotWorker): boolean {
  return worker.inFlight < worker.limit;
}

/** Would take the call if it had room. */
export function suits(worker: SlotWorker, call: ScheduleCall, nowMs: number, passes: Passes): boolean {
  return passes(worker, call) && worker.admits(nowMs, call.model);
}

function takes(worker: SlotWorker, call: ScheduleCall, nowMs: number, passes: Passes): boolean {
  return hasRoom(worker) && call.tried?.has(worker.id) !== true && suits(worker, call, nowMs, passes);
}
