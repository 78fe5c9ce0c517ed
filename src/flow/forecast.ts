// When a call would get a slot if it came now: the work ahead of it in the line's own order, at measured speed. For the gate.
import type { GateCall } from '../core/gate.ts';
import type { Bands } from './bands.ts';
import type { Flow } from './flow.ts';
import type { HoldTimes } from './hold-times.ts';
import type { Lane } from './lane.ts';
import type { Line } from './line.ts';
import { COUNTER, EACH, TOKENS, WAITING } from './rows.ts';
import { goesBefore, type Turn, turnKey } from './waiter.ts';

/** Tenants, or calls of one tenant, that are counted one by one; what lies beyond is taken in proportion. */
const COUNTED = 64;
/** However little is left to a band, it is taken to move on. */
const LEAST_SPEED = 0.05;

const MARGIN = 1.45;
const DEVIATIONS = 1.5;
const READING = 0.9;

/** The order of a call that has yet to come. */
export const NEWEST = Number.POSITIVE_INFINITY;

export interface Slots {
  readonly capacity: number;
  readonly inFlight: number;
  readonly nowMs: number;
  /** How long those in flight have held theirs, on the average, ms. */
  readonly meanAgeMs: number;
}

/** Calls that go before another, and the slot time that they take. */
interface Ahead {
  readonly calls: number;
  readonly slotMs: number;
}

/**
 * What a wait of which so much is forecast may come to, ms: to wait in vain is worse than to go. The speed of the pool may be
 * another soon, by nearly half at worst; and how many slots come free in a time is a matter of chance, of as many as are
 * expected. Or hardly any does before workers have read what they were sent, for which they need `readingMs`.
 */
export function cautiousMs(waitMs: number, slotMs: number, readingMs: number): number {
  return Math.max(MARGIN * waitMs + DEVIATIONS * Math.sqrt(waitMs * slotMs), waitMs + READING * readingMs);
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
  const { capacity, inFlight, nowMs } = slots;
  if (meanMs === null || capacity <= 0) return null;
  const callMs = (other: Line): number => other.pace.callMs(nowMs, holds.of(other.class)!)!;
  const own = ownBand(bands, line, band, call, order, callMs);
  let { calls } = own;
  let higherMs = 0;
  for (const other of bands.all) {
    for (let at = 0; at < band; at++) {
      const { waiting, tokens } = other.lanes[at]!;
      if (waiting === 0) continue;
      calls += waiting;
      higherMs += other.pace.usual(waiting, tokens) * callMs(other);
    }
  }
  let speed = 1;
  for (let at = band + 1; at < bands.bands.length; at++) {
    const lower = bands.bands[at]!;
    if (lower.waiting > 0) speed -= lower.reserved;
  }
  const inTurn = (higherMs + own.slotMs) / Math.max(speed, LEAST_SPEED);
  const { reserved } = bands.bands[band]!;
  // Its reserve has to cover the call itself, too.
  const byReserve = reserved > 0 ? (own.slotMs + callMs(line)) / reserved : Number.POSITIVE_INFINITY;
  const slotMs = Math.min(inTurn, byReserve);
  if (inFlight < capacity || calls === 0) return firstFreeMs(slots, meanMs) + slotMs / capacity;
  const eachMs = (higherMs + own.slotMs) / calls;
  return firstFreeMs(slots, meanMs) + throughFlight(bands, slotMs / eachMs, eachMs, slots, callMs) / capacity;
}

/**
 * Slot time until so many have gone before, after the first slot that comes free. As long as they are fewer than those in flight
 * it is slots of these that they take, and so it is the size of these that counts. Where a limit has shrunk, some come free for
 * nobody.
 */
function throughFlight(
  bands: Bands,
  calls: number,
  eachMs: number,
  { capacity, inFlight }: Slots,
  callMs: (line: Line) => number,
): number {
  let flightMs = 0;
  for (const line of bands.all) {
    if (line.inFlight > 0) flightMs += line.pace.usual(line.inFlight, line.inFlightTokens) * callMs(line);
  }
  const ends = calls + inFlight - capacity;
  const first = Math.min(ends, inFlight - 1);
  return (first * flightMs) / inFlight + (ends - first) * eachMs;
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

/** Calls of its own band that go first. */
function ownBand(
  bands: Bands,
  line: Line,
  band: number,
  call: GateCall,
  order: number,
  callMs: (line: Line) => number,
): Ahead {
  const lane = line.lanes[band]!;
  const flow = line.flowIfAny(call.tenant, band);
  const own = ownLane(line, lane, flow, call, order, callMs(line));
  const counter = lane.waiting > 0 ? lane.counter : Math.max(lane.counter, bands.bands[band]!.virtualTime);
  const turn = counter + own.slotMs / line.rules.share;
  let { calls, slotMs } = own;
  for (const other of bands.all) {
    const theirs = other.lanes[band]!;
    if (other === line || theirs.waiting === 0 || theirs.counter > turn) continue;
    const { waiting, tokens } = theirs;
    const eachMs = (other.pace.usual(waiting, tokens) * callMs(other)) / waiting;
    const before = Math.min(waiting, ((turn - theirs.counter) * other.rules.share) / eachMs + 1);
    calls += before;
    slotMs += before * eachMs;
  }
  return { calls, slotMs };
}

/** Of its lane: its tenant's own, and of each other what would be served before its turn. */
function ownLane(line: Line, lane: Lane, flow: Flow | null, call: GateCall, order: number, callMs: number): Ahead {
  let calls = 0;
  let tokens = 0;
  let turn = lane.virtualTime;
  if (flow !== null) {
    if (flow.waiting > 0) {
      calls = ownAhead(flow, call, order);
      tokens = (calls * flow.tokens) / flow.waiting;
      turn = flow.counter + flow.each * calls;
    } else turn = Math.max(turn, flow.counter);
  }
  const { standingRows: standing } = lane;
  const { numbers } = lane.rows;
  const ownRow = flow === null ? -1 : flow.row;
  const step = Math.max(1, standing.length / COUNTED);
  let others = 0;
  let otherTokens = 0;
  for (let at = 0; at < standing.length; at += step) {
    const row = standing[Math.floor(at)]!;
    const counter = numbers[row + COUNTER]!;
    if (row === ownRow || counter > turn) continue;
    const waiting = numbers[row + WAITING]!;
    const each = numbers[row + EACH]!;
    const first = each > 0 ? Math.min(waiting, Math.floor((turn - counter) / each) + 1) : waiting;
    others += first;
    otherTokens += (first * numbers[row + TOKENS]!) / waiting;
  }
  calls += others * step;
  return { calls, slotMs: line.pace.usual(calls, tokens + otherTokens * step) * callMs };
}

/** Calls of its own tenant that go first. */
function ownAhead(flow: Flow, { continues, runArrivedMs }: GateCall, order: number): number {
  if (!continues && order === NEWEST && runArrivedMs >= flow.latestRunMs) return flow.waiting;
  const newcomer: Turn = { continues, runArrivedMs, order };
  const key = turnKey(newcomer);
  let ahead = flow.calls.countBefore(key, order, COUNTED);
  for (const { headKey, headOrder, rest } of flow.queues) {
    if (ahead > COUNTED) break;
    if (headKey > key || (headKey === key && headOrder >= order)) continue;
    ahead += rest === null ? 1 : 1 + countBefore(rest.items, newcomer);
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
