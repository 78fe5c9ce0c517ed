// Ends that nobody prepared for: a second signal, a drain limit, kill -9. For src/entry, over real processes.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, eventuallyHolds } from '../fakes/eventually.ts';
import { event, type FaultUpstream, hang, startFaultUpstream, streamHead } from '../fakes/fault-upstream.ts';
import { policyFor } from '../fakes/running-router.ts';
import { childrenOf, isAlive, newFolder, type Serving, serve } from './spillway-process.ts';

let upstream: FaultUpstream;
beforeAll(async () => {
  upstream = await startFaultUpstream();
  upstream.behave(() => [
    streamHead(),
    event({ choices: [{ index: 0, delta: { content: 'H' }, finish_reason: null }] }),
    hang(),
  ]);
});
afterAll(() => upstream.close());

function policy(drain: string): { args: string[]; folder: string } {
  const folder = newFolder();
  const path = join(folder, 'policy.yaml');
  writeFileSync(path, `${policyFor([upstream.url])}server: { drain: ${drain} }\n`);
  return { args: ['--policy', path], folder };
}

/** A stream that has begun and does not end. */
async function stream(router: Serving) {
  const reply = await fetch(`${router.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'asked', messages: [], stream: true }),
  });
  expect(reply.status).toBe(200);
  return reply.text();
}

it('F099 what outlasts the drain limit is told so in-band, and the exit code is still 0', async () => {
  const { args, folder } = policy('1s');
  const router = await serve(args, { folder });
  try {
    const text = stream(router);
    await upstream.waitFor(({ served }) => served === 1);
    await eventually(async () => (await router.status()).openCalls === 1);
    router.kill('SIGTERM');
    expect(await text).toMatch(
      /data: \{"error":\{"message":"This router is shutting down[^\n]*"code":"draining"[^\n]*\n\n$/,
    );
    expect(await text).not.toContain('[DONE]');
    expect(await router.ended).toBe(0);
    await eventuallyHolds(() => expect(upstream.requests.at(-1)!.abortedByRouterAtMs).toBeGreaterThan(0));
  } finally {
    await router.dispose();
  }
});

it('F099 a second signal ends it at once', async () => {
  const { args, folder } = policy('10m');
  const router = await serve(args, { folder });
  try {
    const cut = stream(router).then(
      () => 'whole',
      () => 'cut',
    );
    await eventually(async () => (await router.status()).openCalls === 1);
    router.kill('SIGTERM');
    await router.says('A second signal stops at once.');
    const sinceMs = performance.now();
    router.kill('SIGINT');
    expect(await router.ended).toBe(1);
    expect(performance.now() - sinceMs).toBeLessThan(1_000);
    expect(await cut).toBe('cut');
  } finally {
    await router.dispose();
  }
});

it('kill -9 leaves no demo worker behind', async () => {
  const router = await serve([]);
  try {
    await router.ready();
    const workers = childrenOf(router.pid);
    expect(workers).toHaveLength(4);
    router.kill('SIGKILL');
    expect(await router.ended).toBe('SIGKILL');
    await eventuallyHolds(() => expect(workers.filter(isAlive)).toEqual([]));
  } finally {
    await router.dispose();
  }
});
