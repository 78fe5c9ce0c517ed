// Which workers a print leads to, in an order that hardly changes when workers come and go. For scheduling/candidates.

/** Points of each worker: its share of the prints is within about an eighth of its due, and bounded loads do the rest. */
const POINTS = 64;
const STEP = 0x9e37_79b9;

/** A consistent-hash ring. Workers are named by their place in the list that it was made of. */
export class Ring {
  readonly #points: Uint32Array;
  readonly #owners: Uint32Array;

  constructor(ids: readonly string[]) {
    const size = ids.length * POINTS;
    // Point and owner in one number, so that the sort is one of plain numbers.
    const packed = new Float64Array(size);
    ids.forEach((id, owner) => {
      const seed = hashText(id);
      for (let i = 0; i < POINTS; i++) packed[owner * POINTS + i] = mix(seed + i * STEP) * 2 ** 20 + owner;
    });
    packed.sort();
    this.#points = new Uint32Array(size);
    this.#owners = new Uint32Array(size);
    for (let i = 0; i < size; i++) {
      const point = Math.floor(packed[i]! / 2 ** 20);
      this.#points[i] = point;
      this.#owners[i] = packed[i]! - point * 2 ** 20;
    }
  }

  get size(): number {
    return this.#points.length;
  }

  /** Where a print's way around the ring begins. */
  placeOf(print: number): number {
    const hash = mix(print ^ Math.floor(print / 2 ** 32));
    const points = this.#points;
    let low = 0;
    let high = points.length;
    // Points lie evenly but for chance, so that it is nearly always close to its share of them: a search there stays in the cache.
    const near = Math.floor((hash / 2 ** 32) * high);
    const off = Math.ceil(2 * Math.sqrt(high));
    if (near > off && points[near - off]! < hash) low = near - off + 1;
    if (near + off < high && points[near + off]! >= hash) high = near + off;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (points[middle]! < hash) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The first place from `begin` on whose worker is `wanted`; `end` when there is none before it. */
  next(begin: number, end: number, wanted: Uint8Array): number {
    const owners = this.#owners;
    const { length } = owners;
    let place = begin;
    while (place < end && wanted[owners[place < length ? place : place - length]!] !== 1) place++;
    return place;
  }

  /** The worker at a place; places go on past the end, once around. */
  ownerAt(place: number): number {
    const { length } = this.#owners;
    return this.#owners[place < length ? place : place - length]!;
  }
}

/** FNV-1a. */
function hashText(text: string): number {
  let hash = 0x811c_9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x0100_0193);
  return hash;
}

/** The finaliser of MurmurHash3: every bit of the answer depends on every bit of the question. */
function mix(value: number): number {
  value = Math.imul(value ^ (value >>> 16), 0x85eb_ca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2_ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
