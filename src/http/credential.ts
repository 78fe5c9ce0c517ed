// The one place that reads a caller's credential, whichever header it stands in. For every route that asks who calls.
import type { Context } from 'hono';
import { RouterError } from '../core/errors.ts';
import type { Caller, Doorkeeper } from '../core/keys.ts';
import { type HeaderView, headerOf } from '../core/transport.ts';
import type { Ingress } from './ingress.ts';

const USUAL = 'Bearer ';
const BEARER = /^bearer +(\S+) *$/i;

/** The form that nearly all clients send is read without a regular expression. */
function bearerOf(authorization: string): string | null {
  if (authorization.startsWith(USUAL) && authorization.length > USUAL.length) {
    const token = authorization.slice(USUAL.length);
    if (!token.includes(' ')) return token;
  }
  return BEARER.exec(authorization)?.[1] ?? null;
}

/**
 * The key in `Authorization: Bearer` or in `x-api-key`, with equal rights; never one in a query. Null when there is
 * none. Two different ones are refused: it is not said which of them is meant.
 */
export function credentialOf(headers: HeaderView): string | null {
  const authorization = headerOf(headers, 'authorization');
  const bearer = authorization === null ? null : bearerOf(authorization);
  const plain = headerOf(headers, 'x-api-key');
  const named = plain === null || plain === '' ? null : plain;
  if (bearer !== null && named !== null && bearer !== named) {
    throw new RouterError(
      'conflicting_keys',
      'Authorization and x-api-key carry two different keys: send one of them.',
    );
  }
  return bearer ?? named;
}

/** Lets a request in by its head alone, or throws. A promise only where one is needed. */
export type Admit = (context: Context) => Caller | Promise<Caller>;

export function admitByKey(doorkeeper: Doorkeeper, ingress: Pick<Ingress, 'headers'>): Admit {
  return (context) => {
    const found = doorkeeper.admit(credentialOf(ingress.headers(context)));
    return found instanceof Promise ? found.then(letIn) : letIn(found);
  };
}

/** Missing, malformed, unknown, expired, revoked: one answer, so that nobody learns which keys exist. */
export function letIn(caller: Caller | null): Caller {
  if (caller !== null) return caller;
  const text =
    'No valid key. Send one as "Authorization: Bearer …" or "x-api-key: …"; the operator makes keys with "spillway keys create".';
  throw new RouterError('invalid_api_key', text, { headers: { 'www-authenticate': 'Bearer' } });
}

/** Throws when a key is not one for this route. */
export function mayCall(caller: Caller, path: string): void {
  const { routes } = caller;
  if (routes === null || routes.has(path)) return;
  throw new RouterError(
    'not_allowed',
    `This key may not call ${path}. It may call: ${[...routes].join(', ') || 'nothing'}.`,
  );
}
