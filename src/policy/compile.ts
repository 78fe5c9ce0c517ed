// Turns a policy into what the router asks on every call: pools, class rules and a plan per model. For router and fleet.

import type { GateRules } from '../core/gate.ts';
import type { RouteClass } from '../core/names.ts';
import { type ClassRules, DEFAULT_TENANT, type ModelPlan, type TenantRules } from '../core/plan.ts';
import { flattenLadder, targetsOf } from './ladders.ts';
import { createMatcher } from './match.ts';
import type { Policy, PoolSpec, ProviderSpec } from './policy.ts';

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
  /** What holds for a tenant's calls. */
  tenant(name: string): TenantRules;
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
  return {
    pools: policy.pools,
    providers: policy.providers,
    classes: policy.classes,
    models: entries.map((entry) => entry.value),
    find,
    defaultOf(routeClass) {
      const { defaultModel } = policy.classes[routeClass];
      if (defaultModel === null) return firstOf(entries, routeClass);
      return find(defaultModel) === null ? null : defaultModel;
    },
    tenant: (name) => policy.tenants.get(name) ?? DEFAULT_TENANT,
    reserved: policy.reserved,
    names: entries.flatMap(({ name, aliases }) => (name.includes('*') ? aliases : [name, ...aliases])),
  };
}

/** Patterns name no model by themselves. */
function firstOf(entries: readonly { name: string; value: ModelPlan }[], routeClass: RouteClass): string | null {
  return entries.find(({ name, value }) => value.rules.class === routeClass && !name.includes('*'))?.name ?? null;
}
