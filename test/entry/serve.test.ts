// A router as its first user meets it: the default policy, the lines to paste, worker loss, reload, drain.
// For src/entry, over one real process and its workers.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, eventuallyHolds } from '../fakes/eventually.ts';
import { childrenOf, isAlive, type Serving, serve, spillway } from './spillway-process.ts';

const run = promisify(execFile);
let router: Serving;
beforeAll(async () => {
  router = await serve([]);
  await router.ready();
});
afterAll(() => router.dispose());

/** Runs a line as a person would; where there is no curl, does what the line says. */
async function pasted(line: string): Promise<string> {
  const [, url, type, body] = /^curl (\S+)(?: -H 'content-type: (\S+)' -d '([^']*)')?$/.exec(line)!;
  try {
    return (await run('/bin/sh', ['-c', `${line} --silent --show-error --max-time 20`])).stdout;
  } catch (thrown) {
    if ((thrown as { code?: number }).code !== 127) throw thrown;
    const post = body === undefined ? {} : { method: 'POST', body, headers: { 'content-type': type! } };
    return (await fetch(url!, post)).text();
  }
}

it('prints lines that can be pasted into a shell, and each of them works', async () => {
  const lines = router.stdout.split('\n').filter((line) => line.startsWith('  curl '));
  expect(lines).toHaveLength(3);
  const replies: Record<string, unknown>[] = [];
  for (const line of lines) {
    replies.push(JSON.parse(await pasted(line.trim())) as Record<string, unknown>);
  }
  expect(replies.map(({ object }) => object)).toEqual(['list', 'chat.completion', 'list']);
  const [models, chat, vectors] = replies as [
    { data: { id: string }[] },
    { choices: { message: { content: string } }[] },
    { data: { embedding: number[] }[] },
  ];
  expect(models.data.map(({ id }) => id)).toEqual(['demo-large', 'demo-small', 'demo-embed', 'demo-rerank']);
  expect(chat.choices[0]!.message.content.length).toBeGreaterThan(0);
  expect(vectors.data[0]!.embedding).toHaveLength(384);
});

it('says its base URL for clients, and standard error holds JSON lines only', () => {
  expect(router.stdout).toContain(`OPENAI_BASE_URL=${router.url}/v1`);
  for (const line of router.stderr.split('\n').filter(Boolean)) expect(() => JSON.parse(line)).not.toThrow();
});

it('spillway status shows pools and workers of a running router, or says that none answers', async () => {
  const admin = router.adminUrl.replace('http://', '');
  const shown = spillway(['status', '--admin', admin]);
  const none = spillway(['status'], { SPILLWAY_ADMIN: '127.0.0.1:1' });
  expect(await shown.ended).toBe(0);
  expect(shown.stdout).toMatch(
    /demo-large \(demo-large\): ready, 0 in flight, 0 waiting, 0 % full\n {2}demo-large\/1 http:\S+ warm, 0\/16, breaker closed/,
  );
  expect(await none.ended).toBe(1);
  expect(none.stderr).toBe('No router answers on http://127.0.0.1:1. Is it running, and is this its admin address?\n');
});

it('a worker that is killed comes back, and calls are answered meanwhile', async () => {
  const before = childrenOf(router.pid);
  expect(before).toHaveLength(4);
  for (const pid of before) process.kill(pid, 'SIGKILL');
  await eventuallyHolds(() => expect(before.filter(isAlive)).toEqual([]));
  const ask = () =>
    fetch(`${router.url}/v1/embeddings`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'demo-embed', input: 'Hello' }),
    });
  // Asked at once: it waits in line for the start.
  expect((await ask()).status).toBe(200);
  await router.ready();
  const after = childrenOf(router.pid);
  expect(after).toHaveLength(4);
  expect(after.filter((pid) => before.includes(pid))).toEqual([]);
});

it('reads its policy again on SIGHUP, and keeps its workers', async () => {
  const workers = childrenOf(router.pid);
  router.kill('SIGHUP');
  await eventually(() => router.logged('policy_loaded').length > 0);
  expect(childrenOf(router.pid)).toEqual(workers);
});

it('F099 SIGTERM: not ready at once, a stream in flight ends well, new calls are refused, exit code 0, no worker left', async () => {
  const workers = childrenOf(router.pid);
  const reply = await fetch(`${router.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'demo-large',
      messages: [{ role: 'user', content: 'Hello' }],
      stream: true,
      max_tokens: 400,
      ignore_eos: true,
    }),
  });
  const text = reply.text();
  router.kill('SIGTERM');
  await eventuallyHolds(async () => expect((await fetch(`${router.url}/readyz`)).status).toBe(503));
  expect((await fetch(`${router.adminUrl}/readyz`)).status).toBe(503);
  const ask = () => fetch(`${router.url}/v1/models`, { headers: { connection: 'close' } });
  expect((await ask()).status).toBe(200);
  await eventually(() =>
    ask().then(
      () => false,
      () => true,
    ),
  );
  expect(router.child.exitCode).toBe(null);
  expect(await text).toMatch(/"finish_reason":"length".*data: \[DONE\]/s);
  expect(await router.ended).toBe(0);
  expect(router.stderr).toContain('Stopping: no new calls; those in flight may end.');
  expect(router.logged('call').at(-1)).toMatchObject({ how: 'complete', asked: 'demo-large' });
  expect(router.logged('stopped')).toHaveLength(1);
  expect(router.logged('fault')).toEqual([]);
  expect(workers.filter(isAlive)).toEqual([]);
});
