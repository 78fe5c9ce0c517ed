// Decides that the log of a running router holds the listed facts and nothing a caller, a target or an operator's secret
// brought in. For operators, whose logs go to more people than their traffic.

import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createNodeLog } from '../../../src/runtime/node/log.ts';
import { chatReply, chatStream } from '../../fakes/chat-fixtures.ts';
import { eventually } from '../../fakes/eventually.ts';
import {
  type FaultUpstream,
  hang,
  json,
  reset,
  startFaultUpstream,
  streamHead,
  writeAll,
} from '../../fakes/fault-upstream.ts';
import { getBytes, postBytes, RawConnection, rawRequest } from '../../fakes/raw-client.ts';
import { policyFor, startTestRouter, type TestRouter } from '../../fakes/running-router.ts';

const CHAT = '/v1/chat/completions';
const CANARY = 'canary-5f2c';
const LISTED: Record<string, readonly string[]> = {
  call: [
    ...[
      'id',
      'tenant',
      'key',
      'dialect',
      'stream',
      'priority',
      'step',
      'asked',
      'served',
      'rung',
      'degraded',
      'attempts',
      'how',
      'code',
    ],
    ...['queueMs', 'ttftMs', 'totalMs', 'bytes', 'uncachedTokens', 'cachedTokens', 'outputTokens'],
    ...['costUsd', 'chargeUsd'],
  ],
  worker_load_unread: ['worker', 'status'],
  pressure: ['step', 'heapShare', 'loopLagMs'],
  worker: ['worker', 'state', 'reason', 'pausedMs', 'code'],
  breaker: ['worker', 'state', 'reason'],
  policy_loaded: ['file'],
  policy_refused: ['problems', 'first'],
  provider_absent: ['provider', 'why'],
  keys_loaded: ['keys', 'development'],
  tenants_loaded: ['tenants'],
  keys_readable: ['keys'],
  keys_unreadable: ['why', 'ageMs', 'keys'],
  keys_stale: ['why', 'ageMs', 'keys'],
  ledger_expired: ['records', 'days'],
  ledger_not_expired: ['why'],
  last_good_not_saved: ['folder', 'code'],
  fault: ['id', 'name', 'stack'],
};

let upstream: FaultUpstream;
let router: TestRouter;
let lines: Record<string, unknown>[] = [];
let text = '';

/** A day's worth of calls, good and bad, each with the canary wherever a caller or a target can put it. */
async function traffic(): Promise<void> {
  const evil = { [CANARY]: CANARY };
  const messages = [{ role: 'user', content: `my secret is ${CANARY}` }];
  const body = (more: object = {}) => ({ model: 'asked', messages, user: CANARY, metadata: evil, ...more });
  const headers = {
    authorization: `Bearer ${CANARY}`,
    'x-api-key': CANARY,
    cookie: CANARY,
    'user-agent': CANARY,
    'x-spillway-run': CANARY,
  };
  const ask = (bytes: Buffer) => rawRequest(router.port, bytes);
  const post = (value: unknown, more: Record<string, string> = {}, path = CHAT) =>
    ask(postBytes(path, value, { ...headers, ...more }));

  upstream.next(json(200, chatReply({ text: CANARY }), { 'x-secret': CANARY }));
  await post(body());
  upstream.next(streamHead(), writeAll(chatStream({ text: CANARY, usageEvents: 'last' })));
  await post(body({ stream: true }));
  upstream.next(streamHead(), writeAll(chatStream({ text: `${CANARY} more` }).slice(0, 3)), reset());
  await post(body({ stream: true }));
  upstream.next(hang());
  const asked = upstream.served;
  const leaving = await RawConnection.connect(router.port);
  leaving.write(postBytes(CHAT, body({ stream: true }), headers));
  await upstream.waitFor(({ served }) => served === asked + 1);
  leaving.reset();
  await upstream.waitFor(({ requests }) => requests.at(-1)!.abortedByRouterAtMs !== undefined);

  for (const status of [400, 404, 429, 500, 503]) {
    const failing = json(status, { error: { message: CANARY, code: CANARY } }, { 'retry-after': '0' });
    for (let i = 0; i < 3; i++) upstream.next(failing);
    await post(body());
  }
  await post(`{"model":"asked","${CANARY}":}`);
  await post(body(), { 'x-spillway-degrade': CANARY });
  await post(body(), { 'content-type': `text/${CANARY}` });
  await post(body(), {}, `${CHAT}?key=${CANARY}`);
  await post(body(), {}, `/${CANARY}`);
  await ask(getBytes(`/v1/models/${CANARY}`, headers));
  await ask(getBytes('/v1/models', { ...headers, host: `${CANARY}.test` }));
  await rawRequest(router.port, `GET /${CANARY} HTTP/9.9\r\n\r\n`);
  await rawRequest(router.port, `GET / HTTP/1.1\r\nX-${CANARY}\r\n\r\n`);
}

