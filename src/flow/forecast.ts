// When a call would get a slot if it came now: the work ahead of it in the line's own order, at measured speed. For the gate.
import type { GateCall } from '../core/gate.ts';
import type { Bands } from './bands.ts';
import type { Flow } from './flow.ts';
import type { HoldTimes } from './hold-times.ts';
import type { Lane } from './lane.ts';
import type { Line } from './line.ts';
import { goesBefore, type Turn } from './waiter.ts';

/** Tenants, or calls of one tenant, that are counted one by one; what lies beyond is taken in proportion. */
const COUNTED = 64;
/** However little is left to a band, it is taken to move on. */
const LEAST_SPEED = 0.05;

/** The order of a call that has yet to come. */
export const NEWEST = Number.POSITIVE_INFINITY;

export interface Slots {
  readonly capacity: number;
  readonly inFlight: number;
  /** How long those in flight have held theirs, on the average, ms. */
  readonly meanAgeMs: number;
}

/** Ms until the turn of a call that came as the `order`th; null: nothing is measured yet, or no worker is up. */
export function forecast(
  bands: Bands,
  line: Line,
  band: number,
  call: GateCall,
  order: number,
  holds: HoldTimes,
  slots: Slots,
): number | null {
  const meanMs = holds.ofAll();
  if (meanMs === null || slots.capacity <= 0) return null;
  const own = ownBandMs(bands, line, band, call, order, holds);
  let higher = 0;
  for (const other of bands.all) {
    for (let at = 0; at < band; at++) higher += other.lanes[at]!.waiting * holds.of(other.class)!;
  }
  let speed = 1;
  for (let at = band + 1; at < bands.bands.length; at++) {
    const lower = bands.bands[at]!;
    if (lower.waiting > 0) speed -= lower.reserved;
  }
  const inTurn = (higher + own) / Math.max(speed, LEAST_SPEED);
  const { reserved } = bands.bands[band]!;
  // Its reserve has to cover the call itself, too.
  const byReserve = reserved > 0 ? (own + holds.of(line.class)!) / reserved : Number.POSITIVE_INFINITY;
  return firstFreeMs(slots, meanMs) + Math.min(inTurn, byReserve) / slots.capacity;
}

/**
 * The first of the slots in flight to come free, for ends that lie evenly: a slot that is young for its kind is held for its
 * mean time yet, and one that is old at least half of it.
 */
function firstFreeMs({ inFlight, capacity, meanAgeMs }: Slots, meanMs: number): number {
  if (inFlight < capacity) return 0;
  const leftMs = Math.min(meanMs, Math.max(meanMs / 2, meanMs - meanAgeMs));
  return (2 * leftMs) / (inFlight + 1);
}

/** Slot time of the calls of its own band that go first. */
function ownBandMs(bands: Bands, line: Line, band: number, call: GateCall, order: number, holds: HoldTimes): number {
  const lane = line.lanes[band]!;
  const flow = line.flowIfAny(call.tenant, band);
  const ownMs = callsAhead(lane, flow, call, order) * holds.of(line.class)!;
  const counter = lane.waiting > 0 ? lane.counter : Math.max(lane.counter, bands.bands[band]!.virtualTime);
  const turn = counter + ownMs / line.rules.share;
  let sum = ownMs;
  for (const other of bands.all) {
    const theirs = other.lanes[band]!;
    if (other === line || theirs.waiting === 0 || theirs.counter > turn) continue;
    const holdMs = holds.of(other.class)!;
    sum += Math.min(theirs.waiting * holdMs, (turn - theirs.counter) * other.rules.share + holdMs);
  }
  return sum;
}

/** Calls of its lane that go first: its tenant's own, and of each other what would be served before its turn. */
function callsAhead(lane: Lane, flow: Flow | null, call: GateCall, order: number): number {
  let calls = 0;
  let turn = lane.virtualTime;
  if (flow !== null) {
    if (flow.waiting > 0) {
      calls = ownAhead(flow, call, order);
      turn = flow.counter + flow.each * calls;
    } else turn = Math.max(turn, flow.counter);
  }
  const { standing } = lane;
  const step = Math.max(1, standing.length / COUNTED);
  let others = 0;
  for (let at = 0; at < standing.length; at += step) {
    const other = standing[Math.floor(at)]!;
    if (other === flow || other.counter > turn) continue;
    const before = other.each > 0 ? Math.floor((turn - other.counter) / other.each) + 1 : other.waiting;
    others += Math.min(other.waiting, before);
  }
  return calls + others * step;
}

/** Calls of its own tenant that go first. */
function ownAhead(flow: Flow, { continues, runArrivedMs }: GateCall, order: number): number {
  if (!continues && order === NEWEST && runArrivedMs >= flow.latestRunMs) return flow.waiting;
  const newcomer: Turn = { continues, runArrivedMs, order };
  let ahead = countBefore(flow.calls.items, newcomer);
  for (const { calls } of flow.queues?.values() ?? []) {
    if (ahead > COUNTED) break;
    ahead += countBefore(calls.items, newcomer);
  }
  return ahead > COUNTED ? flow.waiting : ahead;
}

/** Of a heap; one more than are counted is as good as all. A branch ends at the first that does not go before. */
function countBefore(items: readonly Turn[], newcomer: Turn): number {
  const open = [0];
  let ahead = 0;
  for (let at = open.pop(); at !== undefined && ahead <= COUNTED; at = open.pop()) {
    const item = items[at];
    if (item === undefined || !goesBefore(item, newcomer)) continue;
    ahead++;
    open.push(2 * at + 1, 2 * at + 2);
  }
  return ahead;
}
