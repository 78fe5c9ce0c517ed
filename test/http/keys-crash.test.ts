// Decides what a fault of the router itself tells: nothing but that there was one, neither to the caller nor to the log. For
// operators whose router meets what nobody thought of.

import type { Context } from 'hono';
import { describe, expect, it } from 'vitest';
import { DEFAULT_HTTP_LIMITS } from '../../src/core/limits.ts';
import type { HeaderView } from '../../src/core/transport.ts';
import { createApp } from '../../src/http/app.ts';
import { webIngress } from '../../src/http/web-sink.ts';
import { newRequestId, nodeClock } from '../../src/runtime/node/machine.ts';
import { recordingLog } from '../fakes/recording-log.ts';
import { CALLS } from './keys-stage.ts';

const CANARY = 'canary-0123456789';
const crash = () => {
  const error = new Error(`${CANARY} in the message`);
  error.cause = new Error(CANARY);
  throw Object.assign(error, { detail: CANARY });
};
const CRASHES: Record<string, () => never> = {
  'an error': crash,
  'a text': () => {
    throw CANARY;
  },
  'an object': () => {
    throw { message: CANARY, stack: CANARY };
  },
};

function appOver(fails: () => never, at: 'admission' | 'router') {
  const log = recordingLog();
  const caller = { tenant: 'acme', keyId: null, managed: true, mayAsk: null, routes: null };
  const app = createApp({
    router: { service: async () => fails(), models: async () => fails(), model: async () => fails() },
    ingress: {
      headers: (context: Context) => (context.env as { headers: HeaderView }).headers,
      signal: () => null,
      answer: webIngress.answer,
      body: async (context: Context) => (context.env as { body: Uint8Array }).body,
    } as never,
    admit: () => (at === 'admission' ? fails() : caller),
    limits: DEFAULT_HTTP_LIMITS,
    clock: nodeClock,
    newId: newRequestId,
    log,
    basePath: '/',
    ready: () => true,
  });
  return { app, log };
}

const headers = { 'content-type': 'application/json', authorization: `Bearer ${CANARY}` };

describe.each(Object.entries(CRASHES))('F037 a crash that throws %s', (_name, fails) => {
  it.each(['admission', 'router'] as const)(
    'in the %s is a 500 of fixed text on every route, and the log quotes none of it',
    async (at) => {
      const { app, log } = appOver(fails, at);
      for (const [path, call] of [
        ...Object.entries(CALLS),
        ['/v1/models', null],
        ['/v1/models/asked', null],
      ] as const) {
        const body = new TextEncoder().encode(JSON.stringify({ ...call, user: CANARY }));
        const method = call === null ? 'GET' : 'POST';
        const response = await app.fetch({ method, url: `http://localhost${path}` } as Request, { headers, body });
        const text = await response.text();
        expect([response.status, text], path).toEqual([
          500,
          expect.stringContaining('The fault is ours, and it is logged.'),
        ]);
        expect(text + JSON.stringify([...response.headers])).not.toContain(CANARY);
      }
      expect(log.of('fault')).toHaveLength(Object.keys(CALLS).length + 2);
      expect(log.text()).not.toContain(CANARY);
    },
  );
});
