// Which headers and query parameters of an Anthropic call reach a target, and which never do. For src/dialects/anthropic-head.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CallHead } from '../../src/core/dialect.ts';
import { anthropicCountTokens as count } from '../../src/dialects/anthropic-count-tokens.ts';
import { anthropicMessages as messages } from '../../src/dialects/anthropic-messages.ts';
import { parseCall, toward } from '../fakes/call-parts.ts';
import { bytesOf } from './json-bodies.ts';

const sent = (head: Partial<CallHead>, dialect = messages) =>
  toward(parseCall(dialect, bytesOf('{"model":"m","messages":[]}'), head), 'served');

describe('headers', () => {
  it('version and beta flags go on unchanged, whatever they are', () => {
    const headers = { 'anthropic-version': '2026-10-21', 'anthropic-beta': 'claude-code-20250219, later-flag,x' };
    for (const dialect of [messages, count]) {
      expect(sent({ headers }, dialect).headers).toEqual([
        'anthropic-version',
        '2026-10-21',
        'anthropic-beta',
        'claude-code-20250219, later-flag,x',
      ]);
    }
  });

  it('several lists of beta flags are one list, and a call without a version has the first one', () => {
    expect(sent({ headers: { 'anthropic-beta': ['a,b', 'c'] } }).headers).toEqual([
      'anthropic-version',
      '2023-06-01',
      'anthropic-beta',
      'a,b,c',
    ]);
    expect(sent({ headers: { 'anthropic-beta': '' } }).headers).toEqual(['anthropic-version', '2023-06-01']);
  });

  it('F039 nothing else goes on, credentials least of all', () => {
    const headers = {
      authorization: 'Bearer sk-mine',
      'x-api-key': 'sk-mine',
      'anthropic-dangerous-direct-browser-access': 'true',
      'x-claude-code-session-id': 'e7',
      'x-stainless-lang': 'js',
      cookie: 'a=b',
      'user-agent': 'claude-cli/2',
    };
    expect(sent({ headers }).headers).toEqual(['anthropic-version', '2023-06-01']);
  });

  it.each(['2023\r\nx-api-key: sk', 'ü', 'a\u0000', '\u007f'])('%j is no value to pass on', (value) => {
    for (const name of ['anthropic-version', 'anthropic-beta'])
      expect(() => sent({ headers: { [name]: value } })).toThrow(expect.objectContaining({ code: 'invalid_header' }));
  });
});

describe('the query', () => {
  it.each([
    ['', ''],
    ['?', ''],
    ['?beta=true', '?beta=true'],
    ['?beta=true&&later=%2F%zz+x&x', '?beta=true&&later=%2F%zz+x&x'],
    ['?count_tokens=1&max_tokens=2&keys=3', '?count_tokens=1&max_tokens=2&keys=3'],
  ])('%j goes on as %j, on both routes', (query, kept) => {
    expect(sent({ query }).path).toBe(`/v1/messages${kept}`);
    expect(sent({ query }, count).path).toBe(`/v1/messages/count_tokens${kept}`);
  });

  const credentials = [
    'key',
    'api_key',
    'api-key',
    'apikey',
    'API_KEY',
    'x-api-key',
    'x-goog-api-key',
    'token',
    'access_token',
    'auth_token',
    'id-token',
    'secret',
    'client_secret',
    'password',
    'passwd',
    'authorization',
    'auth',
    'bearer',
    'credentials',
    'sig',
    'X-Amz-Signature',
    'X-Amz-Credential',
    '%6bey',
    'api%5Fkey',
    '%74%6F%6b%65n',
    'key[]',
    'api.key',
    'jwt',
  ];
  it.each(credentials)('F029 F039 a parameter named %s stays here', (name) => {
    for (const query of [`?${name}=sk-mine&beta=true`, `?beta=true&${name}=sk-mine`, `?beta=true&x=1;${name}=sk-mine`])
      expect(sent({ query }).path, query).toBe('/v1/messages?beta=true');
    expect(sent({ query: `?${name}=sk-mine` }).path).toBe('/v1/messages');
    expect(sent({ query: `?${name}` }).path).toBe('/v1/messages');
  });

  it('F039 among any other parameters too, whose bytes are left alone', () => {
    const plain = fc.constantFrom('beta=true', 'a', 'a=', '=b', 'x=%00', 'limit=10', 'y=key', 'z=api_key=1');
    const secret = fc.constantFrom(...credentials).map((name) => `${name}=sk-mine`);
    fc.assert(
      fc.property(fc.array(fc.oneof(plain, secret), { maxLength: 12 }), (parts) => {
        const kept = parts.filter((part) => !part.endsWith('sk-mine'));
        const { path } = sent({ query: parts.length === 0 ? '' : `?${parts.join('&')}` });
        expect(path).toBe(kept.length === 0 ? '/v1/messages' : `/v1/messages?${kept.join('&')}`);
      }),
      { numRuns: 1000 },
    );
  });

  it.each(['?a b', '?a#b', '?a\r\nb', '?ü', `?${'x'.repeat(1024)}`])('%j is refused', (query) => {
    expect(() => sent({ query })).toThrow(expect.objectContaining({ code: 'invalid_value', blame: 'caller' }));
  });

  it('of 1 KiB is not too long', () => {
    expect(sent({ query: `?${'x'.repeat(1023)}` }).path).toHaveLength('/v1/messages'.length + 1024);
  });
});
