// Whose turn it is when a slot comes free: bands, classes, tenants, calls. For src/flow/bands, lane and waiter.
import { beforeEach, describe, expect, it } from 'vitest';
import type { GateCall, GateRules, Permit } from '../../src/core/gate.ts';
import { FairGate } from '../../src/flow/gate.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { gateCall, gateRules, held, on } from './calls.ts';
import { slotWorker, type TestWorker } from './slots.ts';

let clock: VirtualClock;
let worker: TestWorker;
let gate: FairGate;
let open: Permit;
let served: string[];

function start(rules: GateRules = gateRules()): void {
  clock = new VirtualClock();
  worker = slotWorker('w', 1);
  gate = new FairGate({ clock, rules, capacity: () => worker.limit });
  served = [];
  open = held(gate.acquire(gateCall({ tenant: 'first', outputTokens: 0 }), on(worker)));
}
beforeEach(() => start());

function wait(name: string, more: Partial<GateCall> = {}): void {
  const answer = gate.acquire(gateCall({ maxWaitMs: 1e9, ...more }), on(worker));
  if (!(answer instanceof Promise)) throw new Error('did not wait');
  void answer.then((permit) => {
    if ('refused' in permit) return;
    served.push(name);
    open = permit;
  });
}
/** Ends the running call so often; answers with who came then. */
async function next(times: number, heldMs = 0, usedTokens: number | null = null): Promise<string> {
  const from = served.length;
  for (let time = 0; time < times; time++) {
    clock.advance(heldMs);
    open.close('won', usedTokens);
    await Promise.resolve();
  }
  return served.slice(from).join(' ');
}

describe('within a tenant', () => {
  it('tool loops go on before new runs; among equals the older run, then the older call', async () => {
    wait('new-late', { runArrivedMs: 9 });
    wait('new-early', { runArrivedMs: 4 });
    wait('new-early-2', { runArrivedMs: 4 });
    wait('loop-late', { runArrivedMs: 8, continues: true });
    wait('loop-early', { runArrivedMs: 2, continues: true });
    expect(await next(5)).toBe('loop-early loop-late new-early new-early-2 new-late');
  });

  it('a tool loop takes no other tenant’s turn', async () => {
    wait('a1', { tenant: 'a' });
    wait('b1', { tenant: 'b' });
    wait('a2', { tenant: 'a', continues: true });
    wait('b2', { tenant: 'b' });
    expect(await next(4)).toBe('b1 a2 a1 b2');
  });
});

describe('among tenants', () => {
  it('the one that has had least for its weight goes first', async () => {
    for (let call = 1; call <= 4; call++) wait(`a${call}`, { tenant: 'a', weight: 2 });
    for (let call = 1; call <= 2; call++) wait(`b${call}`, { tenant: 'b' });
    expect(await next(6)).toBe('a1 b1 a2 a3 b2 a4');
  });

  it('what the worker has to read anew counts once, what it writes twice', async () => {
    wait('reads', { tenant: 'a', uncachedAt: () => 200, outputTokens: 0 });
    wait('writes', { tenant: 'b', uncachedAt: () => 0, outputTokens: 120 });
    wait('reads-2', { tenant: 'a' });
    wait('writes-2', { tenant: 'b' });
    expect(await next(4)).toBe('reads writes reads-2 writes-2');
  });

  it('what it really used is settled, and what failed is given back', async () => {
    for (const tenant of ['a', 'b']) for (let call = 1; call <= 3; call++) wait(`${tenant}${call}`, { tenant });
    expect(await next(1)).toBe('a1');
    // Used five times of what was expected: the other goes first five times.
    expect(await next(1, 0, 500)).toBe('b1');
    expect(await next(2)).toBe('b2 b3');
    start();
    for (const tenant of ['a', 'b']) for (let call = 1; call <= 2; call++) wait(`${tenant}${call}`, { tenant });
    await next(1);
    open.close('failed');
    await Promise.resolve();
    expect(served).toEqual(['a1', 'a2']);
  });

  it('coming back from idle earns no credit', async () => {
    for (let call = 1; call <= 20; call++) wait(`a${call}`, { tenant: 'a' });
    await next(10);
    for (let call = 1; call <= 5; call++) wait(`b${call}`, { tenant: 'b' });
    expect(await next(6)).toBe('b1 a11 b2 a12 b3 a13');
  });
});

