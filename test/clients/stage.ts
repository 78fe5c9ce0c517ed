// Decides what client libraries meet: demo workers as processes of their own, and managed APIs behind keys of the operator,
// all behind one router that asks for a key. For the client tests.
import { expect } from 'vitest';
import { nodeClock, nodeDigest } from '../../src/runtime/node/machine.ts';
import { createMemoryKeys } from '../../src/stores/memory/keys.ts';
import { issueKey } from '../../src/tenants/key-issue.ts';
import { type AnthropicApi, startAnthropicApi } from '../fakes/anthropic-api.ts';
import { eventually, eventuallyHolds } from '../fakes/eventually.ts';
import { type OpenAiApi, startOpenAiApi } from '../fakes/openai-api.ts';
import { startRerankApi } from '../fakes/rerank-api.ts';
import { startTestRouter, type TestRouter } from '../fakes/running-router.ts';

const OPERATORS_KEY = 'sk-operator-4f1c2ab90d7e';

export interface Stage {
  readonly router: TestRouter;
  /** The caller's. */
  readonly key: string;
  /** Without a version, as Anthropic's and Cohere's clients want it. */
  readonly origin: string;
  /** With /v1, as OpenAI's clients want it. */
  readonly baseURL: string;
  readonly openai: OpenAiApi;
  readonly anthropic: AnthropicApi;
  /** Closes, after showing that no call is left and nothing broke. */
  close(): Promise<void>;
}

const demo = (kind: string, more: object = {}) => ({
  engine: 'vllm',
  workers: [{ demo: kind, decodeTokensPerSecond: 0, prefillTokensPerSecond: 0 }],
  ...more,
});

export async function startStage(): Promise<Stage> {
  const keys = [OPERATORS_KEY];
  const [openai, anthropic, cohere] = await Promise.all([
    startOpenAiApi({ keys }),
    startAnthropicApi({ keys }),
    startRerankApi('cohere', OPERATORS_KEY),
  ]);
  const provider = (kind: string, { url }: { url: string }) => ({ kind, baseUrl: url, apiKey: '$OPERATORS_KEY' });
  const policy = {
    version: 1,
    pools: {
      'demo-large': demo('chat', { capabilities: ['tools', 'schema'] }),
      'demo-embed': demo('embed'),
      'demo-rerank': demo('rerank'),
    },
    providers: {
      openai: provider('openai', openai),
      anthropic: provider('anthropic', anthropic),
      cohere: provider('cohere', cohere),
    },
    models: {
      'demo-large': { class: 'chat', ladder: [{ pool: 'demo-large' }] },
      'demo-embed': { class: 'embed', ladder: [{ pool: 'demo-embed' }] },
      'demo-rerank': { class: 'rerank', ladder: [{ pool: 'demo-rerank' }] },
      'gpt-*': { class: 'chat', ladder: [{ provider: 'openai' }] },
      'claude-*': { class: 'chat', ladder: [{ provider: 'anthropic' }] },
      'text-embedding-*': { class: 'embed', ladder: [{ provider: 'openai' }] },
      'rerank-*': { class: 'rerank', ladder: [{ provider: 'cohere' }] },
    },
  };
  const terms = { tenant: 'acme', name: '', expiresMs: null, models: null, routes: null };
  const randomBytes = (length: number) => new Uint8Array(length).map((_, at) => (at * 41 + 7) % 256);
  const { key, record } = await issueKey(terms, { randomBytes, digest: nodeDigest, wallMs: nodeClock.wallMs() });
  const more = { keys: createMemoryKeys([record]), env: { OPERATORS_KEY } };
  const router = await startTestRouter({ policy: JSON.stringify(policy), more });
  const status = () => router.running.router.status();
  const isReady = ({ condition }: { condition: string }) => condition === 'ready';
  await eventually(() => status().pools.every(isReady), { deadlineMs: 15_000 });
  return {
    router,
    key,
    origin: `http://127.0.0.1:${router.port}`,
    baseURL: router.baseURL,
    openai,
    anthropic,
    async close() {
      await eventuallyHolds(() => expect(status().openCalls).toBe(0));
      expect(status().pools.map(({ inFlight, waiting }) => inFlight + waiting)).toEqual(status().pools.map(() => 0));
      await router.close();
      for (const api of [openai, anthropic, cohere]) await api.close();
      expect(router.log.of('fault')).toEqual([]);
    },
  };
}

/** What a call through the stage was answered by, in the head of its reply. */
export const served = (headers: Headers | Readonly<Record<string, string>>): string | null =>
  headers instanceof Headers ? headers.get('x-spillway-served') : (headers['x-spillway-served'] ?? null);
