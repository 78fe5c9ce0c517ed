// Shows that a 200 which is no reply is taken for the failure it is on every surface, and that an error inside a stream
// is the caller's only where content went out before it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { badBodies } from '../fakes/fault-replies.ts';
import { event, reply, type Script, status, streamHead, write, writeAll } from '../fakes/fault-upstream.ts';
import type { RawResponse } from '../fakes/raw-client.ts';
import { endsInBand, isRefused } from './refusals.ts';
import { disclosed, good, type SurfaceStage, startSurfaces } from './stage.ts';
import { CALLS, type Call, gotOf, STREAMED } from './surfaces.ts';

let stage: SurfaceStage;
beforeAll(async () => {
  stage = await startSurfaces({ copies: 300 });
});
afterAll(() => stage.close());

const SECRET = 'sk-canary-of-the-target';
const BROKEN = { status: 502, code: 'upstream_error', waits: true } as const;

async function fromBelow(call: Call, script: Script, degraded = 'failing'): Promise<RawResponse> {
  stage.first.next(...script);
  stage.second.next(...good(call, 'second'));
  const response = await stage.ask(call);
  expect(response.body.toString()).toBe(gotOf(call, 'second').toString());
  const said = disclosed(response);
  const why = call.surface.group === 'embed' ? undefined : degraded;
  expect([said['rung'], said['attempts'], said['degraded']]).toEqual(['2', '2', why]);
  return response;
}

/** Whole replies that are none: of nobody, and of another surface. */
function strangers(call: Call): Record<string, Script> {
  const { surface } = call;
  const other = CALLS.find((one) => one.surface.group !== surface.group && one.surface.dialect !== surface.dialect)!;
  const { sent, headers } = surface.reply('first');
  return {
    ...badBodies,
    'json of another shape': [reply(200, '{"ok":true}')],
    'a reply of another surface': good({ ...other, frames: null }, 'first'),
    'a stream that nobody asked for, or none where one was':
      call.frames === null ? [streamHead(), event({})] : good({ ...call, frames: null }, 'first'),
    'cut in JSON': [reply(200, sent.subarray(0, -1), headers)],
    'an error in place of a reply': [reply(200, JSON.stringify({ error: { message: SECRET, type: 'server_error' } }))],
    'another content type': [status(200, { 'content-type': 'text/plain' }), write(sent)],
  };
}

describe.each(CALLS)('$name', (call) => {
  it('F057 a 200 that is no reply: the next rung answers, else it is a 502 that quotes nothing', async () => {
    for (const [name, script] of Object.entries(strangers(call))) {
      try {
        await fromBelow(call, script);
        stage.first.next(...script);
        const response = await stage.ask(call, `${call.surface.group}-alone`);
        isRefused(call.surface, response, BROKEN);
        expect(response.body.toString()).not.toMatch(/nginx|canary/);
      } catch (error) {
        throw new Error(`${name}: ${error}`, { cause: error });
      }
    }
  });
});

/** How targets of each dialect say in a stream that they failed or are full. */
function inBand({ surface }: Call, full: boolean): Record<string, Script> {
  const error = full
    ? { message: SECRET, type: 'overloaded_error', code: 'rate_limit_exceeded' }
    : { message: SECRET, type: 'api_error', code: null };
  const response = {
    id: 'first',
    object: 'response',
    status: 'failed',
    output: [],
    error: { ...error, code: full ? 'rate_limit_exceeded' : 'server_error' },
  };
  const common: Record<string, Script> = { 'an error object': [event({ error })] };
  switch (surface.dialect) {
    case 'anthropic-messages':
      return { ...common, 'event: error': [event({ type: 'error', error }, { name: 'error' })] };
    case 'openai-responses':
      return {
        ...common,
        'response.failed': [
          event({ type: 'response.failed', response, sequence_number: 9 }, { name: 'response.failed' }),
        ],
        'event: error': [event({ ...error, type: 'error', param: null, sequence_number: 9 }, { name: 'error' })],
      };
    default:
      return { ...common, 'raw JSON at the end': [write(JSON.stringify({ error }))] };
  }
}

describe.each(STREAMED)('$name', (call) => {
  const { surface } = call;
  const frames = call.frames('first');

  it('F060 F061 F062 an error inside it, before first content: the next rung answers, else it is a status', async () => {
    for (const full of [false, true]) {
      for (const script of Object.values(inBand(call, full))) {
        for (let kept = 0; kept <= frames.firstContent; kept++) {
          const whole = [streamHead(), writeAll(frames.events.slice(0, kept)), ...script];
          const response = await fromBelow(call, whole, full ? 'saturated' : 'failing');
          expect(response.body.toString()).not.toContain('canary');
        }
        stage.first.next(streamHead(), ...script);
        const expected = full ? ({ status: 429, code: 'capacity_contended', waits: true } as const) : BROKEN;
        const headers = { 'x-spillway-max-wait': '0' };
        isRefused(surface, await stage.ask(call, `${surface.group}-alone`, { headers }), expected);
      }
    }
  });

  it('F060 after it: the events sent stay whole, and one error of the router ends the stream', async () => {
    for (const full of [false, true]) {
      for (const script of Object.values(inBand(call, full))) {
        for (let kept = frames.firstContent + 1; kept <= frames.finish; kept++) {
          stage.first.next(streamHead(), writeAll(frames.events.slice(0, kept)), ...script);
          const response = await stage.ask(call);
          endsInBand(surface, response, frames, kept, full ? 'worker_full' : 'upstream_error');
          expect(response.body.toString()).not.toContain('canary');
        }
      }
    }
  });

  it('F063 one bad line is skipped, and the events around it arrive as they came', async () => {
    for (let at = 0; at <= frames.finish; at++) {
      const events = frames.events.slice();
      events.splice(at, 0, Buffer.from('data: {"half\n\n'));
      stage.first.next(streamHead(), writeAll(events));
      const response = await stage.ask(call);
      expect(response).toMatchObject({ status: 200, complete: true });
      expect(response.body.toString()).toBe(gotOf(call, 'first').toString());
    }
  });
});
