// What a key may be made with: tenant, name, scopes, end. For the command line and admin routes.

export interface KeyTerms {
  readonly tenant: string;
  /** What the operator calls it; may be empty. */
  readonly name: string;
  /** Unix epoch, ms; null = it does not expire. */
  readonly expiresMs: number | null;
  /** Null = all. */
  readonly models: readonly string[] | null;
  /** Null = all. */
  readonly routes: readonly string[] | null;
}

export interface TermFault {
  readonly field: keyof KeyTerms;
  /** Follows the field's name in a sentence; never holds the value, which may be a key pasted by mistake. */
  readonly text: string;
}

/** The tenant of everybody while there are no keys; no key can be made for it. */
export const DEVELOPMENT_TENANT = 'development';

const TENANT = /^[a-z0-9][a-z0-9_-]{0,62}$/;
const MODEL = /^[!-~]{1,256}$/;
/** Characters that move a cursor, hide or reverse text wherever the name is shown. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu;
const MAX_NAME = 128;
const MAX_SCOPES = 64;

/** All that is wrong with them; nothing is corrected. `routes` are the paths that a key may be bound to. */
export function termFaults(terms: KeyTerms, routes: readonly string[], wallMs: number): readonly TermFault[] {
  const faults: TermFault[] = [];
  const say = (field: keyof KeyTerms, text: string) => void faults.push({ field, text });
  if (!isTenantName(terms.tenant)) say('tenant', `wants ${TENANT_RULE}`);
  else if (terms.tenant === DEVELOPMENT_TENANT)
    say('tenant', `cannot be ${DEVELOPMENT_TENANT}: that is the tenant of calls without keys`);
  if (terms.name.length > MAX_NAME || visible(terms.name) !== terms.name)
    say('name', `wants at most ${MAX_NAME} visible characters`);
  if (terms.expiresMs !== null && !(terms.expiresMs > wallMs && Number.isSafeInteger(terms.expiresMs)))
    say('expiresMs', 'must lie in the future');
  if (terms.models !== null && !(bounded(terms.models) && terms.models.every((model) => MODEL.test(model))))
    say('models', `wants 1 to ${MAX_SCOPES} names or patterns with *, each of up to 256 visible ASCII characters`);
  if (terms.routes !== null && !(bounded(terms.routes) && terms.routes.every((route) => routes.includes(route))))
    say('routes', `wants one or more of ${routes.join(', ')}`);
  return faults;
}

export const TENANT_RULE = '1 to 63 lower-case letters, digits, "_" and "-", beginning with a letter or digit';

export function isTenantName(text: string): boolean {
  return TENANT.test(text);
}

/** The text as it may be shown on a terminal, whoever wrote it. */
export function visible(text: string): string {
  return text.replace(UNSEEN, '?');
}

function bounded(list: readonly string[]): boolean {
  return list.length > 0 && list.length <= MAX_SCOPES;
}
