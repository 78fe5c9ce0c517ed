// What a provider's 429 and 402 mean for the calls that come after: whose limit it is, and for how long. For providers.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AnthropicApi, startAnthropicApi } from '../fakes/anthropic-api.ts';
import { billing, rate } from '../fakes/managed-failures.ts';
import { type OpenAiApi, startOpenAiApi } from '../fakes/openai-api.ts';
import { chat, errorOf, type Managed, MESSAGES, message, PROMPT, PROVIDER_KEY, startManaged } from './managed.ts';

const echoed = { key: PROVIDER_KEY, prompt: PROMPT };
let one: OpenAiApi;
let twin: OpenAiApi;
let other: OpenAiApi;
let claude: AnthropicApi;
let router: Managed;

const provider = (api: { url: string }, kind: string, more: object = {}) => ({
  kind,
  baseUrl: api.url,
  apiKey: '$KEY',
  ...more,
});
const policy = () => ({
  providers: {
    one: provider(one, 'openai'),
    // Paid from the same account, at another address.
    twin: provider(twin, 'openai', { quotaDomain: 'one' }),
    other: provider(other, 'openai'),
    claude: provider(claude, 'anthropic'),
  },
  models: {
    alone: { ladder: [{ provider: 'one/gpt-5-mini' }] },
    small: { ladder: [{ provider: 'one/gpt-4o-mini' }] },
    paired: { ladder: [{ provider: 'one/gpt-5-mini' }, { provider: 'twin/gpt-5-mini', same: true }] },
    twin: { ladder: [{ provider: 'twin/gpt-5-mini' }] },
    'twin-small': { ladder: [{ provider: 'twin/gpt-4o-mini' }] },
    saved: { ladder: [{ provider: 'one/gpt-5-mini' }, { provider: 'other/gpt-5-mini', same: true }] },
    other: { ladder: [{ provider: 'other/gpt-5-mini' }] },
    'claude-*': { ladder: [{ provider: 'claude' }] },
  },
  // No waiting in line: what is paused is refused at once.
  classes: { chat: { queue: { wait: '0s' } } },
});

beforeEach(async () => {
  const options = { keys: [PROVIDER_KEY] };
  [one, twin, other] = await Promise.all([startOpenAiApi(options), startOpenAiApi(options), startOpenAiApi(options)]);
  claude = await startAnthropicApi(options);
  router = await startManaged(policy());
});
afterEach(async () => {
  await router.closeClean();
  for (const api of [one, twin, other, claude]) await api.close();
});

const ask = (model: string) => router.ask(chat(model));
const askClaude = (model = 'claude-opus-5-5') => router.ask(message(model), { path: MESSAGES });

describe('F068 money is gone', () => {
  it.each(billing('openai', echoed))(
    'OpenAI’s $what: one request, no hint to come back, then none for a minute',
    async (failure) => {
      one.fail(failure, 9);
      const first = await ask('alone');
      expect([first.status, errorOf(first).code]).toEqual([502, 'upstream_unfunded']);
      expect(first.headers['retry-after']).toBeUndefined();
      expect(first.headers['x-should-retry']).toBe('false');
      expect(one.requests).toHaveLength(1);
      // The account as a whole: another model of it, and another provider that is paid from it, are left alone.
      for (const model of ['alone', 'small', 'twin', 'twin-small', 'paired']) {
        const later = await ask(model);
        expect([later.status, errorOf(later).code]).toEqual([502, 'upstream_unfunded']);
        expect([later.headers['retry-after'], later.headers['x-should-retry']]).toEqual([undefined, 'false']);
      }
      expect([one.requests.length, twin.requests.length]).toEqual([1, 0]);
      expect((await ask('other')).status).toBe(200);
      router.skip(61_000);
      await ask('alone');
      expect(one.requests).toHaveLength(2);
    },
  );

  it.each(billing('anthropic', echoed))('Anthropic’s $what: one request, then none for a minute', async (failure) => {
    claude.fail(failure, 9);
    const first = await askClaude();
    expect(first.status).toBe(502);
    expect(first.headers['retry-after']).toBeUndefined();
    for (const model of ['claude-opus-5-5', 'claude-haiku-5-5']) expect((await askClaude(model)).status).toBe(502);
    expect(claude.requests).toHaveLength(1);
  });

  it('F069 a rung of the same account is passed over in the very same call; one of another account answers', async () => {
    const [failure] = billing('openai', echoed);
    one.fail(failure!, 9);
    expect((await ask('paired')).status).toBe(502);
    expect([one.requests.length, twin.requests.length]).toEqual([1, 0]);
    const saved = await ask('saved');
    expect(saved.status).toBe(200);
    expect(saved.headers).toMatchObject({ 'x-spillway-rung': '2', 'x-spillway-served': 'other/gpt-5-mini' });
    expect(saved.headers['x-spillway-degraded']).toBeUndefined();
    expect(one.requests).toHaveLength(1);
  });
});

