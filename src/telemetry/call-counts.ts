// What is counted of each call that ends, cheaply and within bounds, until somebody asks. For router/settle and exporters.
import type { CallFacts, LimitKind, Metrics } from '../core/metrics.ts';
import { NANO_USD_PER_USD } from '../core/money.ts';
import { ROUTE_CLASSES, type RouteClass } from '../core/names.ts';
import type { ServiceLevel } from '../core/plan.ts';
import type { Clock } from '../core/runtime.ts';
import { Buckets } from './buckets.ts';
import { BurnRate, WINDOWS } from './burn-rate.ts';
import { Busiest } from './busiest.ts';
import { type BucketSample, type Family, family, labelText, NONE, OTHER, type Sample } from './names.ts';

/** Tenants with a label of their own; the rest share one. */
const TENANTS = 100;
/** Targets with a label of their own, per tenant: policies name far fewer, but they may change while the process lives. */
const TARGETS = 64;

/** Seconds. Waits are to be short; first content may take long. */
const QUEUE_BOUNDS = [0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const FIRST_CONTENT_BOUNDS = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60];

/** Counts by a word of a closed set. */
type ByWord = Map<string, number>;

/** What is counted of one class, target and tenant label. */
class Series {
  readonly labels: Readonly<Record<'class' | 'target' | 'tenant', string>>;
  readonly queue = new Buckets(QUEUE_BOUNDS);
  readonly firstContent = new Buckets(FIRST_CONTENT_BOUNDS);
  /** Ends by how and code; nearly all calls end well, and need no look-up. */
  completed = 0;
  readonly ends = new Map<string, { readonly how: string; readonly code: string; calls: number }>();
  readonly degraded: ByWord = new Map();
  readonly shed: ByWord = new Map();
  attempts = 0;
  uncachedTokens = 0;
  cachedTokens = 0;
  outputTokens = 0;
  cost = 0;
  charge = 0;
  /** Calls that ended, as against those that were only let go. */
  calls = 0;

  constructor(routeClass: RouteClass, target: string, tenant: string) {
    this.labels = { class: routeClass, target, tenant };
  }

  add(facts: CallFacts): void {
    this.calls++;
    if (facts.how === 'complete' && facts.code === null) this.completed++;
    else this.#end(facts.how, facts.code ?? NONE);
    this.queue.observe(facts.queueMs / 1000);
    if (facts.firstContentMs !== null) this.firstContent.observe(facts.firstContentMs / 1000);
    if (facts.degraded !== null) bump(this.degraded, facts.degraded);
    this.attempts += facts.attempts;
    this.uncachedTokens += facts.uncachedTokens;
    this.cachedTokens += facts.cachedTokens;
    this.outputTokens += facts.outputTokens;
    this.cost += facts.cost;
    this.charge += facts.charge;
  }

  #end(how: string, code: string): void {
    const key = `${how} ${code}`;
    const end = this.ends.get(key);
    if (end === undefined) this.ends.set(key, { how, code, calls: 1 });
    else end.calls++;
  }
}

function bump(counts: ByWord, word: string): void {
  counts.set(word, (counts.get(word) ?? 0) + 1);
}

/** One tenant label's series, by target and then by class. */
class TenantSeries {
  readonly #tenant: string;
  readonly denied: ByWord = new Map();
  readonly overruns: ByWord = new Map();
  readonly #targets = new Map<string, Partial<Record<RouteClass, Series>>>();

  constructor(tenant: string) {
    this.#tenant = tenant;
  }

  at(routeClass: RouteClass, target: string): Series {
    const known = this.#targets.get(target);
    return known?.[routeClass] ?? this.#make(routeClass, target);
  }

