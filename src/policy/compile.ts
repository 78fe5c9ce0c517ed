// Turns a policy into what the router asks on every call: pools, class rules and a plan per model. For router and fleet.
import type { RouteClass } from '../core/names.ts';
import type { ClassRules, ModelPlan } from '../core/plan.ts';
import { flattenLadder, targetsOf } from './ladders.ts';
import { createMatcher } from './match.ts';
import type { Policy, PoolSpec } from './policy.ts';

export interface Catalog {
  readonly pools: readonly PoolSpec[];
  readonly classes: Readonly<Record<RouteClass, ClassRules>>;
  /** In file order. */
  readonly models: readonly ModelPlan[];
  /** The plan for an asked name: exact, alias, then the pattern with the longest literal part; null = unknown. */
  find(model: string): ModelPlan | null;
  /** Names that a caller may ask, aliases after their model, patterns left out. */
  readonly names: readonly string[];
}

export function compilePolicy(policy: Policy): Catalog {
  const targets = targetsOf(policy);
  const entries = policy.models.map((model) => ({
    name: model.name,
    aliases: model.aliases,
    value: {
      model: model.name,
      rules: policy.classes[model.class],
      rungs: flattenLadder(model.ladder, policy.ladders, targets),
    } satisfies ModelPlan,
  }));
  return {
    pools: policy.pools,
    classes: policy.classes,
    models: entries.map((entry) => entry.value),
    find: createMatcher(entries),
    names: entries.flatMap(({ name, aliases }) => (name.includes('*') ? aliases : [name, ...aliases])),
  };
}
