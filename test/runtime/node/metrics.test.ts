// Decides what the page of metrics says, and that names of strangers cannot break it. For operators.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LineStatus } from '../../../src/core/gate.ts';
import { createMetricsPage } from '../../../src/runtime/node/metrics.ts';
import { CallCounts } from '../../../src/telemetry/call-counts.ts';
import { moneyGauges, processGauges, type TargetFigures, targetGauges } from '../../../src/telemetry/gauges.ts';
import { METRICS, type MetricName } from '../../../src/telemetry/names.ts';
import { codeSpans, sectionOf, tableColumn } from '../../docs/markdown.ts';
import { VirtualClock } from '../../fakes/virtual-clock.ts';
import { aCall } from '../../telemetry/call-facts.ts';
import { readExposition } from '../../telemetry/exposition.ts';

function started(targets: readonly TargetFigures[] = []) {
  const clock = new VirtualClock();
  const counts = new CallCounts(clock, () => ({ firstContentMs: 2_000, totalMs: null, objective: 0.99 }));
  const page = createMetricsPage(() => [
    ...counts.families(),
    ...targetGauges(targets, (tenant) => counts.tenantLabel(tenant)),
    ...moneyGauges({ reservedUsd: 0.5, ledger: { ok: true, waiting: 3, lost: 0 } }),
    ...processGauges({ heapShare: 0.25, loopLagMs: 12 }, 2),
  ]);
  return {
    counts,
    async read() {
      const { body, contentType } = await page();
      expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
      const families = readExposition(body);
      return {
        families,
        of: (name: MetricName) => families.get(name)!.samples.map(({ labels, value }) => [labels, value]),
        samples: (name: MetricName) => families.get(name)!.samples,
      };
    },
  };
}

const line = (more: Partial<LineStatus>): LineStatus => ({
  class: 'chat',
  priority: 'interactive',
  tenant: 'acme',
  waiting: 1,
  oldestMs: 0,
  ...more,
});

const target = (more: Partial<TargetFigures>): TargetFigures => ({
  name: 'support-7b',
  inFlight: 0,
  waiting: 0,
  lines: [],
  workers: [],
  ...more,
});

