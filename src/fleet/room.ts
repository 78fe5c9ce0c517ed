// How many calls a worker may hold now: what its limit has learned, its state, and what its engine says. For fleet/worker.
import type { Limit } from '../core/limit.ts';
import type { EngineMemory } from '../core/worker.ts';
import { MemoryCredit } from './memory-credit.ts';

/** Polls without an answer after which an engine's word is stale, and polls for which "full" may hold back an idle worker. */
const POLLS = 3;
/** So much more than it was known to take is tried with each call that ends there: a quarter more in the time of one call. */
const GROWTH = 0.25;

/** Who is told of a worker's room. */
export interface RoomWatch {
  /** It had room and has none, or the other way round. */
  changed(): void;
  /** It has room that no ended call of its own gave back: whoever waits must be looked at. */
  freed(): void;
  /** What it may hold as such has changed by so many. */
  grew(by: number): void;
}

/** Invariant: `slots` is what the pool has counted of it, and whoever watches knows whether there is room. */
export class Room {
  inFlight = 0;
  slots = 0;
  readonly memory = new MemoryCredit();
  engineLoad: number | null = null;
  #limit: Limit;
  #admits: boolean;
  #watch: RoomWatch | null = null;
  #had = false;
  #unanswered = 0;
  #fullPolls = 0;
  /** What it is known to take since it said last that it is full; fractions allowed. Infinite: its limit is below that. */
  #taken = Number.POSITIVE_INFINITY;
  /** It has said that it is full. */
  #refuses = false;

  constructor(limit: Limit, admits: boolean) {
    this.#limit = limit;
    this.#admits = admits;
    this.slots = admits ? Math.floor(limit.value) : 0;
    this.#had = this.#has();
  }

  /** What it may hold: none more than it has while its engine says that it is full. */
  get limit(): number {
    return this.#isHeld() ? Math.min(this.slots, this.inFlight) : this.slots;
  }

  /** None beyond its limit where that is not learned, or where it has ever said that it is full: it would say so again. */
  get reach(): number {
    const { limit } = this;
    if (this.#refuses || !this.#admits || limit < this.slots || this.#limit.reach === undefined) return limit;
    return Math.max(limit, Math.floor(this.#limit.reach));
  }

  get learner(): Limit {
    return this.#limit;
  }

  set learner(limit: Limit) {
    this.#limit = limit;
    this.#refuses = false;
    this.refresh();
  }

  set admits(admits: boolean) {
    this.#admits = admits;
    this.refresh();
  }

  /** From now on these are told; what it may hold already counts as grown. */
  watch(watch: RoomWatch): void {
    this.#watch = watch;
    if (this.slots !== 0) watch.grew(this.slots);
  }

  /** The gate's own moves: it looks at its line itself. */
  hold(inFlight: number): void {
    this.inFlight = inFlight;
    this.#tell(false);
  }

  /** Null: it did not answer, or did not say. */
  heard(load: number | null, memory: EngineMemory | null): void {
    if (load === null) {
      if (this.engineLoad === null || ++this.#unanswered < POLLS) return;
      this.memory.stale();
    } else {
      this.#unanswered = 0;
      this.memory.told(memory);
    }
    this.engineLoad = load;
    this.#fullPolls = load !== null && load >= 1 ? this.#fullPolls + 1 : 0;
    this.#tell(true);
  }

  /** It had no place for one of those in flight: for now it takes the others and no more, whatever its limit hopes for. */
  full(): void {
    this.#refuses = true;
    this.#taken = Math.max(1, Math.min(this.#taken, this.inFlight - 1));
  }

  /** A call was answered whole there: what it takes may be more by now. */
  ended(): void {
    this.#taken += GROWTH;
  }

  /** The limit or the state may have moved. */
  refresh(): void {
    const { value } = this.#limit;
    if (this.#taken >= value) this.#taken = Number.POSITIVE_INFINITY;
    const slots = this.#admits ? Math.floor(Math.min(value, this.#taken)) : 0;
    const by = slots - this.slots;
    this.slots = slots;
    if (by !== 0) this.#watch?.grew(by);
    this.#tell(true);
  }

  #tell(frees: boolean): void {
    const has = this.#has();
    if (has === this.#had) return;
    this.#had = has;
    this.#watch?.changed();
    if (has && frees) this.#watch?.freed();
  }

  #has(): boolean {
    return this.inFlight < this.limit;
  }

  /** An engine that is full with others' work for long, and has none of ours, is still tried with one call at a time. */
  #isHeld(): boolean {
    const saidFull = this.engineLoad !== null && this.engineLoad >= 1;
    // What its memory holds is known by now better than by its last word.
    const isFull = this.memory.isFull ?? saidFull;
    if (!isFull && !(saidFull && !this.memory.wasFull)) return false;
    return this.inFlight > 0 || this.#fullPolls <= POLLS;
  }
}
