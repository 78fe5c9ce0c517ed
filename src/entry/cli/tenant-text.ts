// How tenants are shown, to people and as JSON. For `spillway tenants`.
import type { TenantRules } from '../../core/plan.ts';
import type { TenantRecord } from '../../core/tenants.ts';
import { limitTexts, rulesText, tenantJson } from '../../policy/check-money.ts';
import { visible } from '../../tenants/key-terms.ts';
import { minute } from './key-text.ts';

/** One tenant, wherever it is set. */
export interface ShownTenant {
  readonly name: string;
  readonly source: 'policy' | 'store';
  /** What the store holds; null for the policy's own. */
  readonly record: TenantRecord | null;
  /** What it means now; null: the entry cannot be used, for these reasons. */
  readonly rules: TenantRules | null;
  readonly faults: readonly string[];
  /** The policy names it too, and wins. */
  readonly shadowed: boolean;
}

export function shownJson({ name, source, record, rules, faults, shadowed }: ShownTenant) {
  return {
    name,
    source,
    entry: record?.entry ?? null,
    changedAt: record === null ? null : new Date(record.changedMs).toISOString(),
    rules: rules === null ? null : tenantJson(rules),
    faults,
    shadowed,
  };
}

/** One line per tenant, in columns. */
export function tenantTable(tenants: readonly ShownTenant[]): string {
  const rows = [
    ['NAME', 'SET BY', 'PLAN', 'WEIGHT', 'PRIORITY', 'CHANGED', 'LIMITS'],
    ...tenants.map(({ name, source, record, rules, faults, shadowed }) => [
      name,
      shadowed ? `${source}, not in force` : source,
      rules?.plan ?? '-',
      rules === null ? '?' : String(rules.weight),
      rules?.priority ?? '?',
      record === null ? '-' : minute(record.changedMs),
      rules === null ? `cannot be used: ${faults[0]}` : limitTexts(rules.limits).join(', ') || 'none',
    ]),
  ].map((row) => row.map(visible));
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) => row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ');
  return `${rows.map((row) => line(row).trimEnd()).join('\n')}\n`;
}

export function tenantLines({ name, source, record, rules, faults, shadowed }: ShownTenant): string {
  const lines = [`${name} (set by the ${source}${shadowed ? ', not in force: the policy names it too' : ''})`];
  if (rules !== null) lines.push(`  ${rulesText(rules)}`);
  lines.push(...faults.map((fault) => `  cannot be used: ${fault}`));
  if (record !== null) lines.push(`  as written ${minute(record.changedMs)}: ${JSON.stringify(record.entry)}`);
  return `${lines.map(visible).join('\n')}\n`;
}
