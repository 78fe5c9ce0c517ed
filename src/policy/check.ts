// What `spillway check` prints: the ladders that a policy makes, or all that is wrong with it. For the command line.
import { DEFAULT_REASONS, REASONS } from '../core/names.ts';
import type { ModelPlan, Rung, TenantRules } from '../core/plan.ts';
import {
  gpuText,
  plansJson,
  planText,
  priceLines,
  pricesJson,
  rulesText,
  type TenantJson,
  tenantJson,
} from './check-money.ts';
import { type Catalog, compilePolicy } from './compile.ts';
import { limitText } from './concurrency.ts';
import { targetLabel } from './ladders.ts';
import type { LoadResult } from './load.ts';
import { isUrlWorker, type Policy, type PoolSpec, type ProviderSpec } from './policy.ts';
import { formatProblem, type Problem } from './problems.ts';
import { ANY_TENANT } from './tenants.ts';

/** Plain data for `--json`. Holds no headers, keys or options of workers. */
export interface CheckJson {
  readonly ok: boolean;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  readonly models: readonly {
    readonly model: string;
    readonly aliases: readonly string[];
    readonly class: string;
    readonly rungs: readonly {
      readonly number: number;
      readonly kind: 'pool' | 'provider';
      /** Name of the pool or provider. */
      readonly target: string;
      /** The model asked there; null: whatever the caller asked. */
      readonly serves: string | null;
      readonly zone: string | null;
      readonly same: boolean;
      readonly when: readonly string[];
    }[];
  }[];
  readonly pools: readonly {
    readonly name: string;
    readonly engine: string;
    /** A number, `auto`, or the kind of limit that learns it. */
    readonly concurrencyPerWorker: string;
    readonly schedule: string;
    /** Address of a worker, or the plug-in that brings it up. */
    readonly workers: readonly string[];
    /** What each costs an hour, USD; null: nobody has said. */
    readonly usdPerHour: readonly (number | null)[];
  }[];
  readonly providers: readonly {
    readonly name: string;
    readonly kind: string;
    readonly address: string;
    /** How the key is sent; never the key. */
    readonly auth: string;
    readonly quotaDomain: string;
    readonly concurrency: string;
    readonly zone: string | null;
    readonly speaks: readonly string[];
    readonly replyHeaders: readonly string[];
  }[];
  readonly plans: readonly (TenantJson & { readonly name: string })[];
  /** `*`: for those that are not named. */
  readonly tenants: readonly (TenantJson & { readonly name: string })[];
  readonly prices: ReturnType<typeof pricesJson>;
  /** What is named and not there, since the key of an optional provider is not set. */
  readonly absent: {
    readonly providers: readonly { readonly name: string; readonly why: string }[];
    readonly models: readonly string[];
  };
}

export function checkJson(result: LoadResult): CheckJson {
  if (!result.ok) {
    const absent = { providers: [], models: [] };
    return {
      ok: false,
      problems: result.problems,
      warnings: [],
      models: [],
      pools: [],
      providers: [],
      plans: [],
      tenants: [],
      prices: { models: [], gpus: [] },
      absent,
    };
  }
  const { policy, warnings } = result;
  const catalog = compilePolicy(policy);
  return {
    ok: true,
    problems: [],
    warnings,
    models: catalog.models.map((plan) => ({
      model: plan.model,
      aliases: aliasesOf(policy, plan),
      class: plan.rules.class,
      rungs: plan.rungs.map((rung) => ({
        number: rung.number,
        kind: rung.target.kind,
        target: rung.target.name,
        serves: rung.target.serves,
        zone: rung.target.zone,
        same: rung.same,
        when: reasonsOf(rung),
      })),
    })),
    pools: catalog.pools.map((pool) => ({
      name: pool.target.name,
      engine: pool.engine.name,
      concurrencyPerWorker: limitText(pool.concurrencyPerWorker),
      schedule: pool.profile.name,
      workers: workersOf(pool),
      usdPerHour: pool.workers.map(({ gpu }) => (gpu === null ? null : gpu.usdPerGpuHour * gpu.gpus)),
    })),
    providers: catalog.providers.map((spec) => ({
      name: spec.name,
      kind: spec.kind,
      address: spec.origin + spec.basePath,
      auth: spec.auth,
      quotaDomain: spec.quotaDomain,
      concurrency: limitText(spec.concurrency),
      zone: spec.zone,
      speaks: [...spec.speaks],
      replyHeaders: spec.replyHeaders,
    })),
    plans: plansJson(policy),
    tenants: [...policy.tenants].map(([named, rules]) => ({ name: named, ...tenantJson(rules) })),
    prices: pricesJson(policy),
    absent: { providers: policy.absent, models: absentModels(policy, catalog) },
  };
}