  /** Limits are the tenant's, whatever its call asks. */
  kinds(counts: ByWord): Sample[] {
    return [...counts].map(([kind, value]) => ({ labels: { kind, tenant: this.#tenant }, value }));
  }

  all(): Series[] {
    return [...this.#targets.values()].flatMap((classes) => Object.values(classes));
  }

  #make(routeClass: RouteClass, named: string): Series {
    const has = this.#targets.has(named);
    const target = has || this.#targets.size < TARGETS ? labelText(named) : OTHER;
    const classes = this.#targets.get(target) ?? {};
    this.#targets.set(target, classes);
    classes[routeClass] ??= new Series(routeClass, target, this.#tenant);
    return classes[routeClass];
  }
}

/** Counts calls and, at any moment, tells all that it has counted. */
export class CallCounts implements Metrics {
  readonly #clock: Clock;
  readonly #tenants = new Busiest(TENANTS, (label) => new TenantSeries(label));
  readonly #burn: BurnRate;
  readonly #storeFaults = new Map<string, { readonly store: string; readonly op: string; faults: number }>();
  #heldTokens = 0;

  constructor(clock: Clock, level: (routeClass: RouteClass) => ServiceLevel) {
    this.#clock = clock;
    this.#burn = new BurnRate(level);
  }

  call(facts: CallFacts): void {
    const nowMs = this.#clock.nowMs();
    this.#tenants
      .of(facts.tenant, nowMs)
      .at(facts.class, facts.target ?? NONE)
      .add(facts);
    this.#burn.note(facts, nowMs);
  }

  refused(reason: string, routeClass: RouteClass, target: string, tenant: string): void {
    bump(this.#tenants.of(tenant, this.#clock.nowMs()).at(routeClass, target).shed, labelText(reason));
  }

  denied(kind: LimitKind, tenant: string): void {
    bump(this.#tenants.of(tenant, this.#clock.nowMs()).denied, kind);
  }

  overrun(kind: LimitKind, tenant: string): void {
    bump(this.#tenants.of(tenant, this.#clock.nowMs()).overruns, kind);
  }

  storeFault(store: string, op: string): void {
    const key = `${store} ${op}`;
    const known = this.#storeFaults.get(key);
    if (known === undefined) this.#storeFaults.set(key, { store, op, faults: 1 });
    else known.faults++;
  }

  held(tokens: number): void {
    this.#heldTokens += tokens;
  }

  /** The label that a tenant goes by, so that gauges agree with counters. */
  tenantLabel(tenant: string): string {
    return this.#tenants.labelOf(tenant);
  }

  families(): readonly Family[] {
    const tenants = this.#tenants.values();
    const all = tenants.flatMap((tenant) => tenant.all());
    const called = all.filter(({ calls }) => calls > 0);
    const histogram = (buckets: Buckets, labels: Series['labels']): BucketSample => {
      const { bounds, counts, sum } = buckets;
      return { labels, bounds, counts, sum };
    };
    return [
      family('spillway_requests_total', called.flatMap(endsOf)),
      {
        name: 'spillway_queue_seconds',
        samples: [],
        buckets: called.map(({ queue, labels }) => histogram(queue, labels)),
      },
      {
        name: 'spillway_ttft_seconds',
        samples: [],
        buckets: called.map(({ firstContent, labels }) => histogram(firstContent, labels)),
      },
      family('spillway_tokens_total', called.flatMap(tokensOf)),
      family(
        'spillway_cost_usd_total',
        called.map(({ cost, labels }) => ({ labels, value: cost / NANO_USD_PER_USD })),
      ),
      family(
        'spillway_charge_usd_total',
        called.map(({ charge, labels }) => ({ labels, value: charge / NANO_USD_PER_USD })),
      ),
      family(
        'spillway_attempts_total',
        called.map(({ attempts, labels }) => ({ labels, value: attempts })),
      ),
      family(
        'spillway_degraded_total',
        called.flatMap(({ degraded, labels }) => wordsOf(degraded, labels)),
      ),
      family(
        'spillway_shed_total',
        all.flatMap(({ shed, labels }) => wordsOf(shed, labels)),
      ),
      family(
        'spillway_quota_denied_total',
        tenants.flatMap((tenant) => tenant.kinds(tenant.denied)),
      ),
      family(
        'spillway_quota_dry_run_total',
        tenants.flatMap((tenant) => tenant.kinds(tenant.overruns)),
      ),
      family(
        'spillway_store_errors_total',
        [...this.#storeFaults.values()].map(({ store, op, faults }) => ({ labels: { store, op }, value: faults })),
      ),
      family('spillway_reserved_tokens', [{ labels: {}, value: this.#heldTokens }]),
      family('spillway_slo_burn_rate', this.#burnRates()),
    ];
  }

  #burnRates(): Sample[] {
    const nowMs = this.#clock.nowMs();
    return ROUTE_CLASSES.flatMap((routeClass) =>
      WINDOWS.map(({ name, slots }) => ({
        labels: { class: routeClass, window: name },
        value: this.#burn.rate(routeClass, slots, nowMs),
      })),
    );
  }
}

function endsOf({ labels, completed, ends }: Series): Sample[] {
  const samples: Sample[] = [];
  if (completed > 0) samples.push({ labels: { ...labels, how: 'complete', code: NONE }, value: completed });
  for (const { how, code, calls } of ends.values()) samples.push({ labels: { ...labels, how, code }, value: calls });
  return samples;
}

function tokensOf({ labels, uncachedTokens, cachedTokens, outputTokens }: Series): Sample[] {
  return [
    { labels: { ...labels, kind: 'uncached' }, value: uncachedTokens },
    { labels: { ...labels, kind: 'cached' }, value: cachedTokens },
    { labels: { ...labels, kind: 'output' }, value: outputTokens },
  ];
}

function wordsOf(counts: ByWord, labels: Series['labels']): Sample[] {
  return [...counts].map(([reason, value]) => ({ labels: { ...labels, reason }, value }));
}
