// Says what the schema found wrong, in words that name the valid choices and never show a secret. For the loader.
import type { z } from 'zod';
import type { Path, Reporter } from './problems.ts';
import { claimedBranches, isMapping, onlyMapping, type Shape, shapeAt, tellingKey, valueAt } from './shape.ts';
import { choicesText, quoted } from './suggest.ts';

type Issue = z.core.$ZodIssue;

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping of keys to values',
  record: 'a mapping of names to values',
};

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'empty';
  if (Array.isArray(value)) return 'a list';
  return KINDS[typeof value] ?? 'something else';
}

/** Which alternative a mapping means; -1: none that can be told. */
function mappingAt(alternatives: readonly Shape[], kind: unknown): number {
  const said = alternatives.findIndex(({ properties }) => properties?.['kind']?.const === kind && kind !== undefined);
  if (said >= 0) return said;
  const only = onlyMapping(alternatives);
  return only === null ? -1 : alternatives.indexOf(only);
}

/** The text of an issue whose schema brings none. The value is shown only where it should have been one of a few words. */
export function sentence(issue: z.core.$ZodRawIssue): string {
  const { input } = issue;
  switch (issue.code) {
    case 'invalid_type': {
      if (input === undefined) return 'is required';
      if (input === null) return 'has no value: give it one or remove the key';
      if (issue.expected === 'string' && typeof input !== 'object') return 'must be text: put it in quotes';
      if (issue.expected === 'int' && typeof input === 'number') return 'must be a whole number';
      return `must be ${KINDS[issue.expected] ?? issue.expected}, not ${kindOf(input)}`;
    }
    case 'invalid_value': {
      const valid = issue.values.map(String);
      if (input === undefined) return `is required. ${choicesText('', valid)}`;
      if (valid.length === 1) return `must be ${valid[0]}`;
      return typeof input === 'string'
        ? `unknown value ${quoted(input)}. ${choicesText(input, valid)}`
        : `must be one word, not ${kindOf(input)}. ${choicesText('', valid)}`;
    }
    case 'too_small':
      return issue.origin === 'number' ? `must be at least ${issue.minimum}` : `needs at least ${issue.minimum}`;
    case 'too_big':
      return issue.origin === 'number' ? `must be at most ${issue.maximum}` : `has more than ${issue.maximum}`;
    case 'invalid_key':
      return 'is no valid name';
    default:
      return 'is not valid';
  }
}

/** Reports each issue at the key that is wrong. */
export function reportIssues(issues: readonly Issue[], raw: unknown, shape: Shape, report: Reporter): void {
  const say = (issue: Issue, base: Path): void => {
    const path = [...base, ...issue.path.map((part) => (typeof part === 'symbol' ? '' : part))];
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) sayUnknownKey(key, path);
    } else if (issue.code === 'invalid_union') sayUnion(issue, path);
    else if (issue.code === 'invalid_key') report.problem(path, issue.issues[0]?.message ?? issue.message);
    else report.problem(path, issue.message);
  };

  const sayUnknownKey = (key: string, path: Path): void => {
    const keys = Object.keys(shapeAt(shape, raw, path)?.properties ?? {});
    report.problem([...path, key], `unknown key. ${choicesText(key, keys)}`);
  };

  const sayUnion = (issue: Extract<Issue, { code: 'invalid_union' }>, path: Path): void => {
    const value = valueAt(raw, path);
    const holder = shapeAt(shape, raw, path.slice(0, -1));
    const last = path.at(-1);
    const own = typeof last === 'string' ? (holder?.properties?.[last]?.anyOf ?? []) : [];
    // One key of several forms, of which mappings say their kind, or only one is a mapping.
    if (own.length > 0) {
      const at = isMapping(value) ? mappingAt(own, valueAt(value, ['kind'])) : -1;
      if (at < 0) return report.problem(path, value === undefined ? 'is required' : issue.message);
      for (const inner of issue.errors[at] ?? []) {
        if (inner.code !== 'unrecognized_keys') say(inner, path);
        else
          for (const key of inner.keys)
            report.problem([...path, key], `unknown key. ${choicesText(key, Object.keys(own[at]!.properties ?? {}))}`);
      }
      return;
    }
    const alternatives = holder?.items?.anyOf ?? [];
    const telling = alternatives.map((alternative) => tellingKey(alternative) ?? '');
    const claimed = claimedBranches(alternatives, value);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      report.problem(path, `must be a mapping with one of ${telling.join(', ')}, not ${kindOf(value)}`);
    } else if (claimed.length > 1) {
      const both = claimed.map((index) => telling[index]).join(' and ');
      report.problem(path, `has ${both}; choose one`);
    } else if (claimed.length === 1) {
      for (const inner of issue.errors[claimed[0]!] ?? []) say(inner, path);
    } else {
      const keys = Object.keys(value);
      // Keys that any alternative knows are not what is wrong here.
      const known = new Set(alternatives.flatMap((alternative) => Object.keys(alternative.properties ?? {})));
      const strange = keys.find((key) => !known.has(key));
      if (strange === undefined)
        report.problem(path, `lacks the key that says what it is. ${choicesText('', telling)}`);
      else report.problem([...path, strange], `unknown key. ${choicesText(strange, telling)}`);
    }
  };

  for (const issue of issues) say(issue, []);
}
