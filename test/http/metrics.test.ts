// Decides that a running router's page of metrics tells what really happened, to whoever may see the admin listener.
import { afterEach, describe, expect, it } from 'vitest';
import { createMemoryKeys } from '../../src/stores/memory/keys.ts';
import { METRICS } from '../../src/telemetry/names.ts';
import { eventuallyHolds } from '../fakes/eventually.ts';
import { hang, startFaultUpstream } from '../fakes/fault-upstream.ts';
import { getBytes, postBytes, RawConnection, rawRequest } from '../fakes/raw-client.ts';
import { policyFor, startTestRouter, type TestRouter } from '../fakes/running-router.ts';
import { readExposition } from '../telemetry/exposition.ts';
import { issued } from '../tenants/sample-keys.ts';
import { bearer } from './keys-stage.ts';
import { CHAT, chatBody } from './stage.ts';

let closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.reverse()) await close();
  closing = [];
});

async function started(policy: (url: string) => string) {
  const upstream = await startFaultUpstream();
  const router = await startTestRouter({ policy: policy(upstream.url) });
  closing.push(
    () => upstream.close(),
    () => router.close(),
  );
  return { upstream, router };
}

async function scrape({ adminPort }: TestRouter, headers: Record<string, string> = {}) {
  const response = await rawRequest(adminPort, getBytes('/metrics', headers));
  expect(response.status).toBe(200);
  expect(response.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(response.headers['cache-control']).toBe('no-store');
  const families = readExposition(response.body.toString());
  const of = (name: keyof typeof METRICS) => families.get(name)!.samples.map(({ labels, value }) => [labels, value]);
  return { families, of };
}

const tenant = 'development';

describe('GET /metrics of a running router', () => {
  it('has every metric, and counts a call that was answered and one that failed', async () => {
    const { upstream, router } = await started((url) => policyFor([url]));
    expect((await rawRequest(router.port, postBytes(CHAT, chatBody()))).status).toBe(200);
    expect((await rawRequest(router.port, postBytes(CHAT, chatBody({ model: 'none such' })))).status).toBe(404);
    expect(upstream.served).toBe(1);
    const { families, of } = await scrape(router);
    for (const name of Object.keys(METRICS)) expect([...families.keys()]).toContain(name);
    expect(of('spillway_requests_total')).toEqual([
      [{ class: 'chat', target: 'pool-1', tenant, how: 'complete', code: 'none' }, 1],
      [{ class: 'chat', target: 'none', tenant, how: 'failed', code: 'model_not_found' }, 1],
    ]);
    expect(of('spillway_attempts_total')[0]).toEqual([{ class: 'chat', target: 'pool-1', tenant }, 1]);
    expect(of('spillway_in_flight')).toEqual([
      [{ target: 'pool-1' }, 0],
      [{ target: 'pool-vectors' }, 0],
    ]);
    expect(of('spillway_limit').map(([labels]) => labels)).toContainEqual({ target: 'pool-1', worker: 'pool-1/1' });
    expect(of('spillway_slo_burn_rate')).toContainEqual([{ class: 'chat', window: '5m' }, 0]);
    const first = families.get('spillway_ttft_seconds')!.samples.filter(({ name }) => name.endsWith('_count'));
    expect(first.map(({ value }) => value)).toContain(1);
  });

  it('shows who waits now, how full the pool is, and whom its line let go', async () => {
    const narrow = (url: string) =>
      policyFor([url], { chat: '{ queue: { max: 2, wait: 30s } }' }).replace(
        'serves: served-1',
        'serves: served-1\n    concurrencyPerWorker: 1',
      );
    const { upstream, router } = await started(narrow);
    upstream.behave(() => [hang()]);
    const connections: RawConnection[] = [];
    const call = async () => {
      const connection = await RawConnection.connect(router.port);
      connection.write(postBytes(CHAT, chatBody()));
      connections.push(connection);
    };
    await call();
    await upstream.waitFor(({ served }) => served === 1);
    for (let waiting = 0; waiting < 3; waiting++) await call();
    const chat = { class: 'chat', target: 'pool-1', tenant };
    await eventuallyHolds(async () => {
      const { of } = await scrape(router);
      expect(of('spillway_queue_depth')).toEqual([[{ ...chat, priority: 'interactive' }, 2]]);
      expect(of('spillway_in_flight')[0]).toEqual([{ target: 'pool-1' }, 1]);
      expect(of('spillway_saturation')[0]).toEqual([{ target: 'pool-1' }, 3]);
      expect(of('spillway_shed_total')).toEqual([[{ ...chat, reason: 'queue_full' }, 1]]);
      expect(of('spillway_slo_burn_rate')).toContainEqual([{ class: 'chat', window: '1h' }, expect.closeTo(100)]);
    });
    for (const connection of connections) connection.destroy();
    await eventuallyHolds(async () => {
      const { of } = await scrape(router);
      expect(of('spillway_queue_depth')).toEqual([]);
      expect(of('spillway_in_flight')[0]).toEqual([{ target: 'pool-1' }, 0]);
    });
  });

  it('asks for the admin secret once keys exist, and never shows a key', async () => {
    const made = await issued();
    const router = await startTestRouter({
      policy: policyFor(['http://127.0.0.1:1']),
      more: { keys: createMemoryKeys([made.record]), env: { SPILLWAY_ADMIN_SECRET: 'admin-secret-0123456789' } },
    });
    closing.push(() => router.close());
    await rawRequest(router.port, postBytes(CHAT, chatBody(), bearer(made.key)));
    for (const headers of [{}, bearer(made.key), bearer('admin-secret')])
      expect((await rawRequest(router.adminPort, getBytes('/metrics', headers))).status).toBe(401);
    const { families, of } = await scrape(router, bearer('admin-secret-0123456789'));
    expect(of('spillway_requests_total')).toHaveLength(1);
    expect(JSON.stringify([...families])).not.toContain(made.key);
    expect((await rawRequest(router.port, getBytes('/metrics', bearer(made.key)))).status).toBe(404);
  });
});