describe('the page of metrics', () => {
  it('counts calls by how they ended, with tokens, tries, waits and first content', async () => {
    const { counts, read } = started();
    counts.call(aCall({ queueMs: 30, firstContentMs: 1_500 }));
    counts.call(aCall({ queueMs: 0, firstContentMs: 90_000, attempts: 2, degraded: 'saturated' }));
    counts.call(aCall({ how: 'failed', code: 'capacity_contended', target: null, firstContentMs: null, attempts: 0 }));
    const { of, samples } = await read();
    const acme = { class: 'chat', target: 'support-7b', tenant: 'acme' };
    expect(of('spillway_requests_total')).toEqual([
      [{ ...acme, how: 'complete', code: 'none' }, 2],
      [{ ...acme, target: 'none', how: 'failed', code: 'capacity_contended' }, 1],
    ]);
    expect(of('spillway_tokens_total').slice(0, 3)).toEqual([
      [{ ...acme, kind: 'uncached' }, 20],
      [{ ...acme, kind: 'cached' }, 10],
      [{ ...acme, kind: 'output' }, 40],
    ]);
    expect(of('spillway_attempts_total')[0]).toEqual([acme, 3]);
    expect(of('spillway_degraded_total')).toEqual([[{ ...acme, reason: 'saturated' }, 1]]);
    const first = samples('spillway_ttft_seconds').filter(({ labels }) => labels['target'] === 'support-7b');
    const upTo = (le: string) => first.find(({ labels }) => labels['le'] === le)?.value;
    expect([upTo('1'), upTo('2'), upTo('60'), upTo('+Inf')]).toEqual([0, 1, 1, 2]);
    expect(first.find(({ name }) => name.endsWith('_sum'))?.value).toBeCloseTo(91.5);
    const waits = samples('spillway_queue_seconds').filter(({ name }) => name.endsWith('_count'));
    expect(waits.map(({ value }) => value)).toEqual([2, 1]);
  });

  it('counts refusals by reason, apart from calls', async () => {
    const { counts, read } = started();
    counts.refused('queue_full', 'chat', 'support-7b', 'acme');
    counts.refused('queue_full', 'chat', 'support-7b', 'acme');
    counts.refused('pressure', 'batch', 'router', 'acme');
    const { of } = await read();
    expect(of('spillway_shed_total')).toEqual([
      [{ reason: 'queue_full', class: 'chat', target: 'support-7b', tenant: 'acme' }, 2],
      [{ reason: 'pressure', class: 'batch', target: 'router', tenant: 'acme' }, 1],
    ]);
    expect(of('spillway_requests_total')).toEqual([]);
  });

  it('says how targets and the process stand', async () => {
    const workers = [
      { id: 'support-7b/1', limit: 4, breaker: 'closed' },
      { id: 'support-7b/2', limit: 0, breaker: 'open' },
      { id: 'support-7b/3', limit: 0, breaker: 'half-open' },
    ];
    const lines = [line({ waiting: 3 }), line({ waiting: 2, tenant: 'b', priority: 'batch' })];
    const { read, counts } = started([
      target({ inFlight: 3, waiting: 5, workers, lines }),
      target({ name: 'cold', waiting: 7, workers: [{ id: 'cold/1', limit: 0, breaker: 'closed' }] }),
    ]);
    counts.call(aCall());
    const { of } = await read();
    expect(of('spillway_queue_depth')).toEqual([
      [{ class: 'chat', priority: 'interactive', target: 'support-7b', tenant: 'acme' }, 3],
      [{ class: 'chat', priority: 'batch', target: 'support-7b', tenant: 'other' }, 2],
    ]);
    expect(of('spillway_saturation')).toEqual([
      [{ target: 'support-7b' }, 2],
      [{ target: 'cold' }, 7],
    ]);
    expect(of('spillway_limit')[0]).toEqual([{ target: 'support-7b', worker: 'support-7b/1' }, 4]);
    expect(of('spillway_breaker_state').map(([, state]) => state)).toEqual([0, 2, 1, 0]);
    expect(of('spillway_in_flight')[0]).toEqual([{ target: 'support-7b' }, 3]);
    expect([of('spillway_loop_lag_seconds'), of('spillway_heap_share'), of('spillway_pressure_step')]).toEqual([
      [[{}, 0.012]],
      [[{}, 0.25]],
      [[{}, 2]],
    ]);
  });

  it('has the figures of Node beside its own, for however many routers', async () => {
    const [first, second] = [await started().read(), await started().read()];
    for (const { families } of [first, second]) {
      expect(families.has('process_resident_memory_bytes')).toBe(true);
      expect(families.has('nodejs_gc_duration_seconds')).toBe(true);
    }
  });

  it('has series for a hundred tenants and one for all others', async () => {
    const { counts, read } = started();
    for (let tenant = 0; tenant < 5_000; tenant++) {
      for (const name of ['a', 'b', 'c']) counts.call(aCall({ tenant: `t${tenant}`, target: name }));
    }
    const { samples } = await read();
    const calls = samples('spillway_requests_total');
    expect(calls).toHaveLength(3 * 101);
    expect(calls.at(-1)).toMatchObject({ labels: { tenant: 'other' }, value: 4_900 });
    const waits = samples('spillway_queue_seconds').filter(({ name }) => name.endsWith('_count'));
    expect(waits.reduce((sum, { value }) => sum + value, 0)).toBe(15_000);
  });

  it('stays whole whatever tenants, targets and workers are called', async () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.constantFrom(
        'a"} 1\nspillway_requests_total 9',
        '\\',
        '\\n',
        '"',
        '\n',
        '\r',
        '\u2028',
        '\ud800',
        '\udfff',
        '\0',
        '',
        'other',
        'none',
        '__proto__',
        'constructor',
        'x'.repeat(500),
      ),
    );
    const several = fc.array(texts, { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(several, several, async (tenants, names) => {
        const workers = names.map((id, at) => ({ id, limit: at, breaker: 'open' }));
        const lines = tenants.map((tenant) => line({ tenant }));
        const { counts, read } = started(names.map((name) => target({ name, workers, lines })));
        for (const tenant of tenants) {
          for (const name of names) {
            counts.call(aCall({ tenant, target: name }));
            counts.refused(name, 'chat', name, tenant);
          }
        }
        const { samples, families } = await read();
        const total = samples('spillway_requests_total').reduce((sum, { value }) => sum + value, 0);
        expect(total).toBe(tenants.length * names.length);
        const inLine = samples('spillway_queue_depth').reduce((sum, { value }) => sum + value, 0);
        expect(inLine).toBe(tenants.length * names.length);
        const ours = [...families.keys()].filter((name) => name.startsWith('spillway_'));
        expect(ours.sort()).toEqual(Object.keys(METRICS).sort());
      }),
      { numRuns: 100 },
    );
  });
});

describe('docs/metrics.md', () => {
  const text = sectionOf(readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8'), 'What there is');

  it('lists the metrics, all and no others, with kind and labels', () => {
    const rows = tableColumn(text, 'Metric').flatMap(codeSpans);
    expect(rows).toEqual(Object.keys(METRICS));
    expect(tableColumn(text, 'Kind')).toEqual(Object.values(METRICS).map(({ kind }) => kind));
    const labels = tableColumn(text, 'Labels').map((cell) => codeSpans(cell));
    expect(labels).toEqual(Object.values(METRICS).map((spec) => [...spec.labels]));
  });

  it('every line has the labels that it is said to have', async () => {
    const workers = [{ id: 'support-7b/1', limit: 4, breaker: 'closed' }];
    const { counts, read } = started([target({ workers, lines: [line({})] })]);
    counts.call(aCall({ degraded: 'cold' }));
    counts.refused('forecast', 'chat', 'support-7b', 'acme');
    counts.denied('requests', 'acme');
    counts.overrun('tokens', 'acme');
    counts.storeFault('quotas', 'reserve');
    const { samples } = await read();
    for (const [name, { labels, kind }] of Object.entries(METRICS)) {
      const found = samples(name as MetricName);
      expect(found.length, name).toBeGreaterThan(0);
      const bucket = kind === 'histogram' ? found.filter((one) => !one.name.endsWith('_bucket')) : found;
      for (const one of bucket) expect(Object.keys(one.labels).sort(), name).toEqual([...labels].sort());
    }
  });
});
