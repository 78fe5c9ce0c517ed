// Shows that every surface refuses alike: one status, one set of headers and a body in its own dialect for each cause,
// whether the caller, the router or a target brought it about.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../src/core/errors.ts';
import { createMemoryKeys } from '../../src/stores/memory/keys.ts';
import { eventually } from '../fakes/eventually.ts';
import { hang, json, redirect, reply, type Script } from '../fakes/fault-upstream.ts';
import { issued } from '../tenants/sample-keys.ts';
import { type Expected, isRefused } from './refusals.ts';
import { type SurfaceStage, startSurfaces } from './stage.ts';
import { bodyOf, CALLS, type Call, classOf } from './surfaces.ts';

const MAX_BODY_BYTES = 32 * 1024;
let stage: SurfaceStage;
let locked: SurfaceStage;
let narrow: SurfaceStage;
let hasty: SurfaceStage;
let ownKey = '';
let otherKey = '';
beforeAll(async () => {
  const own = await issued({ models: ['embed'] });
  const other = await issued({ routes: ['/v1/models'] });
  ownKey = own.key;
  otherKey = other.key;
  const keys = createMemoryKeys([own.record, other.record]);
  stage = await startSurfaces({ more: { limits: { maxBodyBytes: MAX_BODY_BYTES } } });
  locked = await startSurfaces({ copies: 1, more: { keys } });
  narrow = await startSurfaces({ copies: 1, slots: 1 });
  const soon = '300ms';
  const timeouts = { connect: '5s', headers: soon, firstContent: soon, idle: soon, total: soon };
  hasty = await startSurfaces({ copies: 1, rules: { timeouts } });
});
afterAll(async () => {
  for (const one of [stage, locked, narrow, hasty]) await one.close();
});

const callers = (status: number, code: ErrorCode, text: RegExp): Expected => ({ status, code, waits: false, text });
/** Waits for no worker that is full. */
const IMPATIENT = { 'x-spillway-max-wait': '0' };
const alone = ({ surface }: Call) => `${surface.group}-alone`;
const ofOtherClass = ({ surface }: Call) => (classOf(surface) === 'chat' ? 'embed' : 'chat');

describe.each(CALLS)('$name', (call) => {
  const { surface } = call;
  const { path } = surface;
  const refused = async (body: unknown, expected: Expected, headers: Record<string, string> = {}, at = stage) => {
    const before = at.first.served;
    const response = await at.routed.ask(body as object, { path, headers });
    isRefused(surface, response, expected);
    expect(at.first.served).toBe(before);
    return response;
  };

  it('the caller’s own mistakes are final, and the text says what they are', async () => {
    await refused('{"model":', callers(400, 'invalid_json', /not valid JSON/));
    const { [surface.required]: _, ...rest } = bodyOf(call, surface.group);
    const wanted = surface.required === 'texts' ? 'documents' : surface.required;
    await refused(rest, callers(400, 'missing_field', new RegExp(`no "${wanted}"`)));
    const unknown = await refused(bodyOf(call, 'nobody'), callers(404, 'model_not_found', /"nobody" is not available/));
    expect(unknown.headers['x-spillway-asked']).toBe('nobody');
    const foreign = callers(400, 'invalid_value', new RegExp(`serves (chat|embed); ${path} takes`));
    await refused(bodyOf(call, ofOtherClass(call)), foreign);
    const good = bodyOf(call, surface.group);
    const plain = { 'content-type': 'text/plain' };
    await refused(good, callers(415, 'unsupported_media_type', /as JSON/), plain);
    await refused(good, callers(400, 'invalid_header', /Unknown header/), { 'x-spillway-nonsense': '1' });
    const large = { ...good, more: 'x'.repeat(MAX_BODY_BYTES) };
    const { headers } = await refused(large, callers(413, 'request_too_large', /larger than/));
    expect(headers['connection']).toBe('close');
  });

  it('without a key nothing is read, and a key for something else is one for nothing here', async () => {
    const body = bodyOf(call, surface.group);
    const none = callers(401, 'invalid_api_key', /No valid key/);
    for (const headers of [{}, { authorization: 'Bearer wrong' }, { 'x-api-key': `${ownKey}x` }]) {
      const { headers: said } = await refused('{"not', none, headers as Record<string, string>, locked);
      expect(said['www-authenticate']).toBe('Bearer');
    }
    const elsewhere = callers(403, 'not_allowed', new RegExp(`may not call ${path}\\. It may call: /v1/models\\.`));
    await refused('{"not', elsewhere, { 'x-api-key': otherKey }, locked);
    const other = surface.group === 'embed' ? 'embed-alone' : surface.group;
    const hidden = callers(404, 'model_not_found', /is not available to this key\. Available: embed\./);
    await refused({ ...body, model: other }, hidden, { authorization: `Bearer ${ownKey}` }, locked);
  });

  it('what a target refused is told by what it means, never in its own words', async () => {
    for (const [name, [script, expected]] of Object.entries(REFUSALS)) {
      stage.first.next(...script);
      const response = await stage.ask(call, alone(call), { headers: IMPATIENT });
      const text = isRefused(surface, response, expected);
      expect(text, name).not.toContain('canary');
      expect(response.headers, name).toMatchObject({ 'x-spillway-asked': alone(call), 'x-spillway-attempts': '1' });
      const readyIn = response.headers['x-spillway-ready-in'];
      if (expected.code === 'model_warming') expect(readyIn).toMatch(/^[1-9]\d*$/);
      else expect(readyIn).toBeUndefined();
      expect(await stage.line(response)).toMatchObject({ how: 'failed', code: expected.code, bytes: 0, attempts: 1 });
    }
  });

  it('F079 a full target is a 429 with a time to come back', async () => {
    const slots = () => narrow.routed.status().pools.find(({ name }) => name === `${surface.group}-1`)!;
    narrow.first.next(hang());
    const holder = await narrow.routed.open(bodyOf(call, alone(call)), path);
    await eventually(() => slots().inFlight === 1);
    const contended = { status: 429, code: 'capacity_contended', waits: true, text: /in use/ } as const;
    const response = await narrow.ask(call, alone(call), { headers: IMPATIENT });
    isRefused(surface, response, contended);
    expect(response.headers['x-spillway-attempts']).toBe('0');
    holder.destroy();
    await eventually(() => slots().inFlight === 0);
  });
});

