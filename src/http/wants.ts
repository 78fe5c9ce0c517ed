// What the caller asked of the router in `x-spillway-*` headers. For http/call.
import { RouterError } from '../core/errors.ts';
import {
  CAPABILITIES,
  type Capability,
  PRIORITIES,
  type Priority,
  REQUEST_HEADERS,
  RESPONSE_HEADERS,
} from '../core/names.ts';
import { NO_WANTS, type Wants } from '../core/request.ts';
import type { HeaderView } from '../core/transport.ts';
import { parseDuration } from '../core/units.ts';

const PREFIX = 'x-spillway-';
const VALID: ReadonlySet<string> = new Set(REQUEST_HEADERS);
const OURS: ReadonlySet<string> = new Set(Object.values(RESPONSE_HEADERS));
const ID = /^[A-Za-z0-9._:/@+=-]{1,128}$/;

/** Refuses unknown names; a name that only replies carry is dropped, since proxies and clients echo headers. */
export function readWants(headers: HeaderView): Wants {
  let wants: { -readonly [K in keyof Wants]: Wants[K] } | null = null;
  for (const name in headers) {
    if (name.charCodeAt(0) !== 0x78 || !name.startsWith(PREFIX) || OURS.has(name)) continue;
    if (!VALID.has(name)) {
      throw new RouterError('invalid_header', `Unknown header ${name}. Valid: ${REQUEST_HEADERS.join(', ')}.`);
    }
    wants ??= { ...NO_WANTS };
    read(wants, name, String(headers[name]).trim());
  }
  const timeoutMs = clientTimeoutMs(headers);
  if (timeoutMs !== null) {
    wants ??= { ...NO_WANTS };
    wants.timeoutMs = timeoutMs;
  }
  return wants ?? NO_WANTS;
}

function read(wants: { -readonly [K in keyof Wants]: Wants[K] }, name: string, value: string): void {
  switch (name) {
    case 'x-spillway-degrade':
      wants.degrade = oneOf(name, value, ['allow', 'never'] as const);
      break;
    case 'x-spillway-priority':
      wants.priority = oneOf<Priority>(name, value, PRIORITIES);
      break;
    case 'x-spillway-max-wait':
      wants.maxWaitMs = waitOf(name, value);
      break;
    case 'x-spillway-min-rung':
      if (!/^[1-9]\d{0,2}$/.test(value)) throw invalid(name, 'a rung number, 1 or more');
      wants.minRung = Number(value);
      break;
    case 'x-spillway-require':
      wants.require = value.split(',').map((part) => oneOf<Capability>(name, part.trim(), CAPABILITIES));
      break;
    default:
      if (!ID.test(value)) throw invalid(name, '1 to 128 characters of A-Z a-z 0-9 . _ : / @ + = -');
  }
}

const SECONDS = /^\d{1,7}(\.\d{1,9})?$/;
const SHORTEST_TIMEOUT_MS = 1_000;
const LONGEST_TIMEOUT_MS = 3_600_000;

/**
 * The official clients say in seconds how long they wait: those in JavaScript for the reply's head, in whole seconds, so
 * that 0 is less than one; those in Python for the next byte. A value that is no such number says nothing.
 */
function clientTimeoutMs(headers: HeaderView): number | null {
  const said = headers['x-stainless-timeout'] ?? headers['x-stainless-read-timeout'];
  if (typeof said !== 'string' || !SECONDS.test(said)) return null;
  return Math.min(LONGEST_TIMEOUT_MS, Math.max(SHORTEST_TIMEOUT_MS, Math.round(Number(said) * 1000)));
}

/** A duration with a unit, or a bare number of seconds. */
function waitOf(name: string, value: string): number {
  const ms = /^\d{1,6}(\.\d{1,3})?$/.test(value) ? Number(value) * 1000 : parseDuration(value);
  if (ms === null) throw invalid(name, 'a duration such as 500ms, 10s or 2m');
  return ms;
}

function oneOf<T extends string>(name: string, value: string, valid: readonly T[]): T {
  const found = valid.find((one) => one === value);
  if (found === undefined) throw invalid(name, `one of ${valid.join(', ')}`);
  return found;
}

function invalid(name: string, what: string): RouterError {
  return new RouterError('invalid_header', `${name} must be ${what}.`);
}
