// Shows what a flood of bad keys costs those who have a good one: windows of good traffic alone and beside the flood, in turn.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Agent, request } from 'undici';
import { expect, it } from 'vitest';
import { made } from '../entry/keys-command.ts';
import { newFolder, serve } from '../entry/spillway-process.ts';
import { startFaultUpstream } from '../fakes/fault-upstream.ts';
import { policyFor } from '../fakes/running-router.ts';

const BAD_PER_SECOND = 2_000;
const GOOD_PER_SECOND = 100;
const SECONDS = 3;
const ROUNDS = 5;
const flood = fileURLToPath(new URL('bad-keys.ts', import.meta.url));

it(`F032 ${BAD_PER_SECOND} bad keys a second for ${SECONDS} s, ${ROUNDS} times: every good call is answered, half of them in at most 1.5 times what they take without`, async () => {
  const upstream = await startFaultUpstream();
  const folder = newFolder();
  const policy = join(folder, 'policy.yaml');
  writeFileSync(policy, policyFor([upstream.url]));
  const { key } = await made(join(folder, 'data'));
  const router = await serve(['--policy', policy], { folder });
  const port = new URL(router.url).port;
  const dispatcher = new Agent({ connections: 50, pipelining: 1 });
  const body = JSON.stringify({ model: 'asked', messages: [{ role: 'user', content: 'Hi' }] });
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` };

  const call = async () => {
    const startMs = performance.now();
    const reply = await request(`${router.url}/v1/chat/completions`, { method: 'POST', body, headers, dispatcher });
    await reply.body.dump();
    if (reply.statusCode !== 200) throw new Error(`${reply.statusCode}`);
    return performance.now() - startMs;
  };
  const window = async () => {
    const calls: Promise<number>[] = [];
    const startCpuMs = cpuMsOf(router.pid);
    const startMs = performance.now();
    await new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        const elapsedMs = performance.now() - startMs;
        while (calls.length < Math.min(GOOD_PER_SECOND * SECONDS, (elapsedMs * GOOD_PER_SECOND) / 1_000))
          calls.push(call());
        if (calls.length < GOOD_PER_SECOND * SECONDS) return;
        clearInterval(timer);
        resolve();
      }, 5);
    });
    const times = (await Promise.all(calls)).sort((a, b) => a - b);
    const cpuMs = cpuMsOf(router.pid) - startCpuMs;
    return { p50: times[times.length >> 1]!, p99: times[Math.floor(times.length * 0.99)]!, cpuMs };
  };

  await window();
  const rounds: Record<'alone' | 'beside', Awaited<ReturnType<typeof window>>>[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const alone = await window();
    const flooding = spawn(process.execPath, [flood, port, String(BAD_PER_SECOND), String(SECONDS)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    flooding.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const ended = once(flooding, 'close');
    await once(flooding.stdout, 'data');
    const beside = await window();
    await ended;
    const { sent, answers } = JSON.parse(said.replace('ready', '')) as { sent: number; answers: number };
    expect([sent, answers]).toEqual([BAD_PER_SECOND * SECONDS, BAD_PER_SECOND * SECONDS]);
    rounds.push({ alone, beside });
  }
  const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!;
  const of = (which: 'alone' | 'beside', what: 'p50' | 'p99' | 'cpuMs') =>
    median(rounds.map((round) => round[which][what]));
  const shown = (which: 'alone' | 'beside') =>
    `p50 ${of(which, 'p50').toFixed(2)} ms, p99 ${of(which, 'p99').toFixed(2)} ms`;
  process.stdout.write(`F032 alone: ${shown('alone')}; beside the flood: ${shown('beside')}\n`);
  const perKeyUs = ((of('beside', 'cpuMs') - of('alone', 'cpuMs')) * 1_000) / (BAD_PER_SECOND * SECONDS);
  process.stdout.write(`F032 a bad key costs the router ${perKeyUs.toFixed(0)} µs of CPU, all included\n`);
  await dispatcher.close();
  await router.dispose();
  await upstream.close();
  expect(of('beside', 'p50') / of('alone', 'p50')).toBeLessThanOrEqual(1.5);
});

/** CPU that a process has used, ms, in ticks of 10. */
function cpuMsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
