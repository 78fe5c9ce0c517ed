// Records of calls for tests of ledgers: ordinary, with every field, and of chance.
import type { AttemptRecord, CallRecord } from '../../src/core/ledger.ts';
import type { Random } from '../../src/core/runtime.ts';

export const ARRIVED_MS = Date.UTC(2026, 10, 29, 15, 30);
let made = 0;

export const attempt = (change: Partial<AttemptRecord> = {}): AttemptRecord => ({
  target: 'own',
  kind: 'pool',
  worker: 'http://10.0.0.1:8000',
  model: 'small-v1',
  outcome: 'won',
  code: null,
  beganMs: 1,
  durationMs: 200.5,
  firstContentMs: 100,
  usage: { uncachedTokens: 10, cachedTokens: 20, outputTokens: 5, reasoningTokens: 1 },
  estimated: false,
  gpuMs: 50.5,
  gpuSource: 'occupancy',
  cost: 300,
  ...change,
});

/** Costs what its attempts cost, and is charged as much unless it says otherwise. */
export function call(change: Partial<CallRecord> = {}): CallRecord {
  const attempts = change.attempts ?? [attempt()];
  const cost = change.cost ?? attempts.reduce((sum, one) => sum + one.cost, 0);
  return {
    id: `call-${process.pid}-${made++}`,
    traceId: null,
    arrivedMs: ARRIVED_MS,
    tenant: 'acme',
    keyId: 'key_1',
    class: 'chat',
    dialect: 'openai-chat',
    stream: false,
    priority: 'interactive',
    step: 'turn',
    run: null,
    agent: null,
    runSource: null,
    prefix: 0,
    asked: 'small',
    served: 'own/small-v1',
    rung: 1,
    degraded: null,
    how: 'complete',
    code: null,
    queueMs: 0.25,
    coldMs: 0,
    firstContentMs: 101.25,
    totalMs: 202,
    inputTokens: 30,
    usage: { uncachedTokens: 10, cachedTokens: 20, outputTokens: 5, reasoningTokens: 1 },
    estimated: false,
    attempts,
    cost,
    charge: cost,
    ...change,
  };
}

const oneOf = <T>(random: Random, values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
const upTo = (random: Random, most: number) => Math.floor(random() * most);
const TEXTS = ['', 'a', "'; DROP TABLE calls; --", 'ünï\u0000cödé', '🦄'.repeat(9), '\ud800', 'x'.repeat(3_000)];

/** Every field takes part, with texts that nobody would choose. */
export function chanceCall(random: Random, change: Partial<CallRecord> = {}): CallRecord {
  const text = () => oneOf(random, TEXTS);
  const maybe = <T>(value: T) => (random() < 0.4 ? null : value);
  const usage = () =>
    maybe({
      uncachedTokens: upTo(random, 1e6),
      cachedTokens: upTo(random, 1e6),
      outputTokens: upTo(random, 1e6),
      reasoningTokens: upTo(random, 1e3),
      cacheWriteTokens: upTo(random, 1e3),
      cacheWriteLongTokens: upTo(random, 1e3),
      ...(random() < 0.5 ? { serviceTier: text() } : {}),
    });
  const attempts = Array.from({ length: upTo(random, 4) }, (_, at) =>
    attempt({
      target: text(),
      kind: oneOf(random, ['pool', 'provider']),
      worker: text(),
      model: text(),
      outcome: oneOf(random, ['won', 'lost', 'failed', 'ignored']),
      code: maybe('upstream_error'),
      beganMs: random() * 1_000,
      durationMs: random() * 1_000,
      firstContentMs: maybe(random() * 100),
      usage: usage(),
      estimated: random() < 0.5,
      gpuMs: maybe(random() * 100),
      gpuSource: maybe(oneOf(random, ['reported', 'occupancy'])),
      cost: upTo(random, 1e9) + at,
    }),
  );
  return call({
    traceId: maybe('0af7651916cd43dd8448eb211c80319c'),
    arrivedMs: ARRIVED_MS + upTo(random, 3 * 86_400_000),
    tenant: oneOf(random, ['acme', 'beta', text()]),
    keyId: maybe(text()),
    class: oneOf(random, ['chat', 'embed', 'rerank', 'batch']),
    stream: random() < 0.5,
    step: oneOf(random, ['turn', 'tool_loop', 'side_task', 'background']),
    run: maybe(text()),
    agent: maybe(text()),
    runSource: maybe('declared'),
    prefix: upTo(random, 2 ** 32),
    asked: text(),
    served: maybe(text()),
    rung: maybe(1 + upTo(random, 3)),
    degraded: maybe('saturated'),
    how: oneOf(random, ['complete', 'failed', 'client_gone']),
    code: maybe('upstream_timeout'),
    queueMs: random() * 100,
    firstContentMs: maybe(random() * 100),
    usage: usage(),
    estimated: random() < 0.5,
    attempts,
    charge: upTo(random, 1e9),
    ...change,
  });
}
