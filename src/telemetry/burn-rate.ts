// How fast a class uses up the misses that its objective allows. For metrics and whoever is paged by them.
import { ERROR_CODES } from '../core/errors.ts';
import type { CallFacts } from '../core/metrics.ts';
import { ROUTE_CLASSES, type RouteClass } from '../core/names.ts';
import type { ServiceLevel } from '../core/plan.ts';

const SLOT_MS = 10_000;
/** The windows of multi-window alerts: a fast one that notices and a slow one that confirms. */
export const WINDOWS = [
  { name: '5m', slots: 30 },
  { name: '1h', slots: 360 },
] as const;
const SLOTS = 360;

/** Whether a call kept its class's promise; null: the caller's own doing, which says nothing of it. */
export function isBad(facts: CallFacts, level: ServiceLevel): boolean | null {
  const { firstContentMs, totalMs, how, code } = facts;
  if (how === 'failed' && code !== null && ERROR_CODES[code].blame === 'caller') return null;
  const limitMs = level.firstContentMs ?? Number.POSITIVE_INFINITY;
  const late = (firstContentMs ?? totalMs) > limitMs || totalMs > (level.totalMs ?? Number.POSITIVE_INFINITY);
  if (how === 'complete') return late;
  // Who leaves before the promise is broken has waited for nothing that was promised.
  if (how === 'client_gone') return late ? true : null;
  return true;
}

/** Calls of one class by ten seconds, for the last hour. */
class Counts {
  readonly good = new Float64Array(SLOTS);
  readonly bad = new Float64Array(SLOTS);
  #slot = 0;

  /** Empties what has become older than an hour. */
  turn(slot: number): void {
    const stale = Math.min(SLOTS, slot - this.#slot);
    for (let passed = 0; passed < stale; passed++)
      this.good[(slot - passed) % SLOTS] = this.bad[(slot - passed) % SLOTS] = 0;
    this.#slot = Math.max(this.#slot, slot);
  }
}

export class BurnRate {
  readonly #counts: Readonly<Record<RouteClass, Counts>>;
  /** What the policy in force promises. */
  readonly #level: (routeClass: RouteClass) => ServiceLevel;

  constructor(level: (routeClass: RouteClass) => ServiceLevel) {
    this.#level = level;
    this.#counts = Object.fromEntries(ROUTE_CLASSES.map((one) => [one, new Counts()])) as Record<RouteClass, Counts>;
  }

  note(facts: CallFacts, nowMs: number): void {
    const bad = isBad(facts, this.#level(facts.class));
    if (bad === null) return;
    const counts = this.#counts[facts.class];
    const slot = Math.floor(nowMs / SLOT_MS);
    counts.turn(slot);
    (bad ? counts.bad : counts.good)[slot % SLOTS]!++;
  }

  /** 1: exactly what the objective allows; 0 while there are no calls. */
  rate(routeClass: RouteClass, slots: number, nowMs: number): number {
    const counts = this.#counts[routeClass];
    const slot = Math.floor(nowMs / SLOT_MS);
    counts.turn(slot);
    let good = 0;
    let bad = 0;
    for (let passed = 0; passed < slots; passed++) {
      const at = (slot - passed + SLOTS) % SLOTS;
      good += counts.good[at]!;
      bad += counts.bad[at]!;
    }
    return bad === 0 ? 0 : bad / (good + bad) / (1 - this.#level(routeClass).objective);
  }
}
