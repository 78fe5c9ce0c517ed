// What a tenant may ask at all: until when, and which models. For router/create.
import { RouterError } from '../core/errors.ts';
import { fitsPattern } from '../core/pattern.ts';
import type { TenantRules } from '../core/plan.ts';

/** Split once per policy. */
const split = new WeakMap<readonly string[], readonly (readonly string[])[]>();

/** Whether it is among the tenant's models. Who may not ask it hears the same as of a model that is not there. */
export function mayAskModel(model: string, { models }: Pick<TenantRules, 'models'>): boolean {
  if (models === null) return true;
  let patterns = split.get(models);
  if (patterns === undefined) {
    patterns = models.map((name) => name.split('*'));
    split.set(models, patterns);
  }
  return patterns.some((pieces) => fitsPattern(model, pieces));
}

/** Throws once its time is over. */
export function checkNotExpired(
  tenant: string,
  { expiresMs }: Pick<TenantRules, 'expiresMs'>,
  clock: { wallMs(): number },
): void {
  if (expiresMs === null || clock.wallMs() < expiresMs) return;
  throw new RouterError('not_allowed', `The access of ${tenant} has ended. Ask the operator to extend it.`);
}
