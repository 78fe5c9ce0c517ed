// Decides what the router may rely on from a web-standard host: time, ids, chance, digests, a log, work in the background.
// For runtime/web.

import { describe, expect, it, vi } from 'vitest';
import { webClock } from '../../../src/runtime/web/machine.ts';
import { createWebRuntime } from '../../../src/runtime/web/runtime.ts';
import { eventually } from '../../fakes/eventually.ts';
import { Listener } from '../exchange-listener.ts';

const runtime = createWebRuntime();

describe('the clock', () => {
  it('runs forward, knows the wall, runs what was set once and not early, and nothing that was cancelled', async () => {
    expect(Math.abs(runtime.clock.wallMs() - Date.now())).toBeLessThan(1_000);
    const ran: string[] = [];
    const fromMs = runtime.clock.nowMs();
    runtime.clock.after(30, () => ran.push('later'));
    const cancelled = runtime.clock.after(10, () => ran.push('cancelled'));
    runtime.clock.after(0, () => ran.push('soon'));
    cancelled.cancel();
    cancelled.cancel();
    await eventually(() => ran.includes('later'));
    expect(runtime.clock.nowMs() - fromMs).toBeGreaterThanOrEqual(29);
    expect(ran).toEqual(['soon', 'later']);
  });

  it('waits longer than the longest timer of the host, and can be cancelled in any part of the wait', () => {
    vi.useFakeTimers();
    try {
      const longestMs = 2 ** 31 - 1;
      const ran: string[] = [];
      webClock.after(2 * longestMs + 5, () => ran.push('long'));
      webClock.after(Number.POSITIVE_INFINITY, () => ran.push('never'));
      const second = webClock.after(2 * longestMs, () => ran.push('cancelled'));
      vi.advanceTimersByTime(longestMs + 1);
      second.cancel();
      vi.advanceTimersByTime(longestMs + 3);
      expect(ran).toEqual([]);
      vi.advanceTimersByTime(1);
      expect(ran).toEqual(['long']);
      vi.advanceTimersByTime(longestMs * 5);
      expect(ran).toEqual(['long']);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('chance', () => {
  it('ids are unique, of one form, begin with the time of day, and are chance in the rest', () => {
    const ids = Array.from({ length: 50_000 }, runtime.newId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^req_[0-9a-f]{32}$/);
    const times = ids.map((id) => Number.parseInt(id.slice(4, 16), 16));
    expect(Math.abs(times[0]! - Date.now())).toBeLessThan(60_000);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    for (let place = 16; place < 36; place++) {
      const counts = new Map<string, number>();
      for (const id of ids) counts.set(id[place]!, (counts.get(id[place]!) ?? 0) + 1);
      // 3,125 expected, 8 standard deviations off.
      for (const count of counts.values()) expect(Math.abs(count - 3_125)).toBeLessThan(440);
    }
  });

  it('random numbers fill [0, 1) evenly', () => {
    const tenths = new Array<number>(10).fill(0);
    for (let i = 0; i < 100_000; i++) {
      const number = runtime.random();
      expect(number >= 0 && number < 1).toBe(true);
      tenths[Math.floor(number * 10)]!++;
    }
    for (const count of tenths) expect(Math.abs(count - 10_000)).toBeLessThan(760);
  });
});

describe('digests', () => {
  it('are SHA-256, also of a view into a larger buffer', async () => {
    const hex = async (bytes: Uint8Array) => Buffer.from(await runtime.digest(bytes)).toString('hex');
    expect(await hex(Buffer.from(''))).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(await hex(new TextEncoder().encode('xabcx').subarray(1, 4))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });
});

describe('the log', () => {
  it('writes the fields in the form that the log on Node has, one line each, down to its level', () => {
    const levels: Record<string, number[]> = {};
    for (const level of ['none', 'summary', 'debug'] as const) {
      const lines: string[] = [];
      const { log } = createWebRuntime({ write: (line) => lines.push(line), level });
      log.debug('small', { step: 1 });
      log.info('call', { id: 'a "quoted"\nname', rung: 2, code: undefined, degraded: null });
      log.warn('bare');
      log.error('fault', { name: 'TypeError' });
      const said = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
      levels[level] = said.map((one) => one['level'] as number);
      expect(lines.join('')).not.toContain('\n');
      if (level === 'none') continue;
      const { time, ...call } = said.find(({ event }) => event === 'call')!;
      expect(call).toEqual({ level: 30, event: 'call', id: 'a "quoted"\nname', rung: 2, degraded: null });
      expect(Math.abs(Number(time) - Date.now())).toBeLessThan(60_000);
    }
    expect(levels).toEqual({ none: [40, 50], summary: [30, 40, 50], debug: [20, 30, 40, 50] });
  });

  it('a writer that throws ends nothing, and without a writer nothing is written', () => {
    const { log } = createWebRuntime({
      write() {
        throw new Error('full');
      },
    });
    log.error('fault');
    for (const method of ['debug', 'info', 'warn', 'error'] as const) runtime.log[method]('quiet');
  });
});

describe('work in the background', () => {
  it('runs after the turn that asked for it, and the host is told how long', async () => {
    const kept: Promise<unknown>[] = [];
    const { background } = createWebRuntime({ waitUntil: (work) => kept.push(work) });
    const { promise, resolve } = Promise.withResolvers<void>();
    const did: string[] = [];
    background(async () => {
      did.push('began');
      await promise;
      did.push('ended');
    });
    expect(did).toEqual([]);
    expect(kept).toHaveLength(1);
    resolve();
    await kept[0];
    expect(did).toEqual(['began', 'ended']);
  });

  it('a failure of it ends in the log, by its name alone', async () => {
    const lines: string[] = [];
    const { background } = createWebRuntime({ write: (line) => lines.push(line) });
    background(() => Promise.reject(new RangeError('secret')));
    background(() => {
      throw new TypeError('secret');
    });
    await eventually(() => lines.length === 2);
    expect(lines.map((line) => (JSON.parse(line) as { name: string }).name).sort()).toEqual([
      'RangeError',
      'TypeError',
    ]);
    expect(lines.join()).not.toContain('secret');
  });
});

describe('fetch', () => {
  it("is the host's, as it is at the time of each call, unless another is given", async () => {
    const asked: string[] = [];
    const answer = (name: string) => async (url: string | URL | Request) => {
      asked.push(`${name} ${url}`);
      return new Response('{}');
    };
    vi.stubGlobal('fetch', answer('host'));
    for (const one of [runtime, createWebRuntime({ fetch: answer('given') })]) {
      const listener = new Listener();
      one.transport.send({ origin: 'http://a.test', path: '/b', method: 'GET', headers: [], body: null }, listener);
      await eventually(() => listener.told.includes('end'));
    }
    expect(asked).toEqual(['host http://a.test/b', 'given http://a.test/b']);
  });
});
