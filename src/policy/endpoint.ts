// Where a worker, a caller's host or a web page may be, and what may be sent along. For the schema and the loader.
import { z } from 'zod';
import { SECRET_FORM, secret } from './units.ts';

const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/;
const HEADER_VALUE = /^[\t\x20-\x7e]*$/;
/** Written by the router itself, or meaningful to one connection only. */
const RESERVED =
  /^(host|connection|content-length|content-type|transfer-encoding|te|trailer|upgrade|expect|keep-alive|accept-encoding|proxy-connection|x-spillway-.*)$/i;
/** Headers that carry credentials: their values must be references. */
const CREDENTIALS = /^(authorization|proxy-authorization|cookie|.*(api-?key|token|secret|password).*)$/i;

export function isHeaderValue(value: string): boolean {
  return HEADER_VALUE.test(value);
}

export interface Endpoint {
  readonly origin: string;
  /** Without a trailing slash and without a final "/v1", which every dialect adds. */
  readonly basePath: string;
  readonly droppedV1: boolean;
}

/** Null when the text is no address of a worker. */
export function parseEndpoint(text: string): Endpoint | null {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return null;
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return null;
  if (url.username !== '' || url.password !== '' || url.hostname === '' || /[?#\s]/.test(text)) return null;
  const path = url.pathname.replace(/\/+$/, '');
  const droppedV1 = path.endsWith('/v1');
  return { origin: url.origin, basePath: droppedV1 ? path.slice(0, -3).replace(/\/+$/, '') : path, droppedV1 };
}

const URL_MESSAGE = 'must be an http:// or https:// address without user, password, query or fragment';

/** A worker by address. */
export function urlWorker() {
  const headers = z
    .record(z.string(), z.string({ error: 'must be text: put it in quotes' }))
    .superRefine((entries, context) => {
      const seen = new Set<string>();
      for (const [header, value] of Object.entries(entries)) {
        const problem = headerProblem(header, value, seen);
        seen.add(header.toLowerCase());
        if (problem !== null) context.addIssue({ code: 'custom', path: [header], message: problem });
      }
    });
  return z
    .strictObject({
      url: z
        .string()
        .regex(/^https?:\/\/[^\s?#]+$/, URL_MESSAGE)
        .refine((text) => parseEndpoint(text) !== null, URL_MESSAGE)
        .describe('Address of the worker; it may carry a path. A final /v1 is dropped.'),
      apiKey: secret().optional().describe('Key sent as "Authorization: Bearer …": $NAME or $file:/path.'),
      headers: headers
        .prefault({})
        .describe(
          'Further headers sent with every call. A value may be $NAME or $file:/path; one that is a credential must be.',
        ),
    })
    .describe('A worker at an address.');
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
