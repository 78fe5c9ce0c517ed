// Every way in which a provider refuses and fails, in both families: what callers hear, who answers instead, and that nothing
// of it is repeated. For providers.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type AnthropicApi, startAnthropicApi } from '../fakes/anthropic-api.ts';
import { billing, callersFaults, type Family, outages, rate } from '../fakes/managed-failures.ts';
import { type OpenAiApi, startOpenAiApi } from '../fakes/openai-api.ts';
import { CHAT, chat, errorOf, type Managed, MESSAGES, message, PROMPT, PROVIDER_KEY, startManaged } from './managed.ts';

const echoed = { key: PROVIDER_KEY, prompt: PROMPT };
let openai: OpenAiApi;
let claude: AnthropicApi;
let spare: OpenAiApi;
let elsewhere: Server;
let strays = 0;
let router: Managed;

beforeAll(async () => {
  const keys = [PROVIDER_KEY];
  openai = await startOpenAiApi({ keys });
  spare = await startOpenAiApi({ keys });
  claude = await startAnthropicApi({ keys });
  elsewhere = createServer((_incoming, outgoing) => {
    strays++;
    outgoing.end('{}');
  });
  await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
  const at = (kind: string, baseUrl: string) => ({ kind, baseUrl, apiKey: '$KEY' });
  router = await startManaged({
    telemetry: { log: 'debug' },
    providers: {
      openai: at('openai', openai.url),
      spare: at('openai', spare.url),
      claude: at('anthropic', claude.url),
      twin: at('anthropic', claude.url),
    },
    models: {
      'gpt-5-mini': { ladder: [{ provider: 'openai' }] },
      saved: { ladder: [{ provider: 'openai/gpt-5-mini' }, { provider: 'spare/gpt-5-mini', same: true }] },
      'claude-opus-5-5': { ladder: [{ provider: 'claude' }] },
      'claude-saved': {
        ladder: [{ provider: 'claude/claude-opus-5-5' }, { provider: 'twin/claude-haiku-5-5', same: true }],
      },
    },
    // One try at each rung, and no waiting in line.
    classes: { chat: { queue: { wait: '0s' }, retries: 0 } },
  });
});
afterAll(async () => {
  await router.closeClean();
  for (const api of [openai, spare, claude]) await api.close();
  await new Promise((resolve) => elsewhere.close(resolve));
});
/** No pause and no open breaker may reach into the next case. */
afterEach(() => router.skip(600_000));

const FAMILIES = {
  openai: { model: 'gpt-5-mini', served: 'gpt-5-mini', saved: 'saved', path: CHAT, body: chat },
  anthropic: {
    model: 'claude-opus-5-5',
    served: 'claude-opus-5-5',
    saved: 'claude-saved',
    path: MESSAGES,
    body: message,
  },
} as const;
const apiOf = (family: Family) => (family === 'openai' ? openai : claude);

const others = ['openai', 'anthropic'].flatMap((name) => {
  const family = name as Family;
  const failures = [...billing(family, echoed), ...rate(family, echoed, 9, Date.now()), ...outages(family, echoed)];
  return failures.map((failure) => ({ family, ...failure }));
});

/** All that anybody but the provider may see. */
async function expectNoEcho(...texts: string[]): Promise<void> {
  const status = await (await fetch(`http://127.0.0.1:${router.adminPort}/status`)).text();
  for (const text of [...texts, status, router.log.text()]) {
    for (const canary of [PROVIDER_KEY, PROMPT, router.key, 'canary']) expect(text).not.toContain(canary);
  }
}

describe.each([false, true])('a provider fails (stream: %s)', (stream) => {
  it.each(others)(
    'F037 F038 $family: $what is said once, in the router’s own words',
    async ({ family, ...failure }) => {
      const { model, served, path, body } = FAMILIES[family];
      const { requests } = apiOf(family);
      const before = requests.length;
      apiOf(family).fail(failure, 1, served);
      const reply = await router.ask(body(model, { stream }), { path });
      expect(reply.status, reply.body.toString()).toBeGreaterThanOrEqual(429);
      expect(reply.headers['content-type']).toBe('application/json');
      expect(errorOf(reply).message).toMatch(/openai|claude|target/);
      expect(requests.length - before).toBe(1);
      await expectNoEcho(reply.rawHead, reply.body.toString());
    },
  );

  it.each(others)(
    'F070 $family: behind $what the next rung answers in the same call',
    async ({ family, ...failure }) => {
      const { saved, served, path, body } = FAMILIES[family];
      const { requests } = apiOf(family);
      const before = requests.length;
      apiOf(family).fail(failure, 1, served);
      const reply = await router.ask(body(saved, { stream }), { path });
      expect(reply.status, reply.body.toString()).toBe(200);
      expect(reply.headers).toMatchObject({ 'x-spillway-rung': '2', 'x-spillway-attempts': '2' });
      expect(reply.headers).not.toHaveProperty('x-spillway-degraded');
      expect(requests.length - before).toBe(family === 'openai' ? 1 : 2);
      await expectNoEcho(reply.rawHead, reply.body.toString());
    },
  );
});

const faults = (['openai', 'anthropic'] as const).flatMap((family) =>
  callersFaults(family, echoed).map((failure) => ({ family, ...failure })),
);
it.each(faults)(
  'F038 $family: $what is the caller’s own, asks no other rung and repeats nothing',
  async ({ family, ...failure }) => {
    const { saved, served, path, body } = FAMILIES[family];
    const before = spare.requests.length;
    apiOf(family).fail(failure, 1, served);
    const reply = await router.ask(body(saved), { path });
    expect([reply.status, reply.headers['x-should-retry']]).toEqual([400, 'false']);
    expect(spare.requests.length).toBe(before);
    await expectNoEcho(reply.rawHead, reply.body.toString());
    expect((await router.ask(body(saved), { path })).headers['x-spillway-rung']).toBe('1');
  },
);

it.each([301, 302, 303, 307, 308])('F035 a redirect (%s) is not followed', async (status) => {
  const location = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/v1/chat/completions`;
  openai.fail({ status, headers: { location }, body: '' });
  const reply = await router.ask(chat('gpt-5-mini'));
  expect([reply.status, errorOf(reply).code]).toEqual([502, 'upstream_error']);
  expect(reply.headers).not.toHaveProperty('location');
  expect(strays).toBe(0);
});

it('F035 a caller cannot choose where a call goes, by body or by header', async () => {
  const url = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/v1`;
  const before = openai.requests.length;
  for (const field of ['base_url', 'api_base']) {
    const refused = await router.ask(chat('gpt-5-mini', { [field]: url }));
    expect([refused.status, errorOf(refused).param]).toEqual([400, field]);
  }
  expect(openai.requests.length).toBe(before);
  const headers = { 'x-base-url': url, 'x-portkey-custom-host': url, 'openai-base-url': url };
  expect((await router.ask(chat('gpt-5-mini'), { headers })).status).toBe(200);
  expect([openai.requests.length - before, strays]).toEqual([1, 0]);
});

it('F037 neither key nor prompt reaches a log line or a status page on success', async () => {
  for (const stream of [true, false]) {
    for (const { model, path, body } of Object.values(FAMILIES)) {
      const reply = await router.ask(body(model, { stream }), { path });
      expect(reply.status).toBe(200);
      await expectNoEcho(reply.rawHead);
    }
  }
});
