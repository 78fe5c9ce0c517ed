// What is wrong with a request before any route sees it: framing tricks, doubled heads, foreign hosts. For runtime/node/server.
import type { IncomingMessage } from 'node:http';
import { RouterError } from '../../core/errors.ts';
import type { HttpLimits } from '../../core/limits.ts';
import { type GuardRules, refusePath, refuseStranger } from '../../http/guard.ts';

export interface RawGuard {
  /** Exact paths that need no look at their spelling. */
  readonly plainPaths: ReadonlySet<string>;
  /** Where model names begin. */
  readonly modelsPrefix: string;
  readonly limits: HttpLimits;
  readonly rules: GuardRules;
  /** Whether a peer's address may speak to this listener; undefined: every peer may. */
  readonly takesPeer?: ((address: string) => boolean) | undefined;
}

/** Null when the request may go to the routes. Names that must stand once are counted in the raw head: Node joins them. */
export function refuseRaw(incoming: IncomingMessage, guard: RawGuard): RouterError | null {
  const { rawHeaders } = incoming;
  if (guard.takesPeer !== undefined && !guard.takesPeer(incoming.socket.remoteAddress ?? '')) {
    return new RouterError('not_allowed', 'Plain HTTP is taken here from the proxies in server.trustedProxies only.');
  }
  if (rawHeaders.length > guard.limits.maxHeaders * 2) {
    return new RouterError('headers_too_large', `The request has more than ${guard.limits.maxHeaders} headers.`);
  }
  const doubled = doubledHeader(rawHeaders);
  if (doubled !== null) return new RouterError('malformed_request', `The header ${doubled} stands twice.`);
  const { headers, httpVersion, method = '' } = incoming;
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') {
    return new RouterError('malformed_request', 'The transfer encoding is not known.');
  }
  if (httpVersion !== '1.1' && (httpVersion !== '1.0' || coding !== undefined)) {
    return new RouterError('malformed_request', 'Use HTTP/1.1, or HTTP/1.0 without transfer encodings.');
  }
  if ((method === 'GET' || method === 'HEAD') && (coding !== undefined || (headers['content-length'] ?? '0') !== '0')) {
    return new RouterError('malformed_request', `A ${method} takes no body.`);
  }
  if (headers.expect !== undefined && headers.expect.toLowerCase() !== '100-continue') {
    return new RouterError('expectation_failed', 'This expectation cannot be met.');
  }
  if (method === 'TRACE' || method === 'CONNECT') {
    return new RouterError('method_not_allowed', `${method} is not taken.`, {
      headers: { allow: 'GET, HEAD, POST', connection: 'close' },
    });
  }
  const stranger = refuseStranger(headers, guard.rules);
  if (stranger !== null) return stranger;
  return refuseTarget(incoming.url ?? '', guard);
}

function refuseTarget(url: string, guard: RawGuard): RouterError | null {
  if (guard.plainPaths.has(url)) return null;
  if (url.length > guard.limits.maxUrlBytes) return new RouterError('headers_too_large', 'The URL is too long.');
  if (!url.startsWith('/')) return new RouterError('malformed_request', 'The request target must be a path.');
  const query = url.indexOf('?');
  return refusePath(query < 0 ? url : url.slice(0, query), guard.modelsPrefix);
}

/** Names that must stand once, by length, so that most headers are passed over without a look at their letters. */
const ONCE = new Map<number, readonly string[]>();
for (const name of [
  'host',
  'origin',
  'content-type',
  'authorization',
  'x-api-key',
  'content-length',
  'transfer-encoding',
]) {
  ONCE.set(name.length, [...(ONCE.get(name.length) ?? []), name]);
}

function doubledHeader(rawHeaders: readonly string[]): string | null {
  let seen: string[] | null = null;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const raw = rawHeaders[i]!;
    const names = ONCE.get(raw.length);
    if (names === undefined) continue;
    const name = raw.toLowerCase();
    if (!names.includes(name)) continue;
    if (seen === null) seen = [name];
    else if (seen.includes(name)) return name;
    else seen.push(name);
  }
  return null;
}
