// Shows what of a call reaches its target on every surface: the caller's bytes but for the allowed edits, the headers that
// belong to the dialect, and nothing that says who the caller is.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { claudeCodeRequest, codexRequest } from '../fakes/agent-requests.ts';
import type { LoggedRequest } from '../fakes/fault-exchange.ts';
import { postBytes, rawRequest } from '../fakes/raw-client.ts';
import { speaksAnthropic } from './refusals.ts';
import { good, type SurfaceStage, startSurfaces } from './stage.ts';
import { bodyOf, CALLS, type Call } from './surfaces.ts';

let stage: SurfaceStage;
beforeAll(async () => {
  stage = await startSurfaces();
});
afterAll(() => stage.close());

/** Sends a call's bytes and answers with what the target got of it. */
async function sent(
  call: Call,
  text: string,
  headers: Record<string, string>,
  path = call.surface.path,
): Promise<LoggedRequest> {
  stage.first.next(...good(call, 'first'));
  const response = await rawRequest(stage.routed.port, postBytes(path, text, headers));
  expect(response.status, response.body.toString()).toBe(200);
  const request = stage.first.requests.at(-1)!;
  expect(request.headers['x-request-id']).toBe(response.headers['x-request-id']);
  return request;
}

/** What the router itself writes to every target. */
const OWN = [
  'host',
  'connection',
  'content-type',
  'content-length',
  'accept',
  'accept-encoding',
  'user-agent',
  'x-request-id',
];

/** Of all that clients send beside the body, in one call. */
const PRIVATE = {
  'user-agent': 'canary',
  cookie: 'canary=1',
  'x-stainless-lang': 'js',
  'x-stainless-retry-count': '1',
  'x-claude-code-session-id': 'canary',
  'x-claude-code-agent-id': 'canary',
  'session-id': 'canary',
  'thread-id': 'canary',
  'x-codex-turn-metadata': '{"session_id":"canary"}',
  'x-session-affinity': 'canary',
  'x-spillway-run': 'canary',
  'x-forwarded-for': '10.0.0.1',
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  'openai-organization': 'org-canary',
  'anthropic-dangerous-direct-browser-access': 'true',
  'x-request-id': 'canary',
  referer: 'canary',
};
const VERSIONS = { 'anthropic-version': '2026-10-21', 'anthropic-beta': 'a-2026-01-01,b-2026-02-02' };

describe.each(CALLS.filter(({ surface }) => !surface.translated))('$name', (call) => {
  const { surface } = call;

  it('gets unknown fields, odd spacing and escapes as they came; only the model’s name is another', async () => {
    const { model, ...rest } = bodyOf(call, surface.group);
    const odd = '"\\u0075nknown" : {"model":"x", "model" :[1e400, 12345678901234567890,"\\/\\ud83d\\udc4b"]}';
    const text = `\n{ ${odd} ,\t"model"  :"${model}" , "null":null,${JSON.stringify(rest).slice(1, -1)}\r\n}  `;
    const { body } = await sent(call, text, {});
    const asksUsage = call.frames !== null && surface.dialect === 'openai-completions';
    const edited = asksUsage ? text.replace('{', '{"stream_options":{"include_usage":true},') : text;
    expect(body.toString()).toBe(edited.replace(`"model"  :"${model}"`, '"model"  :"served-1"'));
  });
});

describe.each(CALLS)('$name', (call) => {
  const { surface } = call;
  const text = JSON.stringify(bodyOf(call, surface.group));

  for (const [name, credential] of [
    ['bearer', { authorization: 'Bearer sk-canary' }],
    ['x-api-key', { 'x-api-key': 'sk-canary' }],
  ] as const) {
    it(`F039 passes on no credential (${name}) and no session, and of the rest what belongs to the dialect`, async () => {
      const request = await sent(call, text, { ...PRIVATE, ...VERSIONS, 'openai-beta': 'b=1', ...credential });
      const dialect = { 'openai-responses': { 'openai-beta': 'b=1' } }[surface.dialect as string] ?? {};
      const passed: Record<string, string> = speaksAnthropic(surface) ? VERSIONS : dialect;
      const { headers } = request;
      expect(
        Object.keys(headers)
          .filter((one) => !OWN.includes(one))
          .sort(),
      ).toEqual(Object.keys(passed).sort());
      expect(headers).toMatchObject(passed);
      expect(headers['accept-encoding']).toBe('identity');
      expect(JSON.stringify(request.rawHeaders)).not.toContain('canary');
    });
  }

  it('passes on the query where the API has one', async () => {
    const { path } = await sent(call, text, {}, `${surface.path}?beta=true&x=%20a+b&api_key=sk-canary`);
    expect(path.slice(path.indexOf('?') + 1)).toBe(speaksAnthropic(surface) ? 'beta=true&x=%20a+b' : path);
    expect(path).not.toContain('canary');
  });
});

describe('agent clients', () => {
  const named = (name: string) => CALLS.find((call) => call.name === name)!;

  it.each([
    ['Claude Code', named('messages, streamed'), claudeCodeRequest],
    ['Codex', named('responses, streamed'), codexRequest],
  ])('a call of %s goes on byte for byte, under the served name', async (_, call, request) => {
    const { path, headers, body } = request('chat');
    const text = JSON.stringify(body);
    expect(text.length).toBeGreaterThan(20_000);
    const got = await sent(call, text, headers, path);
    expect(got.body.toString()).toBe(text.replace('"model":"chat"', '"model":"served-1"'));
    expect(got.path).toBe(path);
    const kept = ['anthropic-version', 'anthropic-beta', 'openai-beta'].filter((name) => name in headers);
    for (const name of kept) expect(got.headers[name]).toBe(headers[name]);
    expect(
      Object.keys(got.headers)
        .filter((name) => !OWN.includes(name))
        .sort(),
    ).toEqual(kept.sort());
  });
});
