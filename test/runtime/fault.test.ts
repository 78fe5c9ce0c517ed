// Decides which name each code of Node and undici gets, wherever in an error it stands. For the transports.
import { describe, expect, it } from 'vitest';
import type { TransportFaultKind } from '../../src/core/transport.ts';
import { faultOf } from '../../src/runtime/fault.ts';

describe('names of failures', () => {
  const coded = (code: string) => Object.assign(new Error('text'), { code });
  const rows: [code: string, kind: TransportFaultKind][] = [
    ['ECONNREFUSED', 'refused'],
    ['EHOSTUNREACH', 'refused'],
    ['ENETUNREACH', 'refused'],
    ['ENOTFOUND', 'dns'],
    ['EAI_AGAIN', 'dns'],
    ['UND_ERR_CONNECT_TIMEOUT', 'connect_timeout'],
    ['ETIMEDOUT', 'connect_timeout'],
    ['UND_ERR_HEADERS_OVERFLOW', 'headers_too_large'],
    ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'protocol'],
    ['HPE_INVALID_CONSTANT', 'protocol'],
    ['CERT_HAS_EXPIRED', 'tls'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'tls'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'tls'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'tls'],
    ['EPROTO', 'tls'],
    ['ECONNRESET', 'reset'],
    ['UND_ERR_SOCKET', 'reset'],
    ['EPIPE', 'reset'],
    ['SOMETHING_NEW', 'reset'],
  ];
  for (const [code, kind] of rows) {
    it(`F055 F056 ${code} is ${kind}, also as the cause of another error`, () => {
      expect(faultOf(coded(code)).kind).toBe(kind);
      expect(faultOf(new Error('outer', { cause: coded(code) })).kind).toBe(kind);
      expect(faultOf(new AggregateError([coded(code), coded('EPIPE')], 'all')).kind).toBe(kind);
    });
  }

  it('an error without a code is a reset', () => {
    expect(faultOf(new Error('text')).kind).toBe('reset');
    expect(faultOf(new AggregateError([], 'none')).kind).toBe('reset');
  });
});