describe('tenants that come and go', () => {
  it('are forgotten, but not what a tenant owes to those in line', async () => {
    worker.limit = 3;
    held(gate.acquire(gateCall({ tenant: 'owes', outputTokens: 5000 }), on(worker))).close('won');
    for (let tenant = 0; tenant < 5000; tenant++) {
      held(gate.acquire(gateCall({ tenant: `t${tenant}`, outputTokens: 0 }), on(worker))).close('won');
    }
    worker.limit = 1;
    for (let call = 1; call <= 3; call++) wait('owes', { tenant: 'owes' });
    for (let call = 1; call <= 3; call++) wait('owes-not', { tenant: 't0' });
    expect(await next(4)).toBe('owes-not owes-not owes-not owes');
  });
});

describe('among bands', () => {
  const line = (count = 6) => {
    for (let call = 1; call <= count; call++) {
      wait('G', { priority: 'background', tenant: 'g' });
      wait('B', { priority: 'batch', tenant: 'b' });
      wait('I', { priority: 'interactive', tenant: 'i' });
      wait('C', { priority: 'critical', tenant: 'c' });
    }
  };

  it('the higher goes first where nothing is reserved', async () => {
    line(2);
    expect(await next(8)).toBe('C C I I B B G G');
  });

  it('a band that waits gets its reserved share meanwhile', async () => {
    start(gateRules({ reserved: { batch: 0.25 } }));
    line();
    expect(await next(8)).toBe('C C C C B C C I');
  });

  it('an emptied band keeps no credit', async () => {
    start(gateRules({ reserved: { batch: 0.5 } }));
    wait('B', { priority: 'batch' });
    for (let call = 0; call < 9; call++) wait('C', { priority: 'critical' });
    expect(await next(4)).toBe('C C B C');
    wait('B', { priority: 'batch' });
    expect(await next(3)).toBe('C C B');
  });

  it('half its longest wait raises a background call to batch and no further, and its slot stays its tenant’s turn', async () => {
    wait('old', { priority: 'background', tenant: 'g', maxWaitMs: 1000 });
    wait('batch', { priority: 'batch', tenant: 'b' });
    wait('interactive', { tenant: 'i' });
    const bands = () => Object.fromEntries(gate.lines().map(({ tenant, priority }) => [tenant, priority]));
    clock.advance(499);
    expect(bands()).toEqual({ g: 'background', b: 'batch', i: 'interactive' });
    clock.advance(1);
    expect(bands()).toEqual({ g: 'batch', b: 'batch', i: 'interactive' });
    clock.advance(400);
    expect(bands()).toEqual({ g: 'batch', b: 'batch', i: 'interactive' });
    expect(await next(3)).toBe('interactive old batch');
  });

  it('no wait raises a call of another band: a flood of old ones goes before nothing that people wait for', async () => {
    for (const priority of ['batch', 'interactive'] as const) {
      for (let call = 1; call <= 2; call++) wait(`${priority}${call}`, { priority, tenant: 'old', maxWaitMs: 1000 });
    }
    clock.advance(999);
    wait('interactive', { tenant: 'young' });
    wait('critical', { tenant: 'other', priority: 'critical' });
    expect(await next(6)).toBe('critical interactive1 interactive interactive2 batch1 batch2');
  });

  it('a tenant whose flood of calls grows old goes before no other tenant of the band it came from', async () => {
    const priority = 'background';
    for (let call = 1; call <= 4; call++) wait(`loud${call}`, { tenant: 'loud', priority, maxWaitMs: 1000 });
    clock.advance(600);
    expect(await next(1)).toBe('loud1');
    for (let call = 1; call <= 2; call++) wait(`quiet${call}`, { tenant: 'quiet', priority });
    expect(await next(5)).toBe('quiet1 loud2 quiet2 loud3 loud4');
  });
});

describe('among classes', () => {
  it('slots are shared by the time they are held, for the weight of the class', async () => {
    start(gateRules({ embed: { share: 3 } }));
    for (let call = 0; call < 40; call++) {
      wait('chat');
      wait('embed', { class: 'embed' });
    }
    // Both hold their slots for equally long, so three of four are embeddings.
    await next(20, 10);
    expect(served.filter((name) => name === 'embed')).toHaveLength(15);
  });
});
