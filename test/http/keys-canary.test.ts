// Decides that no secret and no prompt leaves by a way it should not: a real process at log level debug, an upstream that
// repeats all it was sent, every route, every way to fail. For operators who hand their logs to others.

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { made } from '../entry/keys-command.ts';
import { newFolder, type Serving, serve, spillway } from '../entry/spillway-process.ts';
import {
  event,
  type FaultUpstream,
  hangUp,
  json,
  type LoggedRequest,
  reply,
  type Script,
  startFaultUpstream,
  streamHead,
  write,
} from '../fakes/fault-upstream.ts';
import { getBytes, postBytes, rawRequest } from '../fakes/raw-client.ts';
import { answerAll, bearer, CALLS, keyedPolicy, STREAMED, WORKER_KEY } from './keys-stage.ts';

const ADMIN = 'canary-admin-secret-0123456789';
const PROMPT = 'canary-prompt the quick brown fox';
const PII = 'canary.person@example.com';
const FOREIGN = 'sk-canary-foreign-0123456789';
const QUERY = 'canary-query-0123456789';

let upstream: FaultUpstream;
let router: Serving;
let port: number;
let adminPort: number;
let key: string;
let revoked: string;
const folder = newFolder();

beforeAll(async () => {
  upstream = await startFaultUpstream();
  const policy = join(folder, 'policy.yaml');
  writeFileSync(policy, JSON.stringify(keyedPolicy(upstream.url)));
  key = (await made(folder)).key;
  const gone = await made(folder, '--expires', '1m');
  revoked = gone.key;
  const ended = spillway(['keys', 'revoke', gone.id, '--data', folder]);
  expect(await ended.ended).toBe(0);
  router = await serve(['--policy', policy, '--data', folder, '--log', 'debug'], {
    folder,
    env: { WORKER_KEY, SPILLWAY_ADMIN_SECRET: ADMIN },
  });
  port = Number(new URL(router.url).port);
  adminPort = Number(new URL(router.adminUrl).port);
});
afterAll(async () => {
  await router.dispose();
  await upstream.close();
});

/** Nowhere, whatever happened. A key's first characters are its name in lists; what follows is the secret. */
const secrets = () => [key.slice(12), revoked.slice(12), WORKER_KEY, ADMIN, FOREIGN, QUERY];
const contents = () => [PROMPT, 'quick brown', PII];
const clean = (text: string, where: string, what = [...secrets(), ...contents()]) => {
  for (const one of what) expect(text.includes(one), `${one} in ${where}: ${text.slice(0, 2_000)}`).toBe(false);
};

const echoed = ({ rawHeaders, body, path }: LoggedRequest) =>
  `${JSON.stringify(rawHeaders)} ${path} ${body} ${PROMPT} ${PII}`;
const errorOf = (request: LoggedRequest) => {
  const message = echoed(request);
  return { type: 'error', error: { message, type: message, param: message, code: message }, message, detail: message };
};
const FAILURES: Record<string, (request: LoggedRequest) => Script> = {
  ...Object.fromEntries(
    [400, 401, 402, 403, 404, 413, 422, 429, 500, 502, 503, 529].map((status) => [
      String(status),
      (request: LoggedRequest) => [
        json(status, errorOf(request), {
          'x-echo': WORKER_KEY,
          'set-cookie': WORKER_KEY,
          'www-authenticate': WORKER_KEY,
        }),
      ],
    ]),
  ),
  'an error in a 200': (request) => [json(200, errorOf(request))],
  'text in a 200': (request) => [reply(200, echoed(request), { 'content-type': 'text/html' })],
  'broken JSON': (request) => [reply(200, `{"a": "${echoed(request)}`)],
  'a cut body': (request) => [reply(200, echoed(request).slice(0, 50)), hangUp()],
  'an error first in a stream': (request) => [streamHead(), event(errorOf(request), { name: 'error' })],
  'a broken event in a stream': (request) => [streamHead(), write(`data: {"a": ${echoed(request)}\n\n`), hangUp()],
  'no answer': () => [hangUp()],
};

