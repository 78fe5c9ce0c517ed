// Names a failure below HTTP by the codes that Node and undici give it. For transports, on any runtime.
import type { TransportFault, TransportFaultKind } from '../core/transport.ts';

const KINDS: Readonly<Record<string, TransportFaultKind>> = {
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'refused',
  ENETUNREACH: 'refused',
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  EAI_FAIL: 'dns',
  ESERVFAIL: 'dns',
  UND_ERR_CONNECT_TIMEOUT: 'connect_timeout',
  ETIMEDOUT: 'connect_timeout',
  UND_ERR_HEADERS_OVERFLOW: 'headers_too_large',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'protocol',
};

/** Node's own codes, OpenSSL's verdicts on a certificate, and a handshake that is none. */
const TLS = /CERT|TLS|SSL|SELF_SIGNED|ALTNAME|^UNABLE_TO_|^INVALID_CA$|^EPROTO$/;

/** Names the fault; the text is for the operator's log alone. A runtime that gives no codes has nothing but resets. */
export function faultOf(error: Error): TransportFault {
  const { code, name } = telling(error);
  const text = `${code} ${error.message}`;
  const known = KINDS[code];
  if (known !== undefined) return { kind: known, text };
  // Undici's parser errors carry no code of their own.
  if (code.startsWith('HPE_') || name === 'HTTPParserError') return { kind: 'protocol', text };
  if (TLS.test(code)) return { kind: 'tls', text };
  return { kind: 'reset', text };
}

/** The code and name of the error, or of the first of its causes that has either to tell. */
function telling(error: Error): { code: string; name: string } {
  const own = (error as { code?: unknown }).code;
  if (typeof own === 'string') return { code: own, name: error.name };
  if (error.name === 'HTTPParserError') return { code: '', name: error.name };
  // Happy eyeballs reports all addresses in one; the first speaks for them.
  const inner = error instanceof AggregateError ? error.errors[0] : error.cause;
  return inner instanceof Error ? telling(inner) : { code: '', name: error.name };
}