const canary = (code: string | null = null) => ({ error: { message: 'sk-canary', type: code, code } });
const waiting = (status: number, code: ErrorCode): Expected => ({ status, code, waits: true });
const final = (status: number, code: ErrorCode): Expected => ({ status, code, waits: false });
const FULL = waiting(429, 'capacity_contended');
const BROKEN = waiting(502, 'upstream_error');
const UNFUNDED = final(502, 'upstream_unfunded');

const REFUSALS: Readonly<Record<string, readonly [Script, Expected]>> = {
  'a bad request': [[json(400, canary())], final(400, 'refused_by_target')],
  'too long a prompt': [[json(400, canary('context_length_exceeded'))], final(400, 'context_length_exceeded')],
  'our own key': [[json(401, canary())], waiting(502, 'upstream_refused_key')],
  'no money': [[json(402, canary())], UNFUNDED],
  'no such model': [[json(404, canary())], BROKEN],
  'rate limit': [[json(429, canary('rate_limit_exceeded'))], FULL],
  'billing 429': [[json(429, canary('insufficient_quota'))], UNFUNDED],
  'a broken target': [[json(500, canary())], BROKEN],
  'a full target': [[json(503, canary())], FULL],
  'an overloaded target': [[json(529, canary())], FULL],
  'a starting target': [[json(503, { error: { message: 'Loading model' } })], waiting(503, 'model_warming')],
  'a redirect': [[redirect(302, 'http://127.0.0.1:1/canary')], BROKEN],
  'a page with status 200': [[reply(200, '<html>canary</html>', { 'content-type': 'text/html' })], BROKEN],
  'an object of another kind': [[json(200, { ok: 'canary' })], BROKEN],
};

describe('all surfaces at once', () => {
  it('a target that does not speak the dialect is not eligible, and the text says so', async () => {
    for (const call of CALLS.filter(({ surface }) => surface.group === 'chat')) {
      const { dialect, path } = call.surface;
      const text = new RegExp(`^No target fits: deaf-${dialect} \\(does not speak ${dialect}\\)\\.$`);
      const response = await stage.routed.ask(bodyOf(call, `deaf-${dialect}`), { path });
      isRefused(call.surface, response, callers(400, 'no_eligible_target', text));
    }
  });

  it('F064 a silent target is a 504 with a time to come back', async () => {
    hasty.first.behave(() => [hang()]);
    await Promise.all(
      CALLS.map(async (call) =>
        isRefused(call.surface, await hasty.ask(call, alone(call)), waiting(504, 'upstream_timeout')),
      ),
    );
  });

  it('F099 a router that stops says so, and to come back in a second', async () => {
    narrow.routed.running.router.drain();
    for (const call of CALLS) {
      const response = await narrow.ask(call);
      isRefused(call.surface, response, waiting(503, 'draining'));
      expect(response.headers['retry-after']).toBe('1');
    }
  });
});
