// Lays a model's ladder out flat, nested ladders in their places. For the catalog and the loader's warnings.
import type { Reason } from '../core/names.ts';
import type { Rung, Target } from '../core/plan.ts';
import type { Policy, RungRule } from './policy.ts';
import type { Reporter } from './problems.ts';

/**
 * `same` and `when` hold for all that stands below them: a copy within a nested ladder is a copy of that ladder's top, so
 * it counts as the asked model only where the nested ladder itself does.
 */
export function flattenLadder(
  ladder: readonly RungRule[],
  ladders: Policy['ladders'],
  targets: Targets,
): readonly Rung[] {
  const rungs: Rung[] = [];
  const lay = (rules: readonly RungRule[], same: boolean, when: readonly Reason[] | null): void => {
    for (const [index, rule] of rules.entries()) {
      const ruleSame = same && (index === 0 || rule.same);
      // The reasons of a nested ladder's first rung are those for which the ladder itself is entered.
      const ruleWhen = when === null ? rule.when : rule.when.filter((reason) => when.includes(reason));
      if (rule.ladder !== null) lay(ladders.get(rule.ladder) ?? [], ruleSame, ruleWhen);
      const target = targets(rule);
      if (target !== undefined)
        rungs.push({ number: rungs.length + 1, target, same: ruleSame, when: new Set(ruleWhen) });
    }
  };
  lay(ladder, true, null);
  return rungs;
}

/** What a rule of the ladder points to; undefined for a ladder, or a provider that is not there. */
export type Targets = (rule: RungRule) => Target | undefined;

export function targetsOf(policy: Policy): Targets {
  const pools = new Map(policy.pools.map(({ target }) => [target.name, target]));
  const providers = new Map(policy.providers.map((spec) => [spec.name, spec]));
  // One target per provider and model, so that a rung that repeats another is seen to.
  const models = new Map<string, Target>();
  return ({ pool, provider }) => {
    if (pool !== null) return pools.get(pool);
    if (provider === null) return undefined;
    const { name, serves } = providerRung(provider);
    const spec = providers.get(name);
    if (spec === undefined) return undefined;
    let target = models.get(provider);
    if (target === undefined) {
      const { zone, capabilities, speaks, rerank } = spec;
      target = { kind: 'provider', name, serves, zone, capabilities, speaks, rerank };
      models.set(provider, target);
    }
    return target;
  };
}

/** `name/model` taken apart at its first slash: models may have slashes of their own. */
export function providerRung(text: string): { readonly name: string; readonly serves: string | null } {
  const slash = text.indexOf('/');
  return slash < 0 ? { name: text, serves: null } : { name: text.slice(0, slash), serves: text.slice(slash + 1) };
}

export function ladderWarnings(policy: Policy, report: Reporter): void {
  const targets = targetsOf(policy);
  for (const model of policy.models) {
    const rungs = flattenLadder(model.ladder, policy.ladders, targets);
    const path = ['models', model.name, 'ladder'];
    for (const rung of rungs) {
      const named = `rung ${rung.number} (${rung.target.name})`;
      if (rung.when.size === 0)
        report.warning(path, `${named} can never be reached: its reasons and those of its ladder exclude each other`);
      const first = rungs.findIndex((other) => other.target === rung.target);
      if (first + 1 < rung.number)
        report.warning(path, `${named} repeats rung ${first + 1}: it helps only for other reasons`);
    }
  }
}
