// What a key may be made with, and what is said of the rest. For src/tenants/key-terms, key-issue and key-state.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyState } from '../../src/tenants/key-state.ts';
import { type KeyTerms, termFaults, visible } from '../../src/tenants/key-terms.ts';
import { digest, HOSTILE_TEXTS, issued, NOW_MS } from './sample-keys.ts';

const ROUTES = ['/v1/chat/completions', '/v1/embeddings'];
const good: KeyTerms = { tenant: 'acme', name: 'CI', expiresMs: null, models: null, routes: null };
const wrong = (terms: Partial<KeyTerms>) => termFaults({ ...good, ...terms }, ROUTES, NOW_MS).map(({ field }) => field);

describe('terms', () => {
  it('that are in order have no faults', () => {
    expect(wrong({})).toEqual([]);
    expect(
      wrong({ name: '', tenant: '0', expiresMs: NOW_MS + 1, models: ['a', 'gpt-*', '*'], routes: ROUTES }),
    ).toEqual([]);
    expect(wrong({ tenant: `a${'_-'.repeat(31)}`, name: 'Ключ Ана 🔑' })).toEqual([]);
  });

  it('a tenant has a name that fits into logs, paths and metrics, and is not the development tenant', () => {
    for (const tenant of ['', 'Acme', '-a', '_a', 'a b', 'a'.repeat(64), 'ä', 'a\n', 'development'])
      expect(wrong({ tenant }), tenant).toEqual(['tenant']);
  });

  it('a name holds nothing that moves a cursor, hides or turns text round', () => {
    for (const name of ['\u001b[2J', 'a\nb', 'a\u0000b', '\u202egpj', 'a\u200bb', '\u2028', '\ud800', 'x'.repeat(129)])
      expect(wrong({ name }), JSON.stringify(name)).toEqual(['name']);
    expect(visible('a\u001b[2J\u202eb')).toBe('a?[2J?b');
  });

  it('an end lies in the future', () => {
    for (const expiresMs of [0, NOW_MS, NOW_MS - 1, Number.NaN, Number.POSITIVE_INFINITY, NOW_MS + 0.5])
      expect(wrong({ expiresMs }), String(expiresMs)).toEqual(['expiresMs']);
  });

  it('scopes are lists of one or more, models by form and routes by name', () => {
    for (const models of [[], [''], ['a b'], ['a', 'ä'], ['x'.repeat(257)], Array.from({ length: 65 }, String)])
      expect(wrong({ models })).toEqual(['models']);
    for (const routes of [[], ['/v1/chat'], ['/v1/embeddings/'], ['*'], [...ROUTES, '']])
      expect(wrong({ routes })).toEqual(['routes']);
  });

  it('F031 hostile text is data where it may stand, refused elsewhere, and never repeated', () => {
    for (const text of HOSTILE_TEXTS) {
      const faults = termFaults({ ...good, tenant: text, models: [text], routes: [text] }, ROUTES, NOW_MS);
      expect(faults.map(({ field }) => field)).toContain('routes');
      if (text.length > 8) expect(JSON.stringify(faults)).not.toContain(JSON.stringify(text).slice(1, -1));
      expect(wrong({ name: text })).toEqual(text.length > 128 ? ['name'] : []);
    }
  });
});

describe('a key that is made', () => {
  it('leaves in its record nothing that it could be made from again', async () => {
    const { key, record } = await issued({
      tenant: 'acme',
      name: 'n',
      models: ['m'],
      routes: ['/r'],
      expiresMs: NOW_MS + 1,
    });
    const hash = Buffer.from(await digest(Buffer.from(key))).toString('hex');
    expect(record).toEqual({
      id: expect.stringMatching(/^key_[0-9a-f]{16}$/),
      tenant: 'acme',
      name: 'n',
      prefix: key.slice(0, 11),
      hash,
      createdMs: NOW_MS,
      expiresMs: NOW_MS + 1,
      revokedMs: null,
      models: ['m'],
      routes: ['/r'],
    });
    expect(JSON.stringify(record)).not.toContain(key.slice(11, 20));
  });

  it('is like no other', async () => {
    const made = await Promise.all(Array.from({ length: 200 }, () => issued()));
    expect(new Set(made.map(({ key }) => key)).size).toBe(200);
    expect(new Set(made.map(({ record }) => record.id)).size).toBe(200);
  });
});

it('a key is active until its expiry, and revoked whatever the time', async () => {
  const { record } = await issued({ expiresMs: NOW_MS + 1000 });
  fc.assert(
    fc.property(fc.integer({ min: NOW_MS - 10_000, max: NOW_MS + 10_000 }), (atMs) => {
      expect(keyState(record, atMs)).toBe(atMs < NOW_MS + 1000 ? 'active' : 'expired');
      expect(keyState({ ...record, revokedMs: NOW_MS + 5_000 }, atMs)).toBe('revoked');
      expect(keyState({ ...record, expiresMs: null }, atMs)).toBe('active');
    }),
  );
});
