// Where a worker, a caller's host or a web page may be, and what may be sent along. For the schema and the loader.
import { z } from 'zod';
import { authFields, type CredentialHeader } from './auth.ts';
import type { Path, Reporter } from './problems.ts';
import { SECRET_FORM } from './units.ts';

export const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/;
const HEADER_VALUE = /^[\t\x20-\x7e]*$/;
/** Written by the router itself or by a dialect, or meaningful to one connection only. */
const RESERVED =
  /^(host|connection|content-length|content-type|transfer-encoding|te|trailer|upgrade|expect|keep-alive|accept|accept-encoding|proxy-connection|x-request-id|anthropic-version|anthropic-beta|openai-beta|x-spillway-.*)$/i;
/** Headers that carry credentials: their values must be references. */
const CREDENTIALS =
  /^(authorization|proxy-authorization|cookie|modal-key|.*(api-?key|subscription-key|token|secret|password).*)$/i;

export function isHeaderValue(value: string): boolean {
  return HEADER_VALUE.test(value);
}

export interface Endpoint {
  readonly origin: string;
  /** Without a trailing slash and without a final "/v1", which every dialect adds. */
  readonly basePath: string;
  readonly droppedV1: boolean;
}

/** Null when the text is no address of a server. */
export function parseBase(text: string): { readonly origin: string; readonly path: string } | null {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return null;
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return null;
  if (url.username !== '' || url.password !== '' || url.hostname === '' || /[?#\s]/.test(text)) return null;
  return { origin: url.origin, path: url.pathname.replace(/\/+$/, '') };
}

/** Null when the text is no address of a worker. */
export function parseEndpoint(text: string): Endpoint | null {
  const base = parseBase(text);
  if (base === null) return null;
  const { origin, path } = base;
  const droppedV1 = path.endsWith('/v1');
  return { origin, basePath: droppedV1 ? path.slice(0, -3).replace(/\/+$/, '') : path, droppedV1 };
}

export const URL_FORM = /^https?:\/\/[^\s?#]+$/;
export const URL_MESSAGE = 'must be an http:// or https:// address without user, password, query or fragment';

/** Headers that go out with every call. */
export function headerFields() {
  return z
    .record(z.string(), z.string({ error: 'must be text: put it in quotes' }))
    .superRefine((entries, context) => {
      const seen = new Set<string>();
      for (const [header, value] of Object.entries(entries)) {
        const problem = headerProblem(header, value, seen);
        seen.add(header.toLowerCase());
        if (problem !== null) context.addIssue({ code: 'custom', path: [header], message: problem });
      }
    })
    .prefault({})
    .describe(
      'Further headers sent with every call. A value may be $NAME or $file:/path; one that is a credential must be.',
    );
}

/** A worker by address. */
export function urlWorker() {
  return z
    .strictObject({
      url: z
        .string()
        .regex(URL_FORM, URL_MESSAGE)
        .refine((text) => parseEndpoint(text) !== null, URL_MESSAGE)
        .describe('Address of the worker; it may carry a path. A final /v1 is dropped.'),
      ...authFields('bearer'),
      headers: headerFields(),
    })
    .describe('A worker at an address.');
}

/** The flat list of what goes out: lower-case names, secrets in their places, the credential last. */
export function headerList(
  given: Readonly<Record<string, string>>,
  credential: readonly CredentialHeader[],
  secrets: ReadonlyMap<string, string>,
  path: Path,
  report: Reporter,
): readonly string[] {
  const list: string[] = [];
  for (const [header, value] of Object.entries(given)) {
    const resolved = secrets.get(value) ?? value;
    if (!isHeaderValue(resolved))
      report.problem([...path, 'headers', header], 'has a value that a header cannot carry');
    list.push(header.toLowerCase(), resolved);
  }
  for (const [key, header, value] of credential) {
    if (Object.keys(given).some((name) => name.toLowerCase() === header))
      report.problem([...path, 'headers'], `sets ${header} beside ${key}, which is sent there; remove one`);
    list.push(header, value);
  }
  return list;
}

function headerProblem(header: string, value: string, seen: ReadonlySet<string>): string | null {
  if (!HEADER_NAME.test(header)) return 'is no header name';
  if (RESERVED.test(header)) return 'is a header that the router itself writes';
  if (seen.has(header.toLowerCase())) return 'is given twice: upper and lower case are one in header names';
  if (!isHeaderValue(value)) return 'has a value that a header cannot carry';
  if (value.startsWith('$') && !SECRET_FORM.test(value)) return 'begins with $ and is neither $NAME nor $file:/path';
  if (CREDENTIALS.test(header) && !SECRET_FORM.test(value))
    return 'carries a credential: its value must be $NAME or $file:/path';
  return null;
}

export function basePath() {
  return z
    .string()
    .regex(/^\/(?:[A-Za-z0-9._~-]+(?:\/[A-Za-z0-9._~-]+)*\/?)?$/, 'must be a path such as / or /llm')
    .refine((path) => !/(^|\/)\.{1,2}(\/|$)/.test(path), 'must not hold . or .. segments')
    .transform((path) => (path === '/' ? '/' : path.replace(/\/$/, '')));
}

export function hostName() {
  return z
    .string()
    .regex(
      /^([A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\])$/,
      'must be a host name without scheme, port or *, such as llm.example.com',
    )
    .transform((host) => host.toLowerCase());
}

export function origin() {
  const message = 'must be an origin such as https://app.example.com, without path or *';
  return z
    .string()
    .regex(/^https?:\/\/[^\s/]+$/, message)
    .refine((text) => {
      try {
        return new URL(text).origin === text;
      } catch {
        return false;
      }
    }, message);
}