/** The prompt and a person in every field that holds text. */
const filled = (path: string, more: Record<string, unknown> = {}) => {
  const text = `${PROMPT} ${PII}`;
  const call = JSON.stringify(CALLS[path])
    .replaceAll('"Hi"', JSON.stringify(text))
    .replace('"a"', JSON.stringify(text))
    .replace('"b"', JSON.stringify(text));
  const own = path.includes('rerank') ? {} : { user: PII, metadata: { user_id: PII } };
  return { ...(JSON.parse(call) as Record<string, unknown>), ...own, ...more };
};
const ask = (path: string, body: unknown, headers: Record<string, string> = bearer(key)) =>
  rawRequest(port, postBytes(`${path}?canary=${QUERY}`, body, { cookie: FOREIGN, referer: FOREIGN, ...headers }));
const status = (headers: Record<string, string>, path = '/status') => rawRequest(adminPort, getBytes(path, headers));

describe('F037 nothing of a secret or a prompt', () => {
  it.each(Object.keys(CALLS))(
    'F038 F039 %s: in what the caller gets when the target fails and repeats all it was sent',
    async (path) => {
      for (const [name, script] of Object.entries(FAILURES)) {
        upstream.behave(script);
        for (const stream of STREAMED.includes(path) ? [false, true] : [false]) {
          const response = await ask(path, filled(path, stream ? { stream } : {}));
          const whole = response.rawHead + response.body.toString();
          expect(response.status, `${name}: ${whole}`).toBeGreaterThanOrEqual(400);
          clean(whole, `${path}, ${name}`);
        }
      }
      upstream.behave(answerAll);
    },
  );

  it('in the in-band error of a stream that has begun', async () => {
    const begun: Record<string, Script> = {
      '/v1/chat/completions': [event({ choices: [{ index: 0, delta: { content: 'a' } }] })],
      '/v1/completions': [event({ choices: [{ index: 0, text: 'a' }] })],
      '/v1/messages': [
        event({ type: 'message_start', message: { type: 'message', content: [] } }, { name: 'message_start' }),
        event(
          { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
          { name: 'content_block_start' },
        ),
        event(
          { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'a' } },
          { name: 'content_block_delta' },
        ),
      ],
      '/v1/responses': [
        event(
          { type: 'response.created', response: { id: 'r', object: 'response', status: 'in_progress', output: [] } },
          { name: 'response.created' },
        ),
        event(
          { type: 'response.output_text.delta', item_id: 'i', output_index: 0, content_index: 0, delta: 'a' },
          { name: 'response.output_text.delta' },
        ),
      ],
    };
    for (const path of STREAMED) {
      for (const last of ['error', 'cut'] as const) {
        upstream.behave((request) => [
          streamHead(),
          ...begun[path]!,
          last === 'cut' ? hangUp() : event({ ...errorOf(request), type: 'error' }, { name: 'error' }),
        ]);
        const response = await ask(path, filled(path, { stream: true }));
        expect(response.status, path).toBe(200);
        expect(response.body.toString(), path).toMatch(/error|response\.failed/);
        clean(response.rawHead + response.body.toString(), `${path}, stream, ${last}`);
      }
    }
    upstream.behave(answerAll);
  });

  it.each(Object.keys(CALLS))(
    'F039 %s: the target gets its own credential and nothing of the caller’s',
    async (path) => {
      for (const headers of [bearer(key), { 'x-api-key': key }, { ...bearer(key), 'x-api-key': key }] as Record<
        string,
        string
      >[]) {
        const served = upstream.served;
        const more = {
          'proxy-authorization': FOREIGN,
          'x-goog-api-key': FOREIGN,
          'api-key': FOREIGN,
          'openai-organization': FOREIGN,
        };
        const response = await ask(path, filled(path), { ...headers, ...more });
        expect([response.status, upstream.served]).toEqual([200, served + 1]);
        const sent = upstream.requests.at(-1)!;
        expect(sent.headers['authorization']).toBe(`Bearer ${WORKER_KEY}`);
        expect(sent.headers).not.toHaveProperty('x-api-key');
        clean(JSON.stringify(sent.rawHeaders) + sent.body.toString(), path, [key, FOREIGN, ADMIN]);
        clean(response.rawHead + response.body.toString(), path, secrets());
      }
    },
  );

  it.each(Object.keys(CALLS))('%s: in a refusal by the router itself', async (path) => {
    const body = filled(path);
    const tries: [unknown, Record<string, string>][] = [
      [body, {}],
      [body, bearer(revoked)],
      [body, bearer(FOREIGN)],
      [body, { authorization: `Basic ${btoa(PII)}` }],
      [body, { ...bearer(key), 'x-api-key': FOREIGN }],
      [{ ...body, model: 'absent' }, bearer(key)],
      [{ ...body, api_key: FOREIGN }, bearer(key)],
      [{ ...body, model: [PROMPT] }, bearer(key)],
      [
        { ...body, stream: PROMPT, max_tokens: PROMPT, messages: PROMPT, input: { a: PROMPT }, documents: PROMPT },
        bearer(key),
      ],
      [`${JSON.stringify(body)}${PROMPT}`, bearer(key)],
      [`{"model":"asked","model":"asked","x":"${PROMPT}"}`, bearer(key)],
      [body, { ...bearer(key), 'content-type': PII }],
      [body, { ...bearer(key), 'content-encoding': FOREIGN }],
      [body, { ...bearer(key), 'x-spillway-max-wait': FOREIGN }],
    ];
    for (const [sent, headers] of tries) {
      const response = await ask(path, sent, headers);
      if (response.status !== 200) clean(response.rawHead + response.body.toString(), path);
    }
    for (const bytes of [
      postBytes(`/v1/models/${key}`, '', {}),
      `POST ${path} HTTP/1.1\r\nauthorization : Bearer ${FOREIGN}\r\n\r\n`,
      `GET /v1/models HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${FOREIGN}\r\nauthorization: Bearer ${FOREIGN}\r\n\r\n`,
    ]) {
      clean((await rawRequest(port, bytes)).body.toString(), 'a refusal of the server');
    }
  });

  it('on the admin listener, with the secret and without', async () => {
    const shown = await status(bearer(ADMIN));
    expect(shown.status).toBe(200);
    clean(shown.body.toString(), 'the status page');
    for (const headers of [{}, bearer(FOREIGN), bearer(key), { ...bearer(ADMIN), 'x-api-key': FOREIGN }] as Record<
      string,
      string
    >[]) {
      const { rawHead, body } = await status(headers, `/status?canary=${QUERY}`);
      clean(rawHead + body.toString(), 'a refusal of the admin listener');
    }
  });

  it('in what the process has printed, at level debug, over all of the above', async () => {
    const calls = () => router.logged('call').length;
    expect(calls()).toBeGreaterThan(200);
    clean(router.stdout, 'standard output');
    clean(router.stderr, 'the log');
    router.kill('SIGTERM');
    expect(await router.ended).toBe(0);
    clean(router.stdout + router.stderr, 'what it said until its end');
    expect(router.logged('fault')).toEqual([]);
  });

  it('when a start is refused: by a bad policy, an address, a secret, a certificate', async () => {
    const at = (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const literal = JSON.stringify(keyedPolicy('http://127.0.0.1:1')).replaceAll('$WORKER_KEY', WORKER_KEY);
    const starts: [string[], Record<string, string>][] = [
      [['--policy', at('literal.yaml', literal)], {}],
      [['--policy', at('admin.yaml', `${literal.slice(0, -1)},"server":{"adminSecret":"${ADMIN}"}}`)], {}],
      [
        ['--policy', at('good.yaml', JSON.stringify(keyedPolicy('http://127.0.0.1:1')))],
        { WORKER_KEY: `${WORKER_KEY}\n` },
      ],
      [['--listen', '0.0.0.0:0', '--admin', '0.0.0.0:0'], { SPILLWAY_ADMIN_SECRET: ADMIN }],
      [[], { SPILLWAY_ADMIN_SECRET: `${ADMIN} ${FOREIGN}` }],
      [[], { SPILLWAY_ADMIN_SECRET_FILE: join(folder, ADMIN) }],
    ];
    const runs = starts.map(([args, env]) => spillway(['serve', '--data', join(folder, 'none'), ...args], env, folder));
    for (const run of runs) {
      expect(await run.ended, run.stderr).toBe(2);
      clean(run.stdout + run.stderr, 'a refused start');
    }
    rmSync(folder, { recursive: true, force: true });
  });
});
