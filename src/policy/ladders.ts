// Lays a model's ladder out flat, nested ladders in their places. For the catalog and the loader's warnings.
import type { Reason } from '../core/names.ts';
import type { Rung, Target } from '../core/plan.ts';
import { CLASS_DIALECTS } from './classes.ts';
import type { ModelRule, Policy, RungRule } from './policy.ts';
import type { Reporter } from './problems.ts';

/**
 * `same` and `when` hold for all that stands below them: a copy within a nested ladder is a copy of that ladder's top, so
 * it counts as the asked model only where the nested ladder itself does.
 */
export function flattenLadder(model: ModelRule, ladders: Policy['ladders'], targets: Targets): readonly Rung[] {
  const rungs: Rung[] = [];
  // An alias is the router's own word: a provider is asked for the model. Under a pattern the asked name goes through.
  const asked = model.name.includes('*') ? null : model.name;
  const lay = (rules: readonly RungRule[], same: boolean, when: readonly Reason[] | null): void => {
    for (const [index, rule] of rules.entries()) {
      const ruleSame = same && (index === 0 || rule.same);
      // The reasons of a nested ladder's first rung are those for which the ladder itself is entered.
      const ruleWhen = when === null ? rule.when : rule.when.filter((reason) => when.includes(reason));
      if (rule.ladder !== null) lay(ladders.get(rule.ladder) ?? [], ruleSame, ruleWhen);
      const target = targets(rule, asked);
      if (target !== undefined)
        rungs.push({ number: rungs.length + 1, target, same: ruleSame, when: new Set(ruleWhen) });
    }
  };
  lay(model.ladder, true, null);
  return rungs;
}

/** What a rule of the ladder points to; undefined for a ladder, or a provider that is not there. */
export type Targets = (rule: RungRule, asked: string | null) => Target | undefined;

export function targetsOf(policy: Policy): Targets {
  const pools = new Map(policy.pools.map(({ target }) => [target.name, target]));
  const providers = new Map(policy.providers.map((spec) => [spec.name, spec]));
  // One target per provider and model, so that a rung that repeats another is seen to.
  const models = new Map<string, Target>();
  return ({ pool, provider }, asked) => {
    if (pool !== null) return pools.get(pool);
    if (provider === null) return undefined;
    const { name, model } = providerRung(provider);
    const spec = providers.get(name);
    if (spec === undefined) return undefined;
    const { zone, capabilities, speaks, rerank, contextTokens, maxItems } = spec;
    const facts = { zone, capabilities, speaks, rerank, contextTokens, maxItems };
    const target: Target = { kind: 'provider', name, serves: model ?? asked, ...facts };
    const label = targetLabel(target);
    if (!models.has(label)) models.set(label, target);
    return models.get(label)!;
  };
}

/** `name/model` taken apart at its first slash: models may have slashes of their own. */
export function providerRung(text: string): { readonly name: string; readonly model: string | null } {
  const slash = text.indexOf('/');
  return slash < 0 ? { name: text, model: null } : { name: text.slice(0, slash), model: text.slice(slash + 1) };
}

/** A pool by its name; a provider with the model that is asked there, `*` for whatever the caller asked. */
export function targetLabel({ kind, name, serves }: Target): string {
  return kind === 'pool' ? name : `${name}/${serves ?? '*'}`;
}

/** A rung that no call of its model's class can use is a mistake, not a choice. */
export function checkDialects(policy: Policy, report: Reporter): void {
  const targets = targetsOf(policy);
  for (const model of policy.models) {
    const wanted = CLASS_DIALECTS[model.class];
    for (const [index, rule] of model.ladder.entries()) {
      for (const { target } of flattenLadder({ ...model, ladder: [rule] }, policy.ladders, targets)) {
        if (wanted.some((dialect) => target.speaks.has(dialect))) continue;
        report.problem(
          ['models', model.name, 'ladder', index],
          `${target.name} speaks ${[...target.speaks].join(', ')}, and calls of class ${model.class} are ${wanted.join(', ')}`,
        );
      }
    }
  }
}

export function ladderWarnings(policy: Policy, report: Reporter): void {
  const targets = targetsOf(policy);
  for (const model of policy.models) {
    const rungs = flattenLadder(model, policy.ladders, targets);
    const path = ['models', model.name, 'ladder'];
    for (const rung of rungs) {
      const named = `rung ${rung.number} (${targetLabel(rung.target)})`;
      if (rung.when.size === 0)
        report.warning(path, `${named} can never be reached: its reasons and those of its ladder exclude each other`);
      const first = rungs.findIndex((other) => other.target === rung.target);
      if (first + 1 < rung.number)
        report.warning(path, `${named} repeats rung ${first + 1}: it helps only for other reasons`);
      if (rung.target.serves === null && model.aliases.length > 0)
        report.warning(path, `${named} is asked for aliases as they are: the provider must know them by these names`);
    }
  }
}
