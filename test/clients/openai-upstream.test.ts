// The official SDK through the router to an API that wants a key of its own: credentials, secrets, bytes.
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { agentBody, langchainBody, openaiSdkBody, opencodeBody, qwenCodeBody } from '../fakes/chat-requests.ts';
import { eventuallyHolds } from '../fakes/eventually.ts';
import { type OpenAiApi, startOpenAiApi } from '../fakes/openai-api.ts';
import { startTestRouter, type TestRouter } from '../fakes/running-router.ts';

const KEY = 'sk-canary-provider-4f1c2ab90d7e';
const CALLER_KEY = 'sk-canary-caller-77aa';
const PROMPT = 'canary-prompt-8e21';
let api: OpenAiApi;
let router: TestRouter;
let client: OpenAI;

beforeAll(async () => {
  api = await startOpenAiApi({ keys: [KEY] });
  const policy = `version: 1
pools:
  api: { serves: gpt-5-mini, workers: [ { url: "${api.url.replace(/\/v1$/, '')}", apiKey: $PROVIDER_KEY } ] }
  vectors: { serves: text-embedding-3-small, workers: [ { url: "${api.url.replace(/\/v1$/, '')}", apiKey: $PROVIDER_KEY } ] }
models:
  support: { ladder: [ { pool: api } ] }
  vectors: { class: embed, ladder: [ { pool: vectors } ] }
`;
  router = await startTestRouter({ policy, more: { env: { PROVIDER_KEY: KEY } } });
  client = new OpenAI({
    baseURL: router.baseURL,
    apiKey: CALLER_KEY,
    maxRetries: 0,
    organization: 'org-canary',
    defaultHeaders: { 'x-api-key': CALLER_KEY, cookie: CALLER_KEY, 'x-custom': CALLER_KEY },
  });
});
afterAll(async () => {
  await router.close();
  await api.close();
});
afterEach(async () => {
  await eventuallyHolds(() => {
    const status = router.running.router.status();
    expect([status.openCalls, ...status.pools.map(({ inFlight, waiting }) => inFlight + waiting)]).toEqual([0, 0, 0]);
  });
  expect(router.log.of('fault')).toEqual([]);
});

const messages = [{ role: 'user' as const, content: PROMPT }];
const status = async () => (await fetch(`http://127.0.0.1:${router.adminPort}/status`)).text();
/** What no sink may ever hold: F037. */
async function expectNoCanary(...texts: string[]): Promise<void> {
  for (const text of [...texts, router.log.text(), await status()]) {
    for (const canary of [KEY, CALLER_KEY, PROMPT, 'canary']) expect(text).not.toContain(canary);
  }
}
describe('credentials', () => {
  it('F039 the target sees its own key and nothing of the caller’s', async () => {
    await client.chat.completions.create({ model: 'support', messages });
    const { headers } = api.requests.at(-1)!;
    expect(headers['authorization']).toBe(`Bearer ${KEY}`);
    expect(JSON.stringify(headers)).not.toContain(CALLER_KEY);
    expect(JSON.stringify(headers)).not.toContain('org-canary');
    expect(headers['x-request-id']).toMatch(/^req_/);
    expect(Object.keys(headers).filter((name) => name.startsWith('x-stainless') || name === 'cookie')).toEqual([]);
  });

  it('F037 neither key nor prompt reaches a log line or a status page on success', async () => {
    const stream = client.chat.completions.stream({ model: 'support', messages });
    await stream.finalContent();
    await client.embeddings.create({ model: 'vectors', input: [PROMPT] });
    await expectNoCanary();
  });
});

describe('bytes', () => {
  it.each([
    ['opencode', opencodeBody('support')],
    ['Qwen Code', qwenCodeBody('support')],
    ['the SDK', openaiSdkBody('support')],
    ['LangChain', langchainBody('support')],
    ['an agent of 220 KiB', agentBody(undefined, 'support')],
  ])('the body of %s reaches the target as it is, but for the model', async (_, body) => {
    const asked = body as unknown as OpenAI.ChatCompletionCreateParams;
    const got = await client.chat.completions.create(asked);
    if (Symbol.asyncIterator in got) for await (const _chunk of got);
    const expected = JSON.stringify(body).replace('"model":"support"', '"model":"gpt-5-mini"');
    expect(api.requests.at(-1)!.body).toBe(expected);
  });
});
