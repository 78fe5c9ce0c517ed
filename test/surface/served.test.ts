// Shows that every surface, streamed or not, hands on its target's bytes and says of the reply what all others say: who
// was asked, who answered, where on the ladder, why, after how many tries.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { json } from '../fakes/fault-upstream.ts';
import type { RawResponse } from '../fakes/raw-client.ts';
import { speaksAnthropic } from './refusals.ts';
import { disclosed, good, type SurfaceStage, startSurfaces, ZONE } from './stage.ts';
import { CALLS, type Call, classOf, gotOf } from './surfaces.ts';

let stage: SurfaceStage;
let retrying: SurfaceStage;
beforeAll(async () => {
  stage = await startSurfaces();
  retrying = await startSurfaces({ rules: { retries: 1 } });
});
afterAll(async () => {
  await stage.close();
  await retrying.close();
});

const broken = [json(500, { error: { message: 'sk-canary' } })];

/** All that a reply says of itself. */
function says({ surface, frames }: Call, response: RawResponse, mark: 'first' | 'second', more: object) {
  const { headers } = response;
  expect(response.status, response.body.toString()).toBe(200);
  expect(response.complete).toBe(true);
  expect(headers['content-type']).toBe(frames === null ? 'application/json' : 'text/event-stream; charset=utf-8');
  expect(headers['cache-control']).toBe('no-store');
  expect(headers['x-content-type-options']).toBe('nosniff');
  expect(headers['x-request-id']).toMatch(/^req_[0-9a-f]{32}$/);
  expect(headers['request-id']).toBe(speaksAnthropic(surface) ? headers['x-request-id'] : undefined);
  expect(headers['content-length']).toBe(frames === null ? String(response.body.length) : undefined);
  const number = mark === 'first' ? '1' : '2';
  expect(disclosed(response)).toEqual({
    asked: surface.group,
    served: `${surface.group}-${number}/served-${number}`,
    rung: number,
    attempts: number,
    zone: ZONE,
    ...(classOf(surface) === 'rerank' ? { scores: 'logit' } : {}),
    ...more,
  });
}
const isBytes = (call: Call, response: RawResponse, mark: string) =>
  expect(response.body.toString()).toBe(gotOf(call, mark).toString());

describe.each(CALLS)('$name', (call) => {
  const { surface } = call;
  const substitute: object = surface.group === 'embed' ? {} : { degraded: 'failing' };

  it('F135 hands on the bytes of its target and says who answered', async () => {
    stage.first.next(...good(call, 'first'));
    const response = await stage.ask(call);
    says(call, response, 'first', {});
    isBytes(call, response, 'first');
  });

  it('F135 F084 says that a substitute answered, and why; embeddings have copies only', async () => {
    stage.first.next(...broken);
    stage.second.next(...good(call, 'second'));
    const response = await stage.ask(call);
    says(call, response, 'second', substitute);
    isBytes(call, response, 'second');
  });

  it('F135 does not call a copy of the asked model a substitute', async () => {
    stage.first.next(...broken);
    stage.second.next(...good(call, 'second'));
    const response = await stage.ask(call, `${surface.group}-same`, { headers: { 'x-spillway-degrade': 'never' } });
    says(call, response, 'second', { asked: `${surface.group}-same` });
    isBytes(call, response, 'second');
  });

  it('F084 never gives a substitute to a caller who forbids it', async () => {
    const before = stage.second.served;
    stage.first.next(...broken);
    if (surface.group === 'embed') stage.second.next(...good(call, 'second'));
    const response = await stage.ask(call, undefined, { headers: { 'x-spillway-degrade': 'never' } });
    expect(response.status).toBe(surface.group === 'embed' ? 200 : 502);
    expect(stage.second.served - before).toBe(surface.group === 'embed' ? 1 : 0);
  });

  it('F135 counts a second try at the same rung', async () => {
    // Plain calls earn the retry.
    for (let n = 0; n < 5; n++) {
      retrying.first.next(...good(call, 'first'));
      await retrying.ask(call);
    }
    retrying.first.next(...broken);
    retrying.first.next(...good(call, 'first'));
    const response = await retrying.ask(call);
    says(call, response, 'first', { attempts: '2' });
    isBytes(call, response, 'first');
  });
});

describe('what only some surfaces say', () => {
  const named = (wanted: string) => CALLS.find(({ name }) => name === wanted)!;

  it('fields that a target cannot be told are named where the call is put into another form, and nowhere else', async () => {
    const more = { priority: 3, unknown: { a: [1] } };
    for (const call of CALLS) {
      stage.first.next(...good(call, 'first'));
      const { dropped } = disclosed(await stage.ask(call, undefined, { more }));
      expect(dropped, call.name).toBe(call.surface.translated ? 'priority, unknown' : undefined);
    }
  });

  it('a call in TEI’s form that names no model is asked of the default one', async () => {
    const call = named('rerank (TEI)');
    const { model, ...unnamed } = call.surface.body('tei');
    stage.first.next(...good(call, 'first'));
    const response = await stage.routed.ask(unnamed, { path: call.surface.path });
    says(call, response, 'first', {});
    expect(JSON.parse(stage.first.requests.at(-1)!.body.toString())).toEqual(unnamed);
    expect(model).toBe('tei');
  });
});
