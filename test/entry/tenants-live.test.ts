// Two routers that serve from one data folder while tenants are set and removed by the command line and over the admin
// listener. For operators, over real processes and one clock.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../fakes/eventually.ts';
import { type FaultUpstream, startFaultUpstream } from '../fakes/fault-upstream.ts';
import { postBytes, rawRequest } from '../fakes/raw-client.ts';
import { policyFor } from '../fakes/running-router.ts';
import { newFolder, type Serving, serve, spillway } from './spillway-process.ts';

const FIVE_SECONDS = { deadlineMs: 5_000 };
const SECRET = 'admin-secret-0123456789';
const folder = newFolder();
const data = join(folder, 'data');
const policy = join(folder, 'policy.yaml');
const routers: Serving[] = [];
let upstream: FaultUpstream;
let key: string;

async function command(...args: string[]): Promise<string> {
  const run = spillway([...args, '--json', '--data', data], {}, folder);
  expect(await run.ended, run.stderr).toBe(0);
  return run.stdout;
}
const chat = { model: 'asked', messages: [{ role: 'user', content: 'Hi' }] };
/** 200 where the tenant may go to the one pool there is, 403 where its zones forbid it. */
const statusAt = async ({ url }: Serving) =>
  (await rawRequest(Number(new URL(url).port), postBytes('/v1/chat/completions', chat, { 'x-api-key': key }))).status;

/** How long both routers took to answer so, ms. */
async function untilAll(status: number, sinceMs: number): Promise<number> {
  await Promise.all(routers.map((one) => eventually(async () => (await statusAt(one)) === status, FIVE_SECONDS)));
  return Math.round(performance.now() - sinceMs);
}

beforeAll(async () => {
  upstream = await startFaultUpstream();
  writeFileSync(policy, `${policyFor([upstream.url])}plans: { nowhere: { zones: [mars] }, anywhere: {} }\n`);
  ({ key } = JSON.parse(await command('keys', 'create', '--tenant', 'acme')) as { key: string });
  const start = () => serve(['--policy', policy, '--data', data], { folder, env: { SPILLWAY_ADMIN_SECRET: SECRET } });
  routers.push(...(await Promise.all([start(), start()])));
}, 60_000);
afterAll(async () => {
  for (const router of routers) await router.dispose();
  await upstream.close();
});

describe('a tenant that is changed is another one everywhere within five seconds', { timeout: 60_000 }, () => {
  it('by the command line: set, changed, removed', async () => {
    await untilAll(200, performance.now());
    for (const [args, status] of [
      [['set', 'acme', '--plan', 'nowhere'], 403],
      [['set', 'acme', '--plan', 'anywhere'], 200],
      [['set', 'acme', '--zones', 'mars'], 403],
      [['remove', 'acme'], 200],
    ] as const) {
      await command('tenants', ...args);
      process.stdout.write(
        `tenants ${args.join(' ')}: in force at both after ${await untilAll(status, performance.now())} ms\n`,
      );
    }
  });

  it('over the admin listener of one of them', async () => {
    const ask = (method: string, body?: string) =>
      fetch(`${routers[0]!.adminUrl}/tenants/acme`, {
        method,
        headers: { authorization: `Bearer ${SECRET}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body }),
      });
    expect((await ask('PUT', '{"zones":["mars"]}')).status).toBe(200);
    expect(await statusAt(routers[0]!)).toBe(403);
    await untilAll(403, performance.now());
    expect((await ask('DELETE')).status).toBe(200);
    await untilAll(200, performance.now());
    expect(routers[0]!.logged('audit').map(({ what, tenant }) => [what, tenant])).toEqual([
      ['tenant.set', 'acme'],
      ['tenant.remove', 'acme'],
    ]);
    expect(routers[1]!.logged('audit')).toEqual([]);
  });

  it('a policy that names it wins after its reload, and gives way when it no longer does', async () => {
    await command('tenants', 'set', 'acme', '--zones', 'mars');
    await untilAll(403, performance.now());
    writeFileSync(policy, `${policyFor([upstream.url])}tenants: { acme: {} }\n`);
    await untilAll(200, performance.now());
    writeFileSync(policy, policyFor([upstream.url]));
    await untilAll(403, performance.now());
  });
});

it('what was set is there after a restart, before the first call', { timeout: 60_000 }, async () => {
  await command('tenants', 'set', 'acme', '--zones', 'mars');
  const again = await serve(['--policy', policy, '--data', data], { folder });
  routers.push(again);
  expect(await statusAt(again)).toBe(403);
});
