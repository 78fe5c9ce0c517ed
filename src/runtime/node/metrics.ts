// The page that Prometheus reads: what was counted and how things stand, with Node's own figures. For http/admin.
import { setImmediate as turn } from 'node:timers/promises';
import type { Counter, Registry } from 'prom-client';
import { type BucketSample, type Family, METRICS, type MetricName } from '../../telemetry/names.ts';

export interface MetricsPage {
  readonly contentType: string;
  readonly body: string;
}

/** One line of a metric as prom-client writes it. */
interface Line {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  /** Written once and kept for as long as the object lives. */
  readonly sharedLabels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What an exporter of its own has already, or what would cost more with every open connection. */
const LEFT_OUT = /^nodejs_(?:eventloop_lag|active_)/;

/** Node's figures are the process's, however many routers are in it, and its watchers are never let go. */
let ofProcess: Registry | null = null;

/**
 * prom-client writes the page and is loaded for the first one. It keeps no counts: one of its own takes half a microsecond
 * to count up, and a call moves ten.
 */
export function createMetricsPage(families: () => readonly Family[]): () => Promise<MetricsPage> {
  return async () => {
    const { Registry, collectDefaultMetrics } = await import('prom-client');
    if (ofProcess === null) {
      ofProcess = new Registry();
      collectDefaultMetrics({ register: ofProcess, eventLoopMonitoringPrecision: 1_000 });
      for (const { name } of ofProcess.getMetricsAsArray()) {
        if (LEFT_OUT.test(name)) ofProcess.removeSingleMetric(name);
      }
    }
    const parts: string[] = [];
    for (const one of families()) {
      const lines = linesOf(one);
      for (let at = 0; at === 0 || at < lines.length; at += LINES_AT_ONCE) {
        const registry = new Registry();
        registry.registerMetric(asMetric(one.name, lines.slice(at, at + LINES_AT_ONCE)));
        const text = await registry.metrics();
        parts.push(at === 0 ? text : withoutHead(text));
        await turn();
      }
    }
    parts.push(await ofProcess.metrics());
    return { contentType: Registry.PROMETHEUS_CONTENT_TYPE, body: parts.join('') };
  };
}

/** A histogram of many tenants has thousands of lines: calls go on in between. */
const LINES_AT_ONCE = 1_000;

/** Lines that go on with a metric need no second help and type. */
function withoutHead(text: string): string {
  return text.slice(text.indexOf('\n', text.indexOf('\n') + 1) + 1);
}

/** A registry asks its metrics for nothing but these; its own classes offer no other way to hand over what is counted. */
function asMetric(name: MetricName, values: readonly Line[]): Counter {
  const { help, kind } = METRICS[name];
  const metric = { name, help, type: kind, get: () => Promise.resolve({ name, help, type: kind, values }) };
  return metric as unknown as Counter;
}

function linesOf({ name, samples, buckets }: Family): readonly Line[] {
  return [...samples, ...buckets.flatMap((sample) => bucketLines(name, sample))];
}

function bucketLines(name: string, { labels: sharedLabels, bounds, counts, sum }: BucketSample): Line[] {
  const lines: Line[] = [];
  let count = 0;
  for (let at = 0; at < counts.length; at++) {
    count += counts[at]!;
    lines.push({ metricName: `${name}_bucket`, labels: { le: bounds[at] ?? '+Inf' }, sharedLabels, value: count });
  }
  lines.push({ metricName: `${name}_sum`, labels: {}, sharedLabels, value: sum });
  lines.push({ metricName: `${name}_count`, labels: {}, sharedLabels, value: count });
  return lines;
}
