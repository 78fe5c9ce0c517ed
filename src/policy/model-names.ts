// Whether the names by which callers ask are each one model's, and a class's default is one of its own. For the loader.
import { createMatcher } from './match.ts';
import type { Path, Reporter } from './problems.ts';
import { choicesText, quoted } from './suggest.ts';

export type Mapping = Readonly<Record<string, unknown>>;

export function mappingOf(value: unknown): Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Mapping) : {};
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

export function checkNames(models: Mapping, report: Reporter): void {
  const takenBy = new Map<string, { path: Path; model: string }>();
  for (const model of Object.keys(models)) {
    for (const [index, alias] of textsOf(mappingOf(models[model])['aliases']).entries()) {
      const path = ['models', model, 'aliases', index];
      const earlier = takenBy.get(alias);
      if (alias.includes('*')) report.problem(path, 'must not be a pattern: give the pattern a model of its own');
      else if (Object.hasOwn(models, alias))
        report.problem(path, `is the name of a model, at ${report.place(['models', alias])}`);
      else if (earlier !== undefined)
        report.problem(path, `is an alias already, of ${earlier.model} at ${report.place(earlier.path)}`);
      else takenBy.set(alias, { path, model });
    }
  }
}

/** A default may be a model, an alias, or a name that fits a pattern, as with any call. */
export function checkDefaults(classes: Mapping, models: Mapping, report: Reporter): void {
  const entries = Object.entries(models).map(([name, value]) => {
    const { aliases, class: routeClass = 'chat' } = mappingOf(value);
    return { name, aliases: textsOf(aliases), value: { name, routeClass } };
  });
  const find = createMatcher(entries);
  for (const routeClass of Object.keys(classes)) {
    const given = mappingOf(classes[routeClass])['default'];
    if (typeof given !== 'string') continue;
    const path = ['classes', routeClass, 'default'];
    const found = find(given);
    if (found === null) {
      const fitting = entries.filter(({ name, value }) => value.routeClass === routeClass && !name.includes('*'));
      const names = fitting.flatMap(({ name, aliases }) => [name, ...aliases]);
      report.problem(path, `unknown model ${quoted(given)}. ${choicesText(given, names)}`);
    } else if (found.routeClass !== routeClass) {
      const place = report.place(['models', found.name]);
      report.problem(path, `is a model of class ${String(found.routeClass)}, at ${place}`);
    }
  }
}
