// Decides how a fault meets the router in these suites: the faulty upstream on the first rung, a healthy one below it.
// For the tables of upstream faults.
import { expect } from 'vitest';
import { chatReply, chatStream } from '../fakes/chat-fixtures.ts';
import { type FaultUpstream, type Script, startFaultUpstream } from '../fakes/fault-upstream.ts';
import { type RawResponse, strictEvents } from '../fakes/raw-client.ts';
import { CALM, type PoolShape, type Routed, startRouted } from './routed.ts';

export interface Stage {
  readonly routed: Routed;
  /** The first rung. */
  readonly faulty: FaultUpstream;
  /** The second rung, where there is one. */
  readonly healthy: FaultUpstream;
  close(): Promise<void>;
}

export interface StageOptions {
  /** `none`: the faulty pool stands alone. */
  readonly below?: 'substitute' | 'same' | 'none';
  readonly rules?: object;
  readonly shape?: Omit<PoolShape, 'urls'>;
}

/** Many workers at the faulty address, so that a table of faults never meets a breaker that an earlier line opened. */
export async function startStage({ below = 'substitute', rules, shape }: StageOptions = {}): Promise<Stage> {
  const faulty = await startFaultUpstream();
  const healthy = await startFaultUpstream();
  const lower = below === 'none' ? [] : [{ urls: [healthy.url], same: below === 'same' }];
  const pools = [{ urls: [faulty.url], copies: 100, ...shape }, ...lower];
  const routed = await startRouted(pools, { timeouts: CALM, retries: 0, ...rules });
  return {
    routed,
    faulty,
    healthy,
    async close() {
      await routed.closeClean(faulty, healthy);
      await faulty.close();
      await healthy.close();
    },
  };
}

export const always = (upstream: FaultUpstream, script: Script) => upstream.behave(() => script);

export const errorOf = (response: RawResponse) => JSON.parse(response.body.toString()).error;

/** A refusal in JSON that says when to come back, and holds nothing of what the target said. */
export function isRefusal(response: RawResponse, status: number, code: string) {
  expect(response.status, response.body.toString()).toBe(status);
  expect(response.complete).toBe(true);
  expect(errorOf(response)).toMatchObject({ code });
  const seconds = response.headers['retry-after'];
  expect(seconds).toMatch(/^\d+$/);
  expect(Number(seconds)).toBeGreaterThanOrEqual(1);
  expect(Number(seconds)).toBeLessThanOrEqual(55);
  return response;
}

/** The healthy rung's own reply, and a head that says where it came from. */
export function isFromBelow(response: RawResponse, degraded: string | undefined, attempts: unknown = '2') {
  expect(response.status, response.body.toString()).toBe(200);
  expect(response.complete).toBe(true);
  if (response.headers['content-type']!.startsWith('text/event-stream')) {
    expect(response.body.equals(Buffer.concat(chatStream()))).toBe(true);
  } else expect(JSON.parse(response.body.toString())).toEqual(chatReply());
  expect(response.headers).toMatchObject({
    'x-spillway-rung': '2',
    'x-spillway-asked': 'asked',
    'x-spillway-served': 'rung-2/served-2',
    'x-spillway-attempts': attempts,
  });
  expect(response.headers['x-spillway-degraded']).toBe(degraded);
}

/** Exactly the given events, then one error, and neither [DONE] nor half an event. */
export function isCutShort(response: RawResponse, sent: readonly Buffer[], code: string) {
  expect(response).toMatchObject({ status: 200, complete: true });
  const before = Buffer.concat(sent);
  expect(response.body.subarray(0, before.length).toString()).toBe(before.toString());
  const rest = strictEvents(response.body.subarray(before.length));
  expect(rest).toHaveLength(1);
  expect(JSON.parse(rest[0]!.data)).toMatchObject({ error: { code }, request_id: response.headers['x-request-id'] });
}
