// Decides what a key is good for: its models by name, pattern and alias, and its routes; what it may not ask is not there for
// it. For operators who hand out narrow keys.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dialects } from '../../src/dialects/index.ts';
import { getBytes } from '../fakes/raw-client.ts';
import { bearer, CALLS, type KeyedStage, startKeyedStage } from './keys-stage.ts';

let stage: KeyedStage;
const keys = { all: '', exact: '', alias: '', pattern: '', nothing: '', chatRoute: '', noRoute: '' };
beforeAll(async () => {
  stage = await startKeyedStage();
  const terms = {
    exact: { models: ['asked'] },
    alias: { models: ['nickname'] },
    pattern: { models: ['family-a*', 'vec*'] },
    nothing: { models: [] },
    chatRoute: { routes: ['/v1/chat/completions'] },
    noRoute: { routes: [] },
  };
  keys.all = stage.key;
  for (const [name, term] of Object.entries(terms)) keys[name as keyof typeof keys] = (await stage.issue(term)).key;
});
afterAll(() => stage.close());

const CHAT = '/v1/chat/completions';
const POSITIONS = [bearer, (key: string) => ({ 'x-api-key': key })];
const textOf = (body: Buffer) => {
  const said = JSON.parse(body.toString()) as { error?: { message?: string } | string; message?: string };
  return typeof said.error === 'object' ? said.error.message : (said.message ?? said.error);
};

describe('models', () => {
  const CASES: [keyof typeof keys, allowed: string[], forbidden: string[]][] = [
    ['all', ['asked', 'nickname', 'family-a1', 'family-b'], ['none']],
    ['exact', ['asked', 'nickname'], ['family-a1', 'none', 'family-*']],
    ['alias', ['nickname'], ['asked', 'family-a1', 'none']],
    ['pattern', ['family-a1', 'family-a'], ['asked', 'nickname', 'family-b', 'family-*', 'none']],
    ['nothing', [], ['asked', 'nickname', 'family-a1', 'none']],
  ];

  it.each(CASES)('a key for %s is one for what it names and nothing else', async (name, allowed, forbidden) => {
    for (const position of POSITIONS) {
      for (const model of allowed) {
        expect((await stage.call(CHAT, position(keys[name]), { model })).status, model).toBe(200);
        expect((await stage.ask(getBytes(`/v1/models/${model}`, position(keys[name])))).status, model).toBe(200);
      }
      const before = stage.upstream.served;
      for (const model of forbidden) {
        const asked = await stage.call(CHAT, position(keys[name]), { model });
        const looked = await stage.ask(getBytes(`/v1/models/${encodeURIComponent(model)}`, position(keys[name])));
        for (const response of [asked, looked]) {
          expect(response.status, model).toBe(404);
          expect(textOf(response.body)).toMatch(
            new RegExp(`^Model "${model.replace('*', '\\*')}" is not available to this key\\. Available: `),
          );
        }
        expect(textOf(asked.body)).toBe(textOf(looked.body));
      }
      expect(stage.upstream.served).toBe(before);
    }
  });

  it('a model that is forbidden and one that does not exist are told alike on every surface', async () => {
    for (const route of Object.keys(CALLS)) {
      const said = [];
      for (const model of ['asked', 'absent', 'vectors', 'ranks', 'family-b'])
        said.push(
          (await stage.call(route, bearer(keys.nothing), { model })).body
            .toString()
            .replaceAll(model, 'X')
            .replace(/req_\w+/, ''),
        );
      expect(new Set(said).size, route).toBe(1);
      expect(said[0]).toContain('is not available to this key. Available: none.');
    }
  });

  it('GET /v1/models lists what the key may ask and no more, in both forms', async () => {
    const listed = async (key: string, headers: Record<string, string> = {}) => {
      const response = await stage.ask(getBytes('/v1/models', { ...bearer(key), ...headers }));
      return (JSON.parse(response.body.toString()) as { data: { id: string }[] }).data.map(({ id }) => id);
    };
    expect((await listed(keys.all)).sort()).toEqual(['asked', 'nickname', 'ranks', 'vectors']);
    for (const headers of [{}, { 'anthropic-version': '2023-06-01' }] as Record<string, string>[]) {
      expect((await listed(keys.exact, headers)).sort()).toEqual(['asked', 'nickname']);
      expect(await listed(keys.alias, headers)).toEqual(['nickname']);
      expect(await listed(keys.pattern, headers)).toEqual(['vectors']);
      expect(await listed(keys.nothing, headers)).toEqual([]);
    }
  });
});

describe('routes', () => {
  const ROUTES = Object.values(dialects).flatMap(({ routes }) => [...routes]);

  it.each(ROUTES)(
    '%s is a 403 to a key without it, in both positions, and says what the key may call',
    async (route) => {
      const before = stage.upstream.served;
      for (const position of POSITIONS) {
        const one = await stage.call(route, position(keys.chatRoute));
        expect(one.status).toBe(route === CHAT ? 200 : 403);
        if (route !== CHAT) expect(textOf(one.body)).toBe(`This key may not call ${route}. It may call: ${CHAT}.`);
        const none = await stage.call(route, position(keys.noRoute));
        expect([none.status, textOf(none.body)]).toEqual([
          403,
          `This key may not call ${route}. It may call: nothing.`,
        ]);
      }
      expect(stage.upstream.served - before).toBe(route === CHAT ? 2 : 0);
    },
  );

  it('the list of models is a route like the others', async () => {
    for (const path of ['/v1/models', '/v1/models/asked', '/v1/models/none']) {
      expect((await stage.ask(getBytes(path, bearer(keys.chatRoute)))).status).toBe(403);
    }
  });

  it('a scope is told before the body is read', async () => {
    const response = await stage.ask(
      `POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nx-api-key: ${keys.chatRoute}\r\ncontent-length: 1000\r\n\r\n`,
    );
    expect(response.status).toBe(403);
  });
});
