// What a line holds at most, and who gives way when it is full. For src/flow/line.
import { beforeEach, describe, expect, it } from 'vitest';
import type { GateCall, GateRefusal, Permit } from '../../src/core/gate.ts';
import { FairGate } from '../../src/flow/gate.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { gateCall, gateRules, held, on, settled, told } from './calls.ts';
import { slotWorker } from './slots.ts';

let clock: VirtualClock;
let gate: FairGate;
const worker = slotWorker('w', 1);
let running: Permit;

beforeEach(() => {
  clock = new VirtualClock();
  gate = new FairGate({ clock, rules: gateRules({ line: { maxWaiting: 4, maxBytes: 1000 } }), capacity: () => 1 });
  running = held(enter({ class: 'embed' }));
  return () => {
    gate.close();
    running.close('won');
    expect([gate.inFlight, gate.waiting, clock.pending, worker.inFlight]).toEqual([0, 0, 0, 0]);
  };
});

const enter = (more: Partial<GateCall> = {}) => gate.acquire(gateCall(more), on(worker));
const fill = (count: number, more: Partial<GateCall> = {}) => Array.from({ length: count }, () => enter(more));
const standing = async (answers: readonly (Permit | GateRefusal | Promise<Permit | GateRefusal>)[]) => {
  const now = await Promise.all(answers.map((answer) => settled(answer)));
  return now.map((answer) => (answer === 'pending' ? 'waits' : told(answer)));
};

it('F079 a full line and an unwillingness to wait are told at once', () => {
  expect(told(enter({ maxWaitMs: 0 }))).toBe('waited');
  fill(4);
  expect(told(enter())).toBe('queue_full');
  expect(gate.waiting).toBe(4);
});

it('bodies count beside calls', () => {
  fill(2, { bytes: 400 });
  expect(told(enter({ bytes: 201 }))).toBe('queue_full');
  expect(enter({ bytes: 200 })).toBeInstanceOf(Promise);
});

it('a class without rules has no line, and each class its own', () => {
  expect(told(enter({ class: 'rerank' }))).toBe('queue_full');
  fill(4);
  expect(enter({ class: 'embed' })).toBeInstanceOf(Promise);
});

it('a reload moves the bounds, and who is in line stays', () => {
  fill(4);
  gate.resize(gateRules({ line: { maxWaiting: 5 } }));
  expect(enter()).toBeInstanceOf(Promise);
  gate.resize(gateRules({ line: { maxWaiting: 0 } }));
  expect(gate.waiting).toBe(5);
});

describe('when it is full', () => {
  it('the newest of the tenant with the most in line gives way, until the others have as many', async () => {
    const loud = fill(4, { tenant: 'loud' });
    const quiet = fill(2, { tenant: 'quiet' });
    expect(await standing(loud)).toEqual(['waits', 'waits', 'queue_full', 'queue_full']);
    expect(await standing(quiet)).toEqual(['waits', 'waits']);
    expect(told(enter({ tenant: 'quiet' }))).toBe('queue_full');
    expect(told(enter({ tenant: 'loud' }))).toBe('queue_full');
  });

  it('a tenant of more weight may have more in line', async () => {
    const light = fill(4, { tenant: 'light' });
    const heavy = fill(4, { tenant: 'heavy', weight: 3 });
    expect(await standing(light)).toEqual(['waits', 'queue_full', 'queue_full', 'queue_full']);
    expect(await standing(heavy)).toEqual(['waits', 'waits', 'waits', 'queue_full']);
  });

  it('a tenant of long bodies has the most in line by bytes', async () => {
    const long = fill(1, { tenant: 'long', bytes: 900 });
    const short = fill(2, { tenant: 'short', bytes: 100 });
    expect(await standing(long)).toEqual(['queue_full']);
    expect(await standing(short)).toEqual(['waits', 'waits']);
  });

  it('of that tenant its lowest band gives way first', async () => {
    const low = fill(1, { tenant: 'loud', priority: 'batch' });
    const high = fill(3, { tenant: 'loud' });
    fill(1, { tenant: 'quiet' });
    expect(await standing([...low, ...high])).toEqual(['queue_full', 'waits', 'waits', 'waits']);
  });

  it('a newcomer of a higher band displaces the newest of the lowest band below it', async () => {
    const background = fill(2, { priority: 'background' });
    const batch = fill(2, { priority: 'batch' });
    expect(enter({ priority: 'interactive' })).toBeInstanceOf(Promise);
    expect(await standing([...background, ...batch])).toEqual(['waits', 'queue_full', 'waits', 'waits']);
    fill(3, { priority: 'critical' });
    expect(await standing([...background, ...batch])).toEqual(['queue_full', 'queue_full', 'queue_full', 'queue_full']);
    expect(told(enter({ priority: 'interactive' }))).toBe('queue_full');
  });

  it('whoever waited long enough to be raised gives way after those who came by themselves', async () => {
    const raised = enter({ priority: 'background', tenant: 'loud', maxWaitMs: 100 });
    const own = fill(3, { priority: 'batch', tenant: 'loud' });
    clock.advance(60);
    fill(2, { tenant: 'quiet' });
    expect(await standing([raised, ...own])).toEqual(['waits', 'waits', 'queue_full', 'queue_full']);
  });
});