export function checkReport(result: LoadResult): string {
  if (!result.ok) {
    return [
      ...result.problems.map(formatProblem),
      `${many(result.problems, 'problem')}. The policy is refused.`,
      '',
    ].join('\n');
  }
  const { policy, warnings } = result;
  const catalog = compilePolicy(policy);
  const lines: string[] = [];
  for (const plan of catalog.models) lines.push(...modelLines(plan, aliasesOf(policy, plan)), '');
  lines.push(...[...policy.plans.keys()].map((plan) => planText(plan, policy)));
  lines.push(...[...policy.tenants].map(([named, rules]) => tenantLine(named, rules, catalog)));
  lines.push(...catalog.pools.map(poolLine), ...catalog.providers.map(providerLine));
  lines.push(...priceLines(policy));
  lines.push(...policy.absent.map(({ name, why }) => `provider ${name} is absent: ${why}`));
  const missing = absentModels(policy, catalog);
  if (missing.length > 0) lines.push(`models that nothing else serves, absent as well: ${missing.join(', ')}`);
  if (warnings.length > 0) lines.push('', ...warnings.map((warning) => `warning: ${formatProblem(warning)}`));
  const counts = [
    many(catalog.models, 'model'),
    many(catalog.pools, 'pool'),
    many(catalog.providers, 'provider'),
    many(warnings, 'warning'),
  ];
  lines.push('', `The policy is valid: ${counts.join(', ')}.`, '');
  return lines.join('\n');
}

function many(list: readonly unknown[], what: string): string {
  return `${list.length} ${what}${list.length === 1 ? '' : 's'}`;
}

/** 0: valid, with or without warnings; 2: refused. */
export function checkExitCode(result: LoadResult): 0 | 2 {
  return result.ok ? 0 : 2;
}

function modelLines(plan: ModelPlan, aliases: readonly string[]): string[] {
  const also = aliases.length === 0 ? '' : `, also asked as ${aliases.join(', ')}`;
  return [
    `${plan.model} (${plan.rules.class}${also})`,
    ...plan.rungs.map((rung) => {
      const role = rung.number === 1 ? '' : rung.same ? '  same' : '  substitute';
      const reasons = reasonsOf(rung);
      const all = rung.number === 1 || reasons.join() === DEFAULT_REASONS.join();
      return `  ${rung.number} ${targetLabel(rung.target)}${role}${all ? '' : `, when ${reasons.join(' or ') || 'never'}`}`;
    }),
  ];
}

function poolLine(pool: PoolSpec): string {
  const { target, engine, concurrencyPerWorker } = pool;
  const workers = workersOf(pool);
  return (
    `pool ${target.name} serves ${target.serves} (${engine.name}${zoneText(target.zone)}): ` +
    `${workers.length} x ${limitText(concurrencyPerWorker)} calls at ${workers.join(', ')}${costText(pool)}`
  );
}

/** Equal prices are told once. */
function costText({ workers }: PoolSpec): string {
  const known = workers.flatMap(({ gpu }) => (gpu === null ? [] : [gpuText(gpu)]));
  if (known.length === 0) return '';
  const lacking = known.length === workers.length ? [] : ['some without a price'];
  return `; ${[...new Set(known), ...lacking].join('; ')}`;
}

function providerLine(spec: ProviderSpec): string {
  const account = spec.quotaDomain === spec.name ? '' : `, quota domain ${spec.quotaDomain}`;
  return (
    `provider ${spec.name} (${spec.kind}${zoneText(spec.zone)}): ${limitText(spec.concurrency)} calls at ` +
    `${spec.origin}${spec.basePath}, auth ${spec.auth}${account}`
  );
}

/** With the rungs that its zones keep it from. */
function tenantLine(named: string, rules: TenantRules, catalog: Catalog): string {
  const { zones } = rules;
  const never = [
    ...new Set(
      catalog.models.flatMap(({ model, rungs }) =>
        rungs
          .filter(({ target }) => zones !== null && (target.zone === null || !zones.has(target.zone)))
          .map(({ number, target }) => `rung ${number} of ${model} (zone ${target.zone ?? 'not declared'})`),
      ),
    ),
  ];
  const dead = never.length === 0 ? '' : `: can never reach ${never.join(', ')}`;
  const who = named === ANY_TENANT ? 'any other tenant' : `tenant ${named}`;
  return `${who} (${rulesText(rules)})${dead}`;
}

function zoneText(zone: string | null): string {
  return zone === null ? '' : `, zone ${zone}`;
}

function aliasesOf(policy: Policy, plan: ModelPlan): readonly string[] {
  return policy.models.find(({ name }) => name === plan.model)?.aliases ?? [];
}

function absentModels(policy: Policy, catalog: Catalog): readonly string[] {
  const there = new Set(catalog.models.map(({ model }) => model));
  return policy.models.flatMap(({ name }) => (there.has(name) ? [] : [name]));
}

function reasonsOf(rung: Rung): string[] {
  return REASONS.filter((reason) => rung.when.has(reason));
}

function workersOf(pool: PoolSpec): string[] {
  return pool.workers.map((worker) => (isUrlWorker(worker) ? worker.origin + worker.basePath : worker.kind));
}
