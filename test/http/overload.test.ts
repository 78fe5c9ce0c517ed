// Decides that a process which can take nothing refuses before it looks at a key or a body, and counts what it refused.
import { describe, expect, it } from 'vitest';
import { DEFAULT_HTTP_LIMITS } from '../../src/core/limits.ts';
import { type CallFacts, NO_METRICS } from '../../src/core/metrics.ts';
import type { Pressure } from '../../src/core/pressure.ts';
import { createApp } from '../../src/http/app.ts';
import type { Ingress } from '../../src/http/ingress.ts';
import { createTurnAway } from '../../src/http/overload.ts';
import { webIngress } from '../../src/http/web-sink.ts';
import { recordingLog } from '../fakes/recording-log.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';

function started() {
  const pressure = { step: 5, closesConnections: true, sheds: () => true };
  const looked: string[] = [];
  const calls: CallFacts[] = [];
  const refused: string[][] = [];
  const metrics = {
    ...NO_METRICS,
    call: (facts: CallFacts) => void calls.push(facts),
    refused: (...facts: string[]) => void refused.push(facts),
  };
  const randoms = [0, 0.999, 0.5];
  const ingress: Ingress = {
    ...webIngress,
    body() {
      looked.push('body');
      return Promise.reject(new Error('not reached'));
    },
  };
  const app = createApp({
    router: { service: () => Promise.reject(new Error('not reached')), models: () => [], model: () => null },
    ingress,
    admit() {
      looked.push('key');
      throw new Error('not reached');
    },
    limits: DEFAULT_HTTP_LIMITS,
    clock: new VirtualClock(),
    newId: () => 'req_1',
    log: recordingLog(),
    ready: () => true,
    basePath: '/',
    turnAway: createTurnAway(pressure as Pressure, metrics, () => randoms.shift() ?? 0),
  });
  const ask = async (path: string, method = 'POST') => {
    const init =
      method === 'POST' ? { method, body: '{}', headers: { 'content-type': 'application/json' } } : { method };
    const response = await app.fetch(new Request(`http://localhost${path}`, init));
    return { status: response.status, headers: response.headers, body: await response.text() };
  };
  return { ask, pressure, looked, calls, refused };
}

describe('at the last step of the ladder', () => {
  it('F086 every call is refused in its dialect’s shape, with a time to come back, before key and body', async () => {
    const { ask, looked, calls, refused } = started();
    const chat = await ask('/v1/chat/completions');
    expect(chat.status).toBe(503);
    expect(JSON.parse(chat.body)).toMatchObject({
      error: { code: 'server_is_overloaded', type: 'service_unavailable_error' },
    });
    const messages = await ask('/v1/messages');
    expect(messages.status).toBe(529);
    expect(JSON.parse(messages.body)).toMatchObject({ error: { type: 'overloaded_error' } });
    const rerank = await ask('/v2/rerank');
    expect(rerank.status).toBe(503);
    expect([chat, messages, rerank].map(({ headers }) => headers.get('retry-after'))).toEqual(['5', '10', '8']);
    expect(looked).toEqual([]);
    expect(refused).toEqual(['chat', 'chat', 'rerank'].map((routeClass) => ['pressure', routeClass, 'router', 'none']));
    expect(calls.map((facts) => [facts.class, facts.how, facts.code])).toEqual(
      ['chat', 'chat', 'rerank'].map((routeClass) => [routeClass, 'failed', 'server_is_overloaded']),
    );
  });

  it('F086 lists and lost paths are refused as well, and health is not', async () => {
    const { ask, looked, calls } = started();
    for (const path of ['/v1/models', '/v1/models/x', '/nope']) expect((await ask(path, 'GET')).status).toBe(503);
    for (const path of ['/healthz', '/readyz']) expect((await ask(path, 'GET')).status).toBe(200);
    expect(looked).toEqual([]);
    expect(calls).toEqual([]);
  });

  it('below it calls go on to their key, where their band decides', async () => {
    const { ask, pressure, looked } = started();
    pressure.sheds = ((_class: string, priority: string) =>
      priority !== 'critical') as Pressure['sheds'] as () => boolean;
    await ask('/v1/chat/completions');
    expect(looked).toEqual(['key']);
  });
});
