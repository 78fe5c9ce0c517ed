// Who of a line came last and who first, so that the newest can give way. For the lines of a gate.

/** Beyond twice as many places as waiters, and so many more, the empty ones go. */
const SPARE = 64;

/**
 * In the order in which they were added, each knowing its place, so that whoever leaves touches no other: in a line of thousands its
 * neighbours are far apart in memory.
 */
class ArrivalList<T> {
  readonly #places: (T | null)[] = [];
  /** No place before it is taken. */
  #first = 0;
  #taken = 0;
  readonly #moved: (waiter: T, place: number) => void;

  constructor(moved: (waiter: T, place: number) => void) {
    this.#moved = moved;
  }

  add(waiter: T): number {
    this.#taken++;
    return this.#places.push(waiter) - 1;
  }

  remove(place: number): void {
    const places = this.#places;
    places[place] = null;
    if (--this.#taken === 0) {
      places.length = 0;
      this.#first = 0;
    } else if (places.length > 2 * this.#taken + SPARE) this.#close();
  }

  newest(): T | null {
    const places = this.#places;
    while (places.length > 0 && places.at(-1) === null) places.pop();
    return places.at(-1) ?? null;
  }

  oldest(): T | null {
    while (this.#first < this.#places.length && this.#places[this.#first] === null) this.#first++;
    return this.#places[this.#first] ?? null;
  }

  #close(): void {
    const places = this.#places;
    let to = 0;
    for (const waiter of places) {
      if (waiter === null) continue;
      places[to] = waiter;
      this.#moved(waiter, to++);
    }
    places.length = to;
    this.#first = 0;
  }
}

/** Those who came to a line by themselves, and apart from them those whom their age has raised into it. */
export class Arrivals<T> {
  readonly #own: ArrivalList<T>;
  readonly #raised: ArrivalList<T>;

  /** `moved` is told of a waiter's new place. */
  constructor(moved: (waiter: T, place: number) => void) {
    this.#own = new ArrivalList(moved);
    this.#raised = new ArrivalList(moved);
  }

  /** Answers with its place. */
  add(waiter: T, raised: boolean): number {
    return (raised ? this.#raised : this.#own).add(waiter);
  }

  remove(place: number, raised: boolean): void {
    (raised ? this.#raised : this.#own).remove(place);
  }

  /** The last to come; whoever waited long enough to be raised gives way after all others. */
  newest(): T | null {
    return this.#own.newest() ?? this.#raised.newest();
  }

  /** Of both kinds the first to come. */
  *oldest(): Iterable<T> {
    const own = this.#own.oldest();
    if (own !== null) yield own;
    const raised = this.#raised.oldest();
    if (raised !== null) yield raised;
  }
}
