// The `plans:` and `tenants:` sections: what a tenant's calls may use, its own words before its plan's. For the schema and the loader.
import { z } from 'zod';
import { PRIORITIES } from '../core/names.ts';
import { DEFAULT_TENANT, type TenantRules } from '../core/plan.ts';
import { limitFields, tenantLimits } from './limit-fields.ts';
import { instant, modelName, name, number } from './units.ts';

/** The entry that stands for every tenant that has none of its own. */
export const ANY_TENANT = '*';

const terms = () => ({
  ...limitFields(),
  models: z
    .array(modelName())
    .min(1, 'needs at least one model')
    .max(256, 'has more than 256 models')
    .optional()
    .describe('Names and patterns (with *) of models that may be asked. Default: all.'),
  zones: z
    .array(name())
    .min(1, 'needs at least one zone')
    .optional()
    .describe('Zones that calls may go to; a target without one of them passes over. Default: all.'),
  priority: z
    .enum(PRIORITIES)
    .optional()
    .describe('The highest band that calls may claim; what asks for more gets this. Default: interactive.'),
  weight: number(0.001, 1000)
    .optional()
    .describe(
      'Share under contention: a tenant of weight 4 is served four times as much as one of weight 1. Default: 1.',
    ),
});

export function plansSchema() {
  return z
    .record(name(), z.strictObject(terms()).describe('What the calls of each tenant of the plan may use.'))
    .prefault({})
    .describe('Plans by name: sets of limits that tenants have in common. Each tenant has them for itself.');
}

/** One entry of `tenants:`, in the policy or in a store. */
export function tenantEntrySchema() {
  return z
    .strictObject({
      plan: name().optional().describe('The plan that holds where this entry says nothing of its own. Default: none.'),
      expires: instant()
        .optional()
        .describe(
          'From when on nothing more may be asked: a date (00:00 UTC) or a time with its zone. Default: never.',
        ),
      ...terms(),
    })
    .describe('What holds for the calls of one tenant; what it says itself wins over its plan, key by key.');
}

const tenantName = () =>
  z
    .string()
    .regex(
      /^(\*|[A-Za-z0-9][A-Za-z0-9._-]{0,63})$/,
      'is no name: use * for all that are not named, or up to 64 letters, digits, ".", "_" and "-", beginning with a letter or digit',
    );

export function tenantsSchema() {
  return z
    .record(tenantName(), tenantEntrySchema())
    .prefault({})
    .describe(
      'Tenants by name, the one their keys are made for. "*" holds for every tenant that is not named, here or by `spillway tenants`; it adds nothing to those that are.',
    );
}

export type PlanDocument = z.output<ReturnType<typeof plansSchema>>[string];
export type TenantDocument = z.output<ReturnType<typeof tenantEntrySchema>>;

/** What a tenant of this entry may do. `plan`: the one that it names. */
export function tenantRules(entry: TenantDocument, plan: PlanDocument | undefined): TenantRules {
  const merged: TenantDocument = { ...plan, ...said(entry) };
  const { weight, priority, zones, models, expires } = merged;
  return {
    plan: entry.plan ?? null,
    weight: weight ?? DEFAULT_TENANT.weight,
    priority: priority ?? DEFAULT_TENANT.priority,
    zones: zones === undefined ? null : new Set(zones),
    models: models ?? null,
    expiresMs: expires ?? null,
    limits: tenantLimits(merged),
  };
}

/** A key without a value would hide the plan's. */
function said(entry: TenantDocument): TenantDocument {
  return Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== undefined));
}
