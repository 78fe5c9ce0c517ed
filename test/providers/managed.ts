// Decides how a caller with a key meets managed APIs through the production entry, with a clock that can be put forward.
// For the tests of providers.
import { writeFile } from 'node:fs/promises';
import { expect } from 'vitest';
import type { Clock } from '../../src/core/runtime.ts';
import { nodeClock, nodeDigest } from '../../src/runtime/node/machine.ts';
import { createMemoryKeys } from '../../src/stores/memory/keys.ts';
import { issueKey } from '../../src/tenants/key-issue.ts';
import { eventuallyHolds } from '../fakes/eventually.ts';
import { postBytes, type RawResponse, rawRequest } from '../fakes/raw-client.ts';
import { startTestRouter, type TestRouter } from '../fakes/running-router.ts';

export const PROVIDER_KEY = 'sk-canary-provider-4f1c2ab90d7e';
export const PROMPT = 'canary-prompt-8e21';

export interface Managed extends TestRouter {
  /** Of the caller, at the router. */
  readonly key: string;
  /** What the policy's references mean; a change counts from the next reload on. */
  readonly env: Record<string, string>;
  /** Puts the router's clock forward. */
  skip(ms: number): void;
  ask(body: object, options?: AskOptions): Promise<RawResponse>;
  reloadWith(policy: object): Promise<void>;
  /** Closes, after showing that no call, permit or line is left and nothing broke. */
  closeClean(): Promise<void>;
}

export interface AskOptions {
  readonly path?: string;
  readonly headers?: Record<string, string>;
}

export const CHAT = '/v1/chat/completions';
export const MESSAGES = '/v1/messages';
export const chat = (model: string, more: object = {}) => ({
  model,
  messages: [{ role: 'user', content: PROMPT }],
  ...more,
});
export const message = (model: string, more: object = {}) => chat(model, { max_tokens: 64, ...more });
export const errorOf = (response: RawResponse) => JSON.parse(response.body.toString()).error;

/** `policy` is JSON, which is YAML; `version` is added. */
export async function startManaged(policy: object, secrets: Readonly<Record<string, string>> = {}): Promise<Managed> {
  const textOf = (sections: object) => JSON.stringify({ version: 1, ...sections });
  const randomBytes = (length: number) => new Uint8Array(length).map((_, at) => (at * 37 + 11) % 256);
  const terms = { tenant: 'acme', name: '', expiresMs: null, models: null, routes: null };
  const { key, record } = await issueKey(terms, { randomBytes, digest: nodeDigest, wallMs: nodeClock.wallMs() });
  const env: Record<string, string> = { KEY: PROVIDER_KEY, ...secrets };
  let aheadMs = 0;
  const clock: Clock = {
    ...nodeClock,
    nowMs: () => nodeClock.nowMs() + aheadMs,
    wallMs: () => nodeClock.wallMs() + aheadMs,
  };
  const more = { keys: createMemoryKeys([record]), env, clock };
  const router = await startTestRouter({ policy: textOf(policy), more });
  return {
    ...router,
    key,
    env,
    skip(ms) {
      aheadMs += ms;
    },
    ask: (body, { path = CHAT, headers = {} } = {}) =>
      rawRequest(router.port, postBytes(path, body, { authorization: `Bearer ${key}`, ...headers }), {
        deadlineMs: 15_000,
      }),
    async reloadWith(next) {
      await writeFile(router.policyPath, textOf(next));
      expect(await router.running.reload()).toBe(true);
    },
    async closeClean() {
      await eventuallyHolds(() => {
        const { openCalls, pools } = router.running.router.status();
        expect([openCalls, ...pools.map(({ inFlight, waiting }) => inFlight + waiting)]).toEqual([
          0,
          ...pools.map(() => 0),
        ]);
      });
      expect(router.log.of('fault')).toEqual([]);
      await router.close();
    },
  };
}
