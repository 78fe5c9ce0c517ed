// Who of a line came last and who first, so that the newest can give way. For the lines of a gate.

/** One waiter's place among the arrivals of one line. */
export class Arrival<T> {
  readonly waiter: T;
  list: ArrivalList<T> | null = null;
  before: Arrival<T> | null = null;
  after: Arrival<T> | null = null;

  constructor(waiter: T) {
    this.waiter = waiter;
  }
}

/** In the order in which they were added. */
class ArrivalList<T> {
  first: Arrival<T> | null = null;
  last: Arrival<T> | null = null;

  add(arrival: Arrival<T>): void {
    arrival.list = this;
    arrival.before = this.last;
    if (this.last === null) this.first = arrival;
    else this.last.after = arrival;
    this.last = arrival;
  }

  remove(arrival: Arrival<T>): void {
    const { before, after } = arrival;
    if (before === null) this.first = after;
    else before.after = after;
    if (after === null) this.last = before;
    else after.before = before;
    arrival.list = arrival.before = arrival.after = null;
  }
}

/** Those who came to a line by themselves, and apart from them those whom their age has raised into it. */
export class Arrivals<T> {
  readonly #own = new ArrivalList<T>();
  readonly #raised = new ArrivalList<T>();

  add(arrival: Arrival<T>, raised: boolean): void {
    (raised ? this.#raised : this.#own).add(arrival);
  }

  remove(arrival: Arrival<T>): void {
    arrival.list?.remove(arrival);
  }

  /** The last to come; whoever waited long enough to be raised gives way after all others. */
  newest(): T | null {
    return (this.#own.last ?? this.#raised.last)?.waiter ?? null;
  }

  /** Of both kinds the first to come. */
  *oldest(): Iterable<T> {
    if (this.#own.first !== null) yield this.#own.first.waiter;
    if (this.#raised.first !== null) yield this.#raised.first.waiter;
  }
}
