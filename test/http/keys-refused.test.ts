// Decides that a refused key learns nothing: not why, not from the answer, not from its time, and at no cost to the store.
// For operators whose keys somebody tries to guess.

import type { Context } from 'hono';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_HTTP_LIMITS } from '../../src/core/limits.ts';
import type { HeaderView } from '../../src/core/transport.ts';
import { dialects } from '../../src/dialects/index.ts';
import { createApp } from '../../src/http/app.ts';
import { admitByKey } from '../../src/http/credential.ts';
import { webIngress } from '../../src/http/web-sink.ts';
import { newRequestId, nodeClock, nodeDigest } from '../../src/runtime/node/machine.ts';
import { createMemoryKeys } from '../../src/stores/memory/keys.ts';
import { KeyRing } from '../../src/tenants/key-ring.ts';
import { getBytes } from '../fakes/raw-client.ts';
import { recordingLog } from '../fakes/recording-log.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { HOSTILE_TEXTS, issued } from '../tenants/sample-keys.ts';
import { bearer, type KeyedStage, startKeyedStage } from './keys-stage.ts';

const ROUTES = Object.values(dialects).flatMap(({ routes }) => [...routes]);

describe('a key that is refused', () => {
  let stage: KeyedStage;
  beforeAll(async () => {
    // Nothing looks at the store but requests: the clock of the polling stands still.
    stage = await startKeyedStage({ more: { clock: new VirtualClock({ wallMs: Date.now() }) } });
  });
  afterAll(() => stage.close());

  const timeless = (head: string) =>
    head.replace(/^date: .*\r\n/im, '').replace(/^(x-request-id|request-id): req_[0-9a-f]{32}\r\n/gim, '');

  it.each([...ROUTES, '/v1/models', '/nope'])(
    'F030 gets the same bytes on %s, whatever is wrong with it',
    async (path) => {
      const answers: string[] = [];
      for (const key of [...Object.values(stage.refusedKeys), 'x', null]) {
        for (const headers of key === null ? [{}] : [bearer(key), { 'x-api-key': key }]) {
          const response = await (ROUTES.includes(path)
            ? stage.call(path, headers)
            : stage.ask(getBytes(path, headers)));
          const body = response.body.toString().replace(/req_[0-9a-f]{32}/g, 'req');
          answers.push(`${timeless(response.rawHead)}${body}`);
        }
      }
      expect(answers[0]).toMatch(/^HTTP\/1\.1 401 /);
      expect(new Set(answers).size).toBe(1);
    },
  );

  it('F028 no key, a malformed or a huge one is a 401 without a call of the store, 431 beyond the bound on heads', async () => {
    const before = { calls: stage.storeCalls, lines: stage.router.log.entries.length };
    const malformed = [
      null,
      '',
      'x',
      stage.key.slice(1),
      `${stage.key}A`,
      stage.refusedKeys.malformed,
      'k'.repeat(12_000),
    ];
    for (const key of [...malformed, ...HOSTILE_TEXTS.filter((text) => /^[\x20-\x7e]*$/.test(text))]) {
      for (const headers of key === null ? [{}] : [bearer(key), { 'x-api-key': key }]) {
        const response = await stage.call('/v1/messages', headers);
        expect(response.status, key ?? 'none').toBe(401);
        expect(key !== null && key.length > 4 && response.body.includes(key)).toBe(false);
      }
    }
    for (const headers of [bearer('k'.repeat(1 << 20)), { 'x-api-key': 'k'.repeat(1 << 20) }])
      expect((await stage.call('/v1/messages', headers)).status).toBe(431);
    for (const key of Object.values(stage.refusedKeys)) await stage.call('/v1/messages', bearer(key));
    expect({ calls: stage.storeCalls, lines: stage.router.log.entries.length }).toEqual(before);
  });
});

describe('F030 the time of a refusal over HTTP', () => {
  const BATCH = 25;
  const PER_KIND = 10_000;
  const WARM_ROUNDS = 80;
  const TRIES = 4;

  it(`does not tell unknown, revoked and expired keys apart: medians over 10,000 requests each differ by less than 5 %, in at most ${TRIES} tries`, async () => {
    const many = () => Promise.all(Array.from({ length: 500 }, () => issued()));
    const [unknown, revoked, expired] = await Promise.all([many(), many(), many()]);
    const records = [
      ...revoked.map(({ record }) => ({ ...record, revokedMs: 1 })),
      ...expired.map(({ record }) => ({ ...record, expiresMs: 1 })),
    ];
    const log = recordingLog();
    const clock = new VirtualClock();
    const ring = new KeyRing({ store: createMemoryKeys(records), digest: nodeDigest, clock, log });
    await ring.start();
    const headers = (context: Context) => (context.env as { headers: HeaderView }).headers;
    const app = createApp({
      router: {} as never,
      ingress: { headers, signal: () => null, answer: webIngress.answer } as never,
      admit: admitByKey(ring, { headers }),
      limits: DEFAULT_HTTP_LIMITS,
      clock: nodeClock,
      newId: newRequestId,
      log,
      basePath: '/',
      ready: () => true,
    });
    const kinds = [unknown, revoked, expired].map((made) =>
      made.map(({ key }) => ({ headers: { authorization: `Bearer ${key}` } })),
    );
    const request = { method: 'POST', url: 'http://localhost/v1/chat/completions' } as Request;
    const spread = async (): Promise<number> => {
      const times = kinds.map((): number[] => []);
      for (let round = 0; round < PER_KIND / BATCH + WARM_ROUNDS; round++) {
        for (let turn = 0; turn < kinds.length; turn++) {
          const kind = (round + turn) % kinds.length;
          const envs = kinds[kind]!;
          const startNs = process.hrtime.bigint();
          for (let call = 0; call < BATCH; call++) {
            const { status } = await app.fetch(request, envs[(round * BATCH + call) % envs.length]!);
            if (status !== 401) throw new Error(`it was let in: ${status}`);
          }
          if (round >= WARM_ROUNDS) times[kind]!.push(Number(process.hrtime.bigint() - startNs));
        }
      }
      const medians = times.map((each) => each.sort((a, b) => a - b)[each.length >> 1]!);
      return Math.max(...medians) / Math.min(...medians) - 1;
    };
    const seen: number[] = [];
    while (seen.length < TRIES && !(seen.at(-1)! < 0.05)) seen.push(await spread());
    process.stdout.write(
      `F030 spread of medians over HTTP, by try: ${seen.map((share) => `${(share * 100).toFixed(2)} %`).join(', ')}\n`,
    );
    expect(seen.at(-1)).toBeLessThan(0.05);
    ring.close();
  });
});
