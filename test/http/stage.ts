// Decides what stands around a test of the HTTP surface: one fault upstream, one production router, and what must be
// true of every refusal and of the house after the last caller has gone. For tests in test/http.

import { expect } from 'vitest';
import type { HttpLimits } from '../../src/core/limits.ts';
import { eventuallyHolds } from '../fakes/eventually.ts';
import { type FaultUpstream, startFaultUpstream } from '../fakes/fault-upstream.ts';
import { postBytes, type RawResponse, rawRequest } from '../fakes/raw-client.ts';
import { policyFor, startTestRouter, type TestRouter } from '../fakes/running-router.ts';

export const CHAT = '/v1/chat/completions';

export const chatBody = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
  model: 'asked',
  messages: [{ role: 'user', content: 'Say hello.' }],
  ...more,
});

export interface Stage {
  readonly upstream: FaultUpstream;
  readonly router: TestRouter;
  readonly port: number;
  readonly adminPort: number;
  /** One request on a connection of its own. */
  ask(bytes: Uint8Array | string, deadlineMs?: number): Promise<RawResponse>;
  /** A chat call with a good head; `body` may be bytes, text or a value. */
  post(body: unknown, headers?: Record<string, string>, path?: string): Promise<RawResponse>;
  /** A plain call goes all the way through: nothing that came before has hurt the router. */
  works(): Promise<void>;
  /** No call is open, nobody waits, no slot is held, no caller is connected. */
  quiet(): Promise<void>;
  /** Also asserts that nothing is left behind. */
  close(): Promise<void>;
}

export interface StageOptions {
  readonly limits?: Partial<HttpLimits>;
  /** From the upstream's URL; without it one pool and the models `asked` and `vectors`. */
  policy?(url: string): string;
}

export async function startStage(options: StageOptions = {}): Promise<Stage> {
  const upstream = await startFaultUpstream();
  const policy = options.policy ?? ((url: string) => policyFor([url]));
  const { limits } = options;
  const router = await startTestRouter({
    policy: policy(upstream.url),
    ...(limits === undefined ? {} : { limits }),
  });
  const ask = (bytes: Uint8Array | string, deadlineMs = 8_000) => rawRequest(router.port, bytes, { deadlineMs });
  const stage: Stage = {
    upstream,
    router,
    port: router.port,
    adminPort: router.adminPort,
    ask,
    post: (body, headers = {}, path = CHAT) => ask(postBytes(path, body, headers)),
    async works() {
      const response = await stage.post(chatBody(), { connection: 'close' });
      expect(response.status).toBe(200);
      expect(response.headers['x-spillway-served']).toBe('pool-1/served-1');
    },
    async quiet() {
      await eventuallyHolds(async () => {
        const { openCalls, pools } = router.running.router.status();
        expect(openCalls).toBe(0);
        for (const pool of pools) {
          expect(pool).toMatchObject({ inFlight: 0, waiting: 0 });
          for (const worker of pool.workers) expect(worker.inFlight).toBe(0);
        }
        expect(await router.running.connections()).toBe(0);
      });
    },
    async close() {
      try {
        await stage.quiet();
        expect(router.log.of('fault')).toEqual([]);
      } finally {
        await router.close();
        await upstream.waitFor((one) => one.connections === 0);
        await upstream.close();
      }
    },
  };
  return stage;
}

export interface Refused {
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
  readonly code: string;
}

/** The one shape of every refusal; the rest of its meaning is the caller's to assert. */
export function refusalOf(response: RawResponse): Refused {
  expect(response.complete, 'the refusal is whole').toBe(true);
  expect(response.headers['content-type']).toBe('application/json');
  expect(response.headers['x-request-id']).toMatch(/^req_[0-9a-f]{32}$/);
  expect(response.headers['cache-control']).toBe('no-store');
  expect(response.headers['content-length']).toBe(String(response.body.length));
  const parsed = JSON.parse(response.body.toString()) as { error: Refused };
  expect(Object.keys(parsed)).toEqual(['error']);
  expect(Object.keys(parsed.error)).toEqual(['message', 'type', 'param', 'code']);
  expect(parsed.error.message.length).toBeGreaterThan(10);
  return parsed.error;
}

export function expectRefusal(response: RawResponse, status: number, code: string): Refused {
  const error = refusalOf(response);
  expect({ status: response.status, code: error.code }, error.message).toEqual({ status, code });
  return error;
}

/** Refused, and the connection is gone: what follows on it cannot be trusted. */
export function expectClosed(response: RawResponse, status: number, code: string): Refused {
  const error = expectRefusal(response, status, code);
  expect(response.headers['connection']).toBe('close');
  expect(response.closed, 'the connection is closed').toBeDefined();
  return error;
}
