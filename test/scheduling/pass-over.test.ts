// When a call waits rather than take a worker that is far slower than the rest. For src/scheduling/pass-over, through the scheduler.
import { describe, expect, it } from 'vitest';
import { Candidates } from '../../src/scheduling/candidates.ts';
import { profiles } from '../../src/scheduling/profiles.ts';
import { createScheduler } from '../../src/scheduling/scheduler.ts';
import { type CallShape, call, lot, parts, type TestWorker, worker } from './workers.ts';

const NOW_MS = 1_000_000;
/** 1,000 tokens take 100 ms. */
const good = (id: string, more: Partial<TestWorker> = {}) => worker(id, 4, { tokensPerMs: 10, ...more });
const full = (id: string, more: Partial<TestWorker> = {}) => good(id, { inFlight: 4, ...more });
/** Ten times as slow, and just left by its last call. */
const sick = (more: Partial<TestWorker> = {}) => good('sick', { tokensPerMs: 1, idleSinceMs: NOW_MS, ...more });

type Name = keyof typeof profiles;
const WEIGHING = ['sticky', 'least-requests', 'p2c'] as const;

function asked(
  workers: readonly TestWorker[],
  shape: CallShape = {},
  profile: Name = 'least-requests',
  nowMs = NOW_MS,
) {
  const random = lot();
  const index = new Candidates(random);
  index.replace(workers);
  const one = call(shape);
  const picked = createScheduler(profiles[profile], parts, random).pick(index, one, nowMs);
  return { picked: typeof picked === 'string' ? picked : picked.id, hold: one.hold };
}

describe('a worker that is ten times as slow as the others', () => {
  it.each(WEIGHING)('gets no call while another has room, however many that one has (%s)', (profile) => {
    expect(asked([sick(), good('a', { inFlight: 3 })], {}, profile).picked).toBe('a');
  });

  it.each(WEIGHING)('is passed over where the others are full, for as long as they are faster (%s)', (profile) => {
    const workers = [sick(), full('a')];
    const { picked, hold } = asked(workers, { waited: 400 }, profile);
    expect(picked).toBe('full');
    // 1,000 ms there, 100 ms at the other, counted from when the call came.
    expect(hold).toEqual({ worker: workers[1], other: workers[0], untilMs: NOW_MS - 400 + 900 });
    expect(asked(workers, { waited: 899 }, profile).picked).toBe('full');
    expect(asked(workers, { waited: 900 }, profile)).toEqual({ picked: 'sick', hold: null });
  });

  it('is passed over for whole replies as well, whose first content says nothing', () => {
    const whole = (id: string, wholeMs: number, more: Partial<TestWorker> = {}) =>
      worker(id, 4, { wholeMs, idleSinceMs: NOW_MS, ...more });
    expect(asked([whole('sick', 12_000), whole('a', 1_200, { inFlight: 3 })]).picked).toBe('a');
    const { hold } = asked([whole('sick', 12_000), whole('a', 1_200, { inFlight: 4 })]);
    expect(hold?.untilMs).toBe(NOW_MS + 10_800);
  });

  it('is taken by round-robin, which looks at nothing', () => {
    expect(asked([sick(), full('a')], {}, 'round-robin').picked).toBe('sick');
  });

  it('is taken where the others may not serve the call, or failed it', () => {
    expect(asked([sick(), full('a', { up: false })]).picked).toBe('sick');
    expect(asked([sick(), full('a')], { tried: ['a'] }).picked).toBe('sick');
  });

  it('is tried again by one call at a time, once it has had none for a while', () => {
    const later = (ms: number, more: Partial<TestWorker> = {}) =>
      asked([sick(more), full('a')], {}, 'least-requests', NOW_MS + ms).picked;
    // Of nine times slower, 2 are left after 65 s.
    expect(later(60_000)).toBe('full');
    expect(later(70_000)).toBe('sick');
    expect(later(70_000, { inFlight: 1 })).toBe('full');
  });
});

describe('workers of one pool', () => {
  it('are all of use when all are slow, when they differ by three times, or when nothing is known of them', () => {
    expect(asked([sick(), full('a', { tokensPerMs: 1 })]).picked).toBe('sick');
    expect(asked([good('old', { tokensPerMs: 10 / 3 }), full('a')]).picked).toBe('old');
    expect(asked([worker('new', 4), full('a')]).picked).toBe('new');
    expect(asked([sick(), worker('new', 4, { inFlight: 4 })]).picked).toBe('sick');
  });

  it('are compared by a prompt that none of them holds, but for what the holder itself must read', () => {
    const step = { inputTokens: 10_000, held: { sick: 9_900 } };
    expect(asked([sick(), good('a')], step, 'sticky').picked).toBe('sick');
    expect(asked([good('home', { inFlight: 4 }), good('a')], { inputTokens: 1_000, held: { home: 990 } }).picked).toBe(
      'a',
    );
  });

  it('are waited for where the call’s run is, or where it waits already, else by lot', () => {
    const workers = [sick(), ...['a', 'b', 'c', 'd'].map((id) => full(id))];
    for (const [at, id] of ['sick', 'a', 'b', 'c', 'd'].entries()) {
      if (at === 0) continue;
      const lease = { workerId: id, tokens: 100, usedMs: 0, inTool: false, marks: null };
      expect(asked(workers, { lease }).hold?.worker.id).toBe(id);
      const before = { worker: workers[at]!, other: workers[0]!, untilMs: 0 };
      expect(asked(workers, { hold: before }).hold?.worker.id).toBe(id);
    }
    const random = lot();
    const index = new Candidates(random);
    index.replace(workers);
    const scheduler = createScheduler(profiles['least-requests'], parts, random);
    const seen = new Set<string | undefined>();
    for (let i = 0; i < 100; i++) {
      const one = call();
      scheduler.pick(index, one, NOW_MS);
      seen.add(one.hold?.worker.id);
    }
    expect([...seen].sort()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('are looked at in part where they are many, and the sick one is passed over all the same', () => {
    const many = [sick(), ...Array.from({ length: 200 }, (_, at) => full(`w${at}`))];
    const { picked, hold } = asked(many);
    expect(picked).toBe('full');
    expect(hold?.worker.id).toMatch(/^w/);
  });
});
