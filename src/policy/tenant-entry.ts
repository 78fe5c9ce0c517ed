// What one tenant's entry in a store means under a policy, or all that is wrong with it. For the catalog.
import type { ModelPlan, TenantRules } from '../core/plan.ts';
import { reportIssues, sentence } from './issues.ts';
import type { Policy } from './policy.ts';
import { createReporter, type Problem } from './problems.ts';
import { shapeOf } from './shape.ts';
import { choicesText, quoted } from './suggest.ts';
import { checkTenant } from './tenant-check.ts';
import { tenantEntrySchema, tenantRules } from './tenants.ts';

/** Each text begins with the key that it is about. */
export type TenantReading =
  | { readonly rules: TenantRules; readonly warnings: readonly string[] }
  | { readonly faults: readonly string[] };

/** Made when first asked for: most routers keep no tenants in a store. */
let form: { readonly schema: ReturnType<typeof tenantEntrySchema>; readonly shape: ReturnType<typeof shapeOf> } | null =
  null;

function formOf() {
  if (form === null) {
    const schema = tenantEntrySchema();
    form = { schema, shape: shapeOf(schema) };
  }
  return form;
}

export function readTenantEntry(entry: unknown, policy: Policy, models: readonly ModelPlan[]): TenantReading {
  const { schema, shape } = formOf();
  const report = createReporter(new Map(), '');
  const parsed = schema.safeParse(entry, { error: sentence });
  if (!parsed.success) {
    reportIssues(parsed.error.issues, entry, shape, report);
    return { faults: report.problems.map(textOf) };
  }
  const { plan } = parsed.data;
  if (plan !== undefined && !policy.plans.has(plan))
    return { faults: [`plan: unknown plan ${quoted(plan)}. ${choicesText(plan, [...policy.plans.keys()])}`] };
  const rules = tenantRules(parsed.data, policy.plans.get(plan ?? ''));
  checkTenant(rules, parsed.data, [], policy, models, report);
  if (report.problems.length > 0) return { faults: report.problems.map(textOf) };
  return { rules, warnings: report.warnings.map(textOf) };
}

function textOf({ key, message }: Problem): string {
  return key === '' ? message : `${key}: ${message}`;
}
