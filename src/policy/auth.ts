// How the router's credential at a worker or provider is written in a policy, and the headers that it becomes. For the schema and the loader.
import { z } from 'zod';
import { AUTH_FORMS, type AuthForm } from '../core/provider.ts';
import type { Path, Reporter } from './problems.ts';
import { secret } from './units.ts';

export const authFields = (fallback: string) => ({
  apiKey: secret().optional().describe("The router's key there: $NAME or $file:/path."),
  auth: z
    .enum(AUTH_FORMS)
    .optional()
    .describe(
      `How the key is sent. bearer: "Authorization: Bearer …"; api-key: "Authorization: Api-Key …"; x-api-key: a header of this name; modal: modalKey and modalSecret, and beside them apiKey as bearer where it is given; none: no key. Default: ${fallback}.`,
    ),
  modalKey: secret().optional().describe('Sent as "Modal-Key", with auth: modal.'),
  modalSecret: secret().optional().describe('Sent as "Modal-Secret", with auth: modal.'),
});

/** References, not secrets. */
export interface Credential {
  readonly apiKey?: string | undefined;
  readonly auth?: AuthForm | undefined;
  readonly modalKey?: string | undefined;
  readonly modalSecret?: string | undefined;
}

/** One header that carries a credential: the key of the policy that it comes from, its name, its value. */
export type CredentialHeader = readonly [key: string, header: string, value: string];

/** Says what is missing or too much. `required`: a form other than `none` needs its key. */
export function credentialHeaders(
  given: Credential,
  form: AuthForm,
  required: boolean,
  reveal: (reference: string) => string,
  path: Path,
  report: Reporter,
): readonly CredentialHeader[] {
  const { apiKey, modalKey, modalSecret } = given;
  const own = Object.entries({ apiKey, modalKey, modalSecret }).filter(([, value]) => value !== undefined);
  const taken = form === 'none' ? [] : form === 'modal' ? ['apiKey', 'modalKey', 'modalSecret'] : ['apiKey'];
  for (const [key] of own) {
    if (!taken.includes(key)) report.problem([...path, key], `has no place with auth: ${form}`);
  }
  if (form === 'none') return [];
  const headers: CredentialHeader[] = [];
  if (form === 'modal') {
    if (modalKey === undefined || modalSecret === undefined)
      report.problem([...path, 'auth'], 'is modal, which needs both modalKey and modalSecret');
    else
      headers.push(['modalKey', 'modal-key', reveal(modalKey)], ['modalSecret', 'modal-secret', reveal(modalSecret)]);
  } else if (apiKey === undefined && (required || given.auth !== undefined)) {
    report.problem([...path, 'apiKey'], `is required with auth: ${form}; say auth: none where no key is asked for`);
  }
  if (apiKey === undefined) return headers;
  if (form === 'x-api-key') headers.push(['apiKey', 'x-api-key', reveal(apiKey)]);
  else headers.push(['apiKey', 'authorization', `${form === 'api-key' ? 'Api-Key' : 'Bearer'} ${reveal(apiKey)}`]);
  return headers;
}
