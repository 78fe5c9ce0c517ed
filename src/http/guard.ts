// Who may reach this listener at all: known host names, and no page in a browser. For http/app.
import { RouterError } from '../core/errors.ts';
import { type HeaderView, headerOf } from '../core/transport.ts';

export interface GuardRules {
  /** Host names (without port, lower case) that may be asked for beside loopback ones. */
  readonly allowedHosts: readonly string[];
  /** Exact browser origins that may call. */
  readonly allowedOrigins: readonly string[];
  /** Any host name will do: a page that rebinds a name to this address has no key. */
  anyHost?(): boolean;
}

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]']);
const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?$/;

/** Null when the request may pass. A page that rebinds a name to loopback is told apart by its Host, others by Origin. */
export function refuseStranger(headers: HeaderView, rules: GuardRules): RouterError | null {
  const name = hostName(headerOf(headers, 'host'));
  if (name === null) return new RouterError('malformed_request', 'The Host header is missing or malformed.');
  if (!LOOPBACK.has(name) && !rules.allowedHosts.includes(name) && rules.anyHost?.() !== true) {
    const text = `Host "${name}" is not served here. Call 127.0.0.1 or localhost, or add the name to server.allowedHosts.`;
    return new RouterError('host_not_allowed', text);
  }
  const origin = headerOf(headers, 'origin');
  if (origin !== null) {
    if (rules.allowedOrigins.includes(origin)) return null;
    return new RouterError(
      'origin_not_allowed',
      'Pages in a browser may not call this router; see server.allowedOrigins.',
    );
  }
  const site = headerOf(headers, 'sec-fetch-site');
  if (site !== null && site !== 'none' && site !== 'same-origin') {
    return new RouterError(
      'origin_not_allowed',
      'Pages in a browser may not call this router; see server.allowedOrigins.',
    );
  }
  return null;
}

let lastHost = '';
let lastName: string | null = null;

/** The name in a Host header without its port; callers repeat one host, so the last answer is kept. */
function hostName(host: string | null): string | null {
  if (host === null) return null;
  if (host !== lastHost) {
    const named = HOST.exec(host.toLowerCase());
    lastName = named === null || Number(named[2] ?? 0) > 65_535 ? null : named[1]!;
    lastHost = host;
  }
  return lastName;
}

/**
 * Null when the path is in its one canonical spelling. Encoded characters are taken only in a model's name, where
 * clients encode the slash; elsewhere another spelling of a route is no route.
 */
export function refusePath(path: string, modelsPrefix: string): RouterError | null {
  if (path.length > MAX_PATH || !PATH.test(path) || DOTS.test(path)) return notFound();
  if (!path.includes('%')) return null;
  if (!path.startsWith(modelsPrefix)) return notFound();
  try {
    const name = decodeURIComponent(path.slice(modelsPrefix.length));
    return MODEL_NAME.test(name) && !DOTS.test(`/${name}`) ? null : notFound();
  } catch {
    return notFound();
  }
}

const MAX_PATH = 2048;
const PATH = /^\/(?!\/)[A-Za-z0-9._~!$&'()*+,;=:@%/-]*$/;
const DOTS = /\/\/|\/\.{1,2}(\/|$)/;
const MODEL_NAME = /^[^\u0000-\u001f\u007f\\]{1,256}$/u;

function notFound(): RouterError {
  return new RouterError('not_found', 'No such route.');
}
