// Which of the caller's headers and query parameters go on to a target: those that belong to the API. For Anthropic's dialects.
import type { CallHead } from '../core/dialect.ts';
import { RouterError } from '../core/errors.ts';
import type { HeaderView } from '../core/transport.ts';

/** The API refuses a call without a version; bare clients send none. */
const DEFAULT_VERSION = '2023-06-01';
const MAX_QUERY_BYTES = 1024;
const PRINTABLE = /^[\x20-\x7e]*$/;
/** Visible ASCII without "#", which would end the query. */
const QUERY = /^[!"$-~]*$/;

/** Any version and any set of beta flags, unchanged: which of them exist is for the target to say. */
export function forwardedHeaders({ headers }: CallHead): readonly string[] {
  const version = headerValue(headers, 'anthropic-version') ?? DEFAULT_VERSION;
  const beta = headerValue(headers, 'anthropic-beta');
  const sent = ['anthropic-version', version];
  return beta === null ? sent : [...sent, 'anthropic-beta', beta];
}

/** A list over several headers is one list. */
function headerValue(headers: HeaderView, name: string): string | null {
  const value = headers[name];
  const text = typeof value === 'string' ? value : (value?.join(',') ?? '');
  if (text === '') return null;
  if (!PRINTABLE.test(text)) throw new RouterError('invalid_header', `${name} must be printable ASCII.`);
  return text;
}

/** The caller's query as it was sent, without parameters that may hold a credential; empty when nothing is left. */
export function forwardedQuery({ query }: CallHead): string {
  if (query.length < 2) return '';
  if (query.length > MAX_QUERY_BYTES) {
    throw new RouterError('invalid_value', `The query is longer than ${MAX_QUERY_BYTES} bytes.`);
  }
  if (!QUERY.test(query)) throw new RouterError('invalid_value', 'The query must be visible ASCII, percent-encoded.');
  const kept = query
    .slice(1)
    .split('&')
    .filter((part) => !holdsCredential(part));
  return kept.length === 0 ? '' : `?${kept.join('&')}`;
}

const CREDENTIAL =
  /(key|token|secret|password|passwd|pwd|credentials?|signature|authorization|bearer|jwt)$|^(auth|sig|pass)$/;

/** Some servers part parameters at ";" too. */
function holdsCredential(part: string): boolean {
  return part.split(';').some((parameter) => CREDENTIAL.test(plainName(parameter)));
}

/** A parameter's name, decoded, in lower-case letters and digits. */
function plainName(parameter: string): string {
  return parameter
    .split('=', 1)[0]!
    .replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '');
}
