// Decides what stands around a test of the door: a router that asks for keys, one key of each fate, an upstream that answers
// every surface, and a store whose every call is counted. For tests of keys in test/http.

import { expect } from 'vitest';
import type { KeyRecord, KeyStore } from '../../src/core/keys.ts';
import type { NodeOptions } from '../../src/entry/node.ts';
import { createMemoryKeys } from '../../src/stores/memory/keys.ts';
import type { IssuedKey } from '../../src/tenants/key-issue.ts';
import { eventually } from '../fakes/eventually.ts';
import { type FaultUpstream, type LoggedRequest, reply, startFaultUpstream } from '../fakes/fault-upstream.ts';
import { plainReply } from '../fakes/plain-reply.ts';
import { postBytes, type RawResponse, rawRequest } from '../fakes/raw-client.ts';
import { startTestRouter, type TestRouter } from '../fakes/running-router.ts';
import { issued } from '../tenants/sample-keys.ts';

const messages = [{ role: 'user', content: 'Hi' }];
const ranked = { query: 'a', documents: ['b', 'c'] };

/** One good call for every route of every dialect. */
export const CALLS: Readonly<Record<string, Record<string, unknown>>> = {
  '/v1/chat/completions': { model: 'asked', messages },
  '/v1/completions': { model: 'asked', prompt: 'Hi' },
  '/v1/responses': { model: 'asked', input: 'Hi' },
  '/v1/messages': { model: 'asked', max_tokens: 9, messages },
  '/v1/messages/count_tokens': { model: 'asked', messages },
  '/v1/embeddings': { model: 'vectors', input: 'Hi' },
  '/v2/rerank': { model: 'ranks', ...ranked },
  '/v1/rerank': { model: 'ranks', ...ranked },
  '/rerank': { model: 'ranks', ...ranked },
};
export const STREAMED = ['/v1/chat/completions', '/v1/completions', '/v1/responses', '/v1/messages'];

const REPLIES: Readonly<Record<string, unknown>> = {
  '/v1/messages': { type: 'message', role: 'assistant', model: 'm', content: [{ type: 'text', text: 'Hi' }] },
  '/v1/messages/count_tokens': { input_tokens: 3 },
  '/v1/responses': { id: 'resp_1', object: 'response', status: 'completed', model: 'm', output: [] },
  '/v2/rerank': { id: 'a', results: [1, 0].map((index) => ({ index, relevance_score: 0.9 - index / 2 })) },
};

export const answerAll = (request: LoggedRequest) => {
  const body = REPLIES[request.path.replace(/\?.*/, '')];
  return body === undefined ? plainReply(request) : [reply(200, JSON.stringify(body))];
};

/** What the router sends to its targets; no caller and no log may ever see it. */
export const WORKER_KEY = 'sk-canary-worker-0123456789';

const CHAT_SPEAKS = [
  'openai-chat',
  'openai-completions',
  'openai-responses',
  'anthropic-messages',
  'anthropic-count-tokens',
];

/** Models of all classes at one upstream. */
export function keyedPolicy(url: string, more: Record<string, unknown> = {}) {
  // So many that those which a test makes fail leave others.
  const workers = Array(100).fill({ url, apiKey: '$WORKER_KEY' });
  return {
    version: 1,
    telemetry: { log: 'debug' },
    pools: {
      chat: { serves: 'served', speaks: CHAT_SPEAKS, workers },
      embed: { serves: 'served', workers },
      rank: { serves: 'served', rerank: { form: 'cohere', scores: 'probability' }, workers },
    },
    models: {
      asked: { class: 'chat', aliases: ['nickname'], ladder: [{ pool: 'chat' }] },
      'family-*': { class: 'chat', ladder: [{ pool: 'chat' }] },
      vectors: { class: 'embed', ladder: [{ pool: 'embed' }] },
      ranks: { class: 'rerank', ladder: [{ pool: 'rank' }] },
    },
    classes: { chat: { retries: 0 }, embed: { retries: 0 }, rerank: { retries: 0 } },
    ...more,
  };
}

export interface KeyedStage {
  readonly upstream: FaultUpstream;
  readonly router: TestRouter;
  readonly port: number;
  readonly adminPort: number;
  readonly store: KeyStore;
  /** Calls of the store since the start. */
  readonly storeCalls: number;
  readonly key: string;
  readonly refusedKeys: Readonly<Record<'unknown' | 'revoked' | 'expired' | 'malformed', string>>;
  ask(bytes: Uint8Array | string): Promise<RawResponse>;
  /** The good call of a route. */
  call(path: string, headers?: Record<string, string>, more?: Record<string, unknown>): Promise<RawResponse>;
  /** Makes a key and waits until it is in force. */
  issue(terms: Parameters<typeof issued>[0]): Promise<IssuedKey>;
  close(): Promise<void>;
}

export const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

export interface KeyedOptions {
  readonly policy?: (url: string) => Record<string, unknown>;
  readonly more?: Partial<NodeOptions>;
}

export async function startKeyedStage({ policy = keyedPolicy, more = {} }: KeyedOptions = {}): Promise<KeyedStage> {
  const upstream = await startFaultUpstream();
  upstream.behave(answerAll);
  const [good, revoked, expired, unknown] = await Promise.all([
    issued(),
    issued(),
    issued({ expiresMs: Date.now() - 1_000 }),
    issued(),
  ]);
  const records: KeyRecord[] = [good.record, { ...revoked.record, revokedMs: 1 }, expired.record];
  const { store, calls } = countedStore(records);
  const router = await startTestRouter({
    policy: JSON.stringify(policy(upstream.url)),
    more: { keys: store, env: { WORKER_KEY }, ...more },
  });
  const ask = (bytes: Uint8Array | string) => rawRequest(router.port, bytes);
  return {
    upstream,
    router,
    port: router.port,
    adminPort: router.adminPort,
    store,
    get storeCalls() {
      return calls.count;
    },
    key: good.key,
    refusedKeys: {
      unknown: unknown.key,
      revoked: revoked.key,
      expired: expired.key,
      malformed: `${good.key.slice(0, -1)}${good.key.endsWith('0') ? '1' : '0'}`,
    },
    ask,
    call: (path, headers = {}, fields = {}) => ask(postBytes(path, { ...CALLS[path], ...fields }, headers)),
    async issue(terms) {
      const made = await issued(terms);
      const loads = router.log.of('keys_loaded').length;
      await store.add(made.record);
      await eventually(() => router.log.of('keys_loaded').length > loads);
      return made;
    },
    async close() {
      expect(router.log.of('fault')).toEqual([]);
      await router.close();
      await upstream.close();
    },
  };
}

function countedStore(records: readonly KeyRecord[]) {
  const inner = createMemoryKeys(records);
  const calls = { count: 0 };
  const counted = <T>(value: T): T => {
    calls.count++;
    return value;
  };
  const store: KeyStore = { ...inner, all: () => counted(inner.all()), version: () => counted(inner.version()) };
  return { store, calls };
}