beforeAll(async () => {
  upstream = await startFaultUpstream();
  process.env['SPILLWAY_TEST_KEY'] = CANARY;
  const policy = policyFor([upstream.url]).replace(
    `workers: [ { url: "${upstream.url}" } ]`,
    `workers: [ { url: "${upstream.url}", apiKey: $SPILLWAY_TEST_KEY } ]`,
  );
  const folder = await mkdtemp(join(tmpdir(), 'spillway-log-'));
  const path = join(folder, 'log');
  const descriptor = openSync(path, 'w');
  const log = createNodeLog('debug', descriptor);
  router = await startTestRouter({ policy, log });
  await traffic();
  await eventually(() => router.running.router.open === 0);
  await router.running.reload();
  await router.close();
  await log.flush();
  text = readFileSync(path, 'utf8');
  lines = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  closeSync(descriptor);
  await rm(folder, { recursive: true });
});
afterAll(async () => {
  delete process.env['SPILLWAY_TEST_KEY'];
  await upstream.close();
});

describe('the log of a running router', () => {
  it('S17 holds listed fields alone', () => {
    expect(lines.length).toBeGreaterThan(10);
    for (const { level, time, event, ...fields } of lines) {
      expect(typeof level).toBe('number');
      expect(typeof time).toBe('number');
      expect(Object.keys(LISTED), `event ${event}`).toContain(event);
      for (const name of Object.keys(fields)) expect(LISTED[event as string], `${event}.${name}`).toContain(name);
    }
    expect(lines.filter(({ event }) => event === 'fault')).toEqual([]);
  });

  it('tells of every call that came so far: one line, how it ended, what it used', () => {
    const calls = lines.filter(({ event }) => event === 'call');
    const ends = new Set(calls.map(({ how }) => how));
    expect(ends).toEqual(new Set(['complete', 'failed', 'client_gone']));
    expect(new Set(calls.map(({ id }) => id)).size).toBe(calls.length);
    const whole = calls.find(({ how, stream }) => how === 'complete' && stream === true)!;
    expect(whole).toMatchObject({ asked: 'asked', served: 'pool-1/served-1', rung: 1, attempts: 1 });
    expect(whole['outputTokens']).toBeGreaterThan(0);
  });

  it('F037 holds no prompt, no completion, no header value, no query, no key, nothing a target said', () => {
    expect(text).not.toContain(CANARY);
    expect(text).not.toContain('my secret');
  });

  it('F039 F037 the key of a worker goes to the worker alone', () => {
    const chats = upstream.requests.filter(({ path }) => path === CHAT);
    expect(chats.length).toBeGreaterThan(5);
    for (const { rawHeaders } of chats) {
      const withCanary = rawHeaders.filter(([name, value]) => name.includes(CANARY) || value.includes(CANARY));
      expect(withCanary.map(([name]) => name.toLowerCase())).toEqual(['authorization']);
    }
  });
});
