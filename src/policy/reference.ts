// The policy's JSON Schema for editors and its reference table for people, both from the schema. For scripts/generate.ts.
import { z } from 'zod';
import type { Registries } from './registries.ts';
import { policySchema } from './schema.ts';
import { type Shape, tellingKey } from './shape.ts';

export function policyJsonSchema(registries: Registries): string {
  const { $schema, ...rest } = z.toJSONSchema(policySchema(registries), { io: 'input' });
  return `${JSON.stringify({ $schema, title: 'Spillway policy', ...rest }, null, 2)}\n`;
}

interface Row {
  readonly key: string;
  readonly type: string;
  readonly fallback: string;
  readonly meaning: string;
}

/** A Markdown page: one row per key. */
export function policyReference(registries: Registries): string {
  const rows: Row[] = [];
  collect(z.toJSONSchema(policySchema(registries), { io: 'input' }) as Shape, '', false, rows);
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  return [
    '# Policy reference',
    '',
    'Every key of a policy file. Generated from the schema by `npm run generate`; do not edit. How to write one: [policy.md](policy.md).',
    '',
    'A duration is a number with its unit: `700ms`, `10s`, `10m`, `24h`. Upper-case words are names of your choice; `[]` is an entry of a list.',
    '',
    '| Key | Type | Default | Meaning |',
    '|---|---|---|---|',
    ...rows.map((row) => `| \`${row.key}\` | ${cell(row.type)} | ${row.fallback} | ${cell(row.meaning)} |`),
    '',
  ].join('\n');
}

const NAMES: Readonly<Record<string, string>> = { headers: 'HEADER', models: 'MODEL', 'prices.models': 'TARGET/MODEL' };

function collect(shape: Shape, key: string, required: boolean, rows: Row[]): void {
  if (key !== '' && (shape.anyOf === undefined || shape.description !== undefined)) {
    rows.push({
      key,
      type: typeText(shape),
      fallback: fallbackText(shape, required),
      meaning: shape.description ?? '',
    });
  }
  for (const [name, child] of Object.entries(shape.properties ?? {})) {
    collect(child, key === '' ? name : `${key}.${name}`, shape.required?.includes(name) ?? false, rows);
  }
  if (typeof shape.additionalProperties === 'object') {
    const last = key.slice(key.lastIndexOf('.') + 1);
    const child = shape.additionalProperties;
    if (child.description !== undefined || child.properties !== undefined)
      collect(child, `${key}.${NAMES[key] ?? NAMES[last] ?? 'NAME'}`, false, rows);
  }
  // Of several forms that one value may have, a mapping's keys are told; a limit's own ones by its kind are not.
  for (const { properties = {}, required } of shape.anyOf ?? []) {
    if (properties['kind'] !== undefined) continue;
    for (const [name, child] of Object.entries(properties))
      collect(child, `${key}.${name}`, required?.includes(name) ?? false, rows);
  }
  if (shape.items?.properties !== undefined) collect(shape.items, `${key}[]`, false, rows);
  for (const branch of shape.items?.anyOf ?? []) {
    const telling = tellingKey(branch);
    const properties = Object.entries(branch.properties ?? {});
    // The telling key first, then what may stand beside it.
    for (const [name, child] of properties) {
      const beside = name === telling ? '' : ` (with ${telling})`;
      collectLeaf(child, `${key}[].${name}`, name === telling, beside, rows);
    }
  }
}

function collectLeaf(shape: Shape, key: string, telling: boolean, beside: string, rows: Row[]): void {
  const meaning = `${shape.description ?? ''}${beside}`.trim();
  const same = rows.findIndex((row) => row.key === key && row.meaning.startsWith(shape.description ?? '\n'));
  const row = { key, type: typeText(shape), fallback: telling ? 'one of these' : fallbackText(shape, false), meaning };
  // A key that several alternatives share in one meaning is one row.
  if (same >= 0) rows[same] = { ...row, meaning: shape.description ?? '' };
  else rows.push(row);
}

function typeText(shape: Shape): string {
  if (shape.const !== undefined) return code(shape.const);
  if (shape.anyOf !== undefined) return [...new Set(shape.anyOf.map(typeText))].join(' | ');
  if (shape.enum !== undefined) return shape.enum.map(code).join(' | ');
  if (shape.type === 'array') {
    const { items } = shape;
    return items?.enum === undefined
      ? items?.type === 'string'
        ? 'list of text'
        : 'list'
      : `list of ${typeText(items)}`;
  }
  if (shape.type === 'object') return 'mapping';
  if (shape.type === 'string') return shape.pattern?.includes('(ms|s|m|h)') ? 'duration' : 'text';
  if (shape.type === 'integer') {
    return shape.maximum === undefined || shape.maximum > 1e9
      ? 'whole number'
      : `whole number, ${shape.minimum ?? 0} to ${shape.maximum}`;
  }
  return shape.type ?? 'any';
}

function fallbackText(shape: Shape, required: boolean): string {
  if (required) return 'required';
  const { default: fallback } = shape;
  if (Array.isArray(fallback) && fallback.length === 0) return 'none';
  if (fallback === undefined || (typeof fallback === 'object' && Object.keys(fallback ?? {}).length === 0)) return '';
  return Array.isArray(fallback) ? fallback.map(code).join(', ') : code(fallback);
}

function code(value: unknown): string {
  return `\`${String(value)}\``;
}
