// Turns a policy into what the router asks on every call: pools, class rules and a plan per model. For router and fleet.

import type { GateRules } from '../core/gate.ts';
import type { RouteClass } from '../core/names.ts';
import { type ClassRules, DEFAULT_TENANT, type ModelPlan, type Target, type TenantRules } from '../core/plan.ts';
import type { TokenPrice } from '../core/prices.ts';
import { flattenLadder, targetsOf } from './ladders.ts';
import { createMatcher } from './match.ts';
import type { Policy, PoolSpec, ProviderSpec } from './policy.ts';
import { tokenPrices } from './price-list.ts';
import { readTenantEntry, type TenantReading } from './tenant-entry.ts';
import { ANY_TENANT } from './tenants.ts';

export interface Catalog {
  readonly pools: readonly PoolSpec[];
  readonly providers: readonly ProviderSpec[];
  readonly classes: Readonly<Record<RouteClass, ClassRules>>;
  /** In file order. */
  readonly models: readonly ModelPlan[];
  /** The plan for an asked name: exact, alias, then the pattern with the longest literal part; null = unknown. */
  find(model: string): ModelPlan | null;
  /** The model that a call of this class means when it names none; null = none. */
  defaultOf(routeClass: RouteClass): string | null;
  /** What holds for a tenant's calls: its own entry, else that of `*`, else the defaults. */
  tenant(name: string): TenantRules;
  /** Only what the policy says of this very tenant; null = nothing. Tenants of a store come after it and before `*`. */
  namedTenant(name: string): TenantRules | null;
  /** Some tenant has a limit on what it may use, so somebody has to count. */
  readonly limits: boolean;
  /** Some tenant's money is limited, so what is spent must outlive the process. */
  readonly budgets: boolean;
  /** What an entry of a store means under this policy, or all that is wrong with it. */
  readTenant(entry: unknown): TenantReading;
  /** What a token costs at a target for the model asked there; null: nobody has said. */
  tokenPrice(target: Pick<Target, 'kind' | 'name'>, model: string): TokenPrice | null;
  readonly reserved: GateRules['reserved'];
  /** Names that a caller may ask, aliases after their model, patterns left out. */
  readonly names: readonly string[];
}

export function compilePolicy(policy: Policy): Catalog {
  const targets = targetsOf(policy);
  // A provider whose key is not set is not there, and a model of which nothing is left is not there either.
  const entries = policy.models.flatMap((model) => {
    const rungs = flattenLadder(model, policy.ladders, targets);
    if (rungs.length === 0) return [];
    const plan: ModelPlan = { model: model.name, rules: policy.classes[model.class], rungs };
    return [{ name: model.name, aliases: model.aliases, value: plan }];
  });
  const find = createMatcher(entries);
  const anybody = policy.tenants.get(ANY_TENANT) ?? DEFAULT_TENANT;
  const namedTenant = (name: string) => (name === ANY_TENANT ? null : (policy.tenants.get(name) ?? null));
  const models = entries.map((entry) => entry.value);
  return {
    pools: policy.pools,
    providers: policy.providers,
    classes: policy.classes,
    models,
    find,
    defaultOf(routeClass) {
      const { defaultModel } = policy.classes[routeClass];
      if (defaultModel === null) return firstOf(entries, routeClass);
      return find(defaultModel) === null ? null : defaultModel;
    },
    tenant: (name) => namedTenant(name) ?? anybody,
    namedTenant,
    limits: [...policy.tenants.values()].some(({ limits }) => Object.values(limits).some((limit) => limit !== null)),
    budgets: [...policy.tenants.values()].some(({ limits }) => limits.spend !== null),
    readTenant: (entry) => readTenantEntry(entry, policy, models),
    tokenPrice: tokenPrices(policy),
    reserved: policy.reserved,
    names: entries.flatMap(({ name, aliases }) => (name.includes('*') ? aliases : [name, ...aliases])),
  };
}

/** Patterns name no model by themselves. */
function firstOf(entries: readonly { name: string; value: ModelPlan }[], routeClass: RouteClass): string | null {
  return entries.find(({ name, value }) => value.rules.class === routeClass && !name.includes('*'))?.name ?? null;
}