describe('F068 a rate limit', () => {
  const table = rate('openai', echoed, 40, Date.now()).map(({ what }, at) => ({ what, at }));
  it.each(table)(
    'said by $what: the model is left alone for as long, on every provider of the account',
    async ({ at }) => {
      one.fail(rate('openai', echoed, 40, Date.now())[at]!, 1, 'gpt-5-mini');
      const first = await ask('alone');
      expect([first.status, errorOf(first).code]).toEqual([429, 'capacity_contended']);
      expectHint(first.headers['retry-after'], 40);
      for (const model of ['alone', 'twin']) {
        const later = await ask(model);
        expect(later.status).toBe(429);
        expectHint(later.headers['retry-after'], 40);
      }
      expect([one.requests.length, twin.requests.length]).toEqual([1, 0]);
      // Another model of the account has limits of its own, and another account its own for this model.
      for (const model of ['small', 'twin-small', 'other']) expect((await ask(model)).status).toBe(200);
      router.skip(36_000);
      expect((await ask('twin')).status).toBe(429);
      router.skip(5_000);
      expect((await ask('twin')).status).toBe(200);
    },
  );

  const claudes = rate('anthropic', echoed, 40, Date.now()).map(({ what }, at) => ({ what, at }));
  it.each(claudes)('of Anthropic’s, said by $what: that model alone is left alone', async ({ at }) => {
    claude.fail(rate('anthropic', echoed, 40, Date.now())[at]!, 9, 'claude-opus-5-5');
    expect((await askClaude()).status).toBe(429);
    expectHint((await askClaude()).headers['retry-after'], 40);
    expect(claude.requests).toHaveLength(1);
    expect((await askClaude('claude-haiku-5-5')).status).toBe(200);
    router.skip(41_000);
    // The fake still refuses: what counts is that it was asked again.
    await askClaude();
    expect(claude.requests).toHaveLength(3);
  });

  it('F068 an absurd hint is cut to a minute', async () => {
    one.fail({ status: 429, headers: { 'retry-after': '86400' } });
    expect((await ask('alone')).headers['retry-after']).toMatch(/^(4[89]|5[0-5])$/);
    router.skip(61_000);
    expect((await ask('alone')).status).toBe(200);
  });

  it('F069 a call that may wait in line waits a short pause out, and is asked once', async () => {
    await router.reloadWith({ ...policy(), classes: { chat: { queue: { wait: '10s' } } } });
    one.fail({ status: 429, headers: { 'retry-after-ms': '150' } });
    const calls = await Promise.all([ask('alone'), ask('alone')]);
    expect(calls.map(({ status }) => status)).toEqual([200, 200]);
    expect(one.requests).toHaveLength(3);
  });

  it('F068 F069 a refused call waits for the pause once, and not at all where none is told or it is too long', async () => {
    await router.reloadWith({ ...policy(), classes: { chat: { queue: { wait: '2s' } } } });
    const refusals = async (headers: Record<string, string>, asked: number) => {
      const before = one.requests.length;
      one.fail({ status: 429, headers }, asked);
      expect((await ask('alone')).status).toBe(429);
      expect(one.requests).toHaveLength(before + asked);
    };
    await refusals({ 'retry-after-ms': '50' }, 2);
    router.skip(1_000);
    await refusals({}, 1);
    router.skip(1_000);
    await refusals({ 'retry-after': '30' }, 1);
  });

  it('F070 the first refusal moves the call on, with no hint and no setting', async () => {
    one.fail({ status: 429, body: '' });
    const saved = await ask('saved');
    expect([saved.status, saved.headers['x-spillway-rung']]).toEqual([200, '2']);
  });
});

describe('a reload', () => {
  it('with another key asks with that one at once; with the same one a pause stays', async () => {
    one.fail({ status: 429, headers: { 'retry-after': '30' } });
    await ask('alone');
    await router.reloadWith({ ...policy(), telemetry: { log: 'debug' } });
    expect((await ask('alone')).status).toBe(429);
    expect(one.requests).toHaveLength(1);
    router.skip(31_000);
    router.env['KEY'] = 'sk-renewed';
    await router.reloadWith(policy());
    expect((await ask('alone')).status).toBe(502);
    expect(one.requests.at(-1)!.headers['authorization']).toBe('Bearer sk-renewed');
    router.env['KEY'] = PROVIDER_KEY;
    await router.reloadWith(policy());
    // The refused key's pause was the old worker's own.
    expect((await ask('alone')).status).toBe(200);
  });
});

/** Spread by a fifth either way, whole seconds, at most 55. */
function expectHint(header: string | undefined, seconds: number): void {
  expect(header).toMatch(/^\d+$/);
  expect(Number(header)).toBeGreaterThanOrEqual(Math.floor((seconds - 2) * 0.8));
  expect(Number(header)).toBeLessThanOrEqual(Math.min(55, Math.ceil(seconds * 1.2)));
}
