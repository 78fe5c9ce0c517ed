// Whether the names in a policy point to something, and whether what they make is sound. For the loader.
import { providerRung } from './ladders.ts';
import { checkDefaults, checkNames, mappingOf } from './model-names.ts';
import type { Path, Reporter } from './problems.ts';
import { choicesText, quoted } from './suggest.ts';
import { checkPlanNames } from './tenant-check.ts';

/** A rung as far as it can be read; the schema says what else is wrong with it. */
interface LooseRung {
  readonly path: Path;
  readonly pool: string | null;
  /** Its name, without the model. */
  readonly provider: string | null;
  readonly ladder: string | null;
  readonly same: unknown;
  readonly hasWhen: boolean;
}

export const MAX_RUNGS = 32;

function rungsOf(value: unknown, path: Path): LooseRung[] {
  if (!Array.isArray(value)) return [];
  return value.map((item, index) => {
    const rung = mappingOf(item);
    return {
      path: [...path, index],
      pool: typeof rung['pool'] === 'string' ? rung['pool'] : null,
      provider: typeof rung['provider'] === 'string' ? providerRung(rung['provider']).name : null,
      ladder: typeof rung['ladder'] === 'string' ? rung['ladder'] : null,
      same: rung['same'],
      hasWhen: rung['when'] !== undefined,
    };
  });
}

/** Works on the merged document as written, so that it finds its problems beside those of the schema. */
export function checkReferences(raw: unknown, report: Reporter): void {
  const root = mappingOf(raw);
  const pools = mappingOf(root['pools']);
  const providers = mappingOf(root['providers']);
  const models = mappingOf(root['models']);
  const ladders = new Map(
    Object.entries(mappingOf(root['ladders'])).map(([name, value]) => [name, rungsOf(value, ['ladders', name])]),
  );
  const ladderOf = (model: string): LooseRung[] =>
    rungsOf(mappingOf(models[model])['ladder'], ['models', model, 'ladder']);
  const allRungs = [...ladders.values(), ...Object.keys(models).map(ladderOf)].flat();

  for (const rung of allRungs) {
    if (rung.pool !== null && !Object.hasOwn(pools, rung.pool)) {
      report.problem(
        [...rung.path, 'pool'],
        `unknown pool ${quoted(rung.pool)}. ${choicesText(rung.pool, Object.keys(pools))}`,
      );
    }
    if (rung.provider !== null && !Object.hasOwn(providers, rung.provider)) {
      report.problem(
        [...rung.path, 'provider'],
        `unknown provider ${quoted(rung.provider)}. ${choicesText(rung.provider, Object.keys(providers))}`,
      );
    }
    if (rung.ladder !== null && !ladders.has(rung.ladder)) {
      report.problem(
        [...rung.path, 'ladder'],
        `unknown ladder ${quoted(rung.ladder)}. ${choicesText(rung.ladder, [...ladders.keys()])}`,
      );
    }
  }
  checkPlanNames(root, report);
  const cyclic = checkCycles(ladders, report);
  checkFirstRungs([...ladders.values(), ...Object.keys(models).map(ladderOf)], report);
  checkNames(models, report);
  checkDefaults(mappingOf(root['classes']), models, report);

  for (const model of Object.keys(models)) {
    const rungs = ladderOf(model);
    if (rungs.some((rung) => rung.ladder !== null && cyclic.has(rung.ladder))) continue;
    const size = countRungs(rungs, ladders, cyclic, new Map());
    if (size > MAX_RUNGS) {
      report.problem(['models', model, 'ladder'], `has more than ${MAX_RUNGS} rungs, those of its ladders counted`);
      continue;
    }
    if (mappingOf(models[model])['class'] === 'embed') checkSubstitutes(rungs, ladders, report);
  }
  for (const pool of Object.keys(pools)) {
    if (!allRungs.some((rung) => rung.pool === pool))
      report.warning(['pools', pool], 'is on no ladder: no call ever goes there');
  }
  for (const provider of Object.keys(providers)) {
    if (Object.hasOwn(pools, provider))
      report.problem(['providers', provider], `is the name of a pool too, at ${report.place(['pools', provider])}`);
    if (!allRungs.some((rung) => rung.provider === provider))
      report.warning(['providers', provider], 'is on no ladder: no call ever goes there');
  }
  if (Object.keys(models).length === 0 && root['models'] === undefined) {
    report.warning([], 'names no models: every call will be refused');
  }
}

/** Reports each cycle once and answers with the ladders from which one is reached. */
function checkCycles(ladders: ReadonlyMap<string, readonly LooseRung[]>, report: Reporter): Set<string> {
  const state = new Map<string, 'open' | 'sound' | 'cyclic'>();
  const visit = (name: string, trail: readonly string[]): boolean => {
    state.set(name, 'open');
    let cyclic = false;
    for (const rung of ladders.get(name) ?? []) {
      const next = rung.ladder;
      if (next === null || !ladders.has(next)) continue;
      const seen = state.get(next);
      if (seen === 'open') {
        const circle = [...trail.slice(trail.indexOf(next)), next].join(' -> ');
        report.problem([...rung.path, 'ladder'], `leads back to itself: ${circle}`);
        cyclic = true;
      } else if (seen === 'cyclic') cyclic = true;
      else if (seen === undefined && visit(next, [...trail, next])) cyclic = true;
    }
    state.set(name, cyclic ? 'cyclic' : 'sound');
    return cyclic;
  };
  for (const name of ladders.keys()) if (!state.has(name)) visit(name, [name]);
  return new Set([...state].filter(([, seen]) => seen === 'cyclic').map(([name]) => name));
}

/** How many rungs stand there once ladders are laid out. Counted, not laid out: ladders of ladders grow fast. */
function countRungs(
  rungs: readonly LooseRung[],
  ladders: ReadonlyMap<string, readonly LooseRung[]>,
  cyclic: ReadonlySet<string>,
  known: Map<string, number>,
): number {
  let sum = 0;
  for (const { ladder } of rungs) {
    if (ladder === null) sum += 1;
    else if (!cyclic.has(ladder)) {
      const size = known.get(ladder) ?? countRungs(ladders.get(ladder) ?? [], ladders, cyclic, known);
      known.set(ladder, size);
      sum += size;
    }
    if (sum > MAX_RUNGS) return MAX_RUNGS + 1;
  }
  return sum;
}

function checkFirstRungs(all: readonly (readonly LooseRung[])[], report: Reporter): void {
  for (const [first] of all) {
    if (first === undefined) continue;
    const isModels = first.path[0] === 'models';
    if (first.same === false && isModels)
      report.problem([...first.path, 'same'], 'must not be false: the first rung is the asked model itself');
    if (first.hasWhen && first.ladder === null && isModels)
      report.warning([...first.path, 'when'], 'has no effect: every call begins at the first rung');
  }
}

/** Embeddings of two models cannot be compared. */
function checkSubstitutes(
  rungs: readonly LooseRung[],
  ladders: ReadonlyMap<string, readonly LooseRung[]>,
  report: Reporter,
): void {
  const visit = (list: readonly LooseRung[], top: boolean, at: Path | null): void => {
    for (const [index, rung] of list.entries()) {
      const same = top && (index === 0 || rung.same === true);
      const place = at ?? rung.path;
      if (rung.ladder !== null) visit(ladders.get(rung.ladder) ?? [], same, place);
      if (same || (rung.pool === null && rung.provider === null)) continue;
      report.problem(
        place,
        'is a substitute, and an embedding is never answered by another model; say same: true where it is a copy',
      );
    }
  };
  visit(rungs, true, null);
}
