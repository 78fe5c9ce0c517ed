// A head of the line whose eligible workers are full: who may pass it, and who may not. For src/flow/gate.
import { beforeEach, describe, expect, it } from 'vitest';
import type { GateCall, Permit } from '../../src/core/gate.ts';
import { FairGate } from '../../src/flow/gate.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { gateCall, gateRules, held, on, settled, told } from './calls.ts';
import { slotWorker, type TestWorker } from './slots.ts';

let clock: VirtualClock;
let gate: FairGate;
let worker: TestWorker;
let other: TestWorker;

beforeEach(() => {
  clock = new VirtualClock();
  worker = slotWorker('w', 1);
  other = slotWorker('other', 1);
  gate = new FairGate({ clock, rules: gateRules(), capacity: () => worker.limit + other.limit });
});

const enter = (at: readonly TestWorker[], more: Partial<GateCall> = {}) => gate.acquire(gateCall(more), on(...at));
const atRest = () => expect([gate.inFlight, gate.waiting, clock.pending]).toEqual([0, 0, 0]);

describe('a head whose eligible workers are full', () => {
  it('is passed over by those behind it whose workers have room', async () => {
    const busy = held(enter([worker]));
    const alsoBusy = held(enter([other]));
    const head = enter([worker]);
    const behind = enter([other]);
    alsoBusy.close('won');
    const permit = held(await behind);
    expect(permit.worker).toBe(other);
    expect(await settled(head)).toBe('pending');
    busy.close('won');
    held(await head).close('won');
    permit.close('won');
    atRest();
  });

  it('does not hold up newcomers whose worker is idle', () => {
    const idle = slotWorker('idle', 2);
    const busy = held(enter([worker]));
    void enter([worker]);
    const first = held(enter([worker, idle]));
    expect(first.worker).toBe(idle);
    // Not even those who will not wait: the slot is of no use to the line.
    const second = held(enter([idle], { maxWaitMs: 0 }));
    expect(second.worker).toBe(idle);
    second.close('won');
    first.close('won');
    gate.close();
    busy.close('won');
    atRest();
  });

  it('is passed over by eight in line at most: beyond that the line’s order holds', async () => {
    const busy = held(enter([worker]));
    const alsoBusy = held(enter([other]));
    const heads = Array.from({ length: 9 }, () => enter([worker]));
    const behind = enter([other]);
    alsoBusy.close('won');
    expect(await settled(behind)).toBe('pending');
    // A newcomer is no better off than the line.
    expect(told(enter([other], { maxWaitMs: 0 }))).toBe('waited');
    // One head fewer, and it is within the bound.
    busy.close('won');
    const served = held(await heads[0]!);
    gate.poke();
    const permit = held(await behind);
    gate.close();
    served.close('won');
    permit.close('won');
    atRest();
  });

  it('a tenant whose workers are full holds up no other tenant, however many calls it has in line', async () => {
    const busy = held(enter([worker]));
    const alsoBusy = held(enter([other]));
    for (let call = 0; call < 50; call++) void enter([worker], { tenant: 'pinned' });
    const behind = enter([other], { tenant: 'free' });
    alsoBusy.close('won');
    held(await behind).close('won');
    gate.close();
    busy.close('won');
    atRest();
  });

  it('keeps its place: the next slot of its own worker is its own', async () => {
    const busy = held(enter([worker]));
    const alsoBusy = held(enter([other]));
    const line = Array.from({ length: 3 }, () => enter([worker]));
    const passing = enter([other]);
    alsoBusy.close('won');
    held(await passing).close('won');
    let open: Permit = busy;
    for (const wait of line) {
      open.close('won');
      open = held(await wait);
    }
    open.close('won');
    atRest();
  });

  it('a free slot that the line can use goes to the line, not to a newcomer', async () => {
    const running = held(enter([worker]));
    const head = enter([worker]);
    worker.limit = 2;
    const newcomer = enter([worker]);
    const permit = held(await head);
    expect(await settled(newcomer)).toBe('pending');
    running.close('won');
    held(await newcomer).close('won');
    permit.close('won');
    atRest();
  });

  it('a newcomer that comes before the line in its order gets the free slot at once', async () => {
    const running = held(enter([worker]));
    const head = enter([worker], { priority: 'batch' });
    worker.limit = 2;
    const newcomer = held(enter([worker], { priority: 'critical' }));
    expect(await settled(head)).toBe('pending');
    running.close('won');
    newcomer.close('won');
    held(await head).close('won');
    atRest();
  });
});
