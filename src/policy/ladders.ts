// Lays a model's ladder out flat, nested ladders in their places. For the catalog and the loader's warnings.
import type { Reason } from '../core/names.ts';
import type { PoolTarget, Rung } from '../core/plan.ts';
import type { Policy, RungRule } from './policy.ts';
import type { Reporter } from './problems.ts';

/**
 * `same` and `when` hold for all that stands below them: a copy within a nested ladder is a copy of that ladder's top, so
 * it counts as the asked model only where the nested ladder itself does.
 */
export function flattenLadder(
  ladder: readonly RungRule[],
  ladders: Policy['ladders'],
  targets: ReadonlyMap<string, PoolTarget>,
): readonly Rung[] {
  const rungs: Rung[] = [];
  const lay = (rules: readonly RungRule[], same: boolean, when: readonly Reason[] | null): void => {
    for (const [index, rule] of rules.entries()) {
      const ruleSame = same && (index === 0 || rule.same);
      // The reasons of a nested ladder's first rung are those for which the ladder itself is entered.
      const ruleWhen = when === null ? rule.when : rule.when.filter((reason) => when.includes(reason));
      if (rule.ladder !== null) lay(ladders.get(rule.ladder) ?? [], ruleSame, ruleWhen);
      const target = rule.pool === null ? undefined : targets.get(rule.pool);
      if (target !== undefined)
        rungs.push({ number: rungs.length + 1, target, same: ruleSame, when: new Set(ruleWhen) });
    }
  };
  lay(ladder, true, null);
  return rungs;
}

export function targetsOf(policy: Policy): ReadonlyMap<string, PoolTarget> {
  return new Map(policy.pools.map(({ target }) => [target.name, target]));
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
