// Decides at which bytes a reply of any surface is cut and in which ways, and what the caller must see of each cut. For the
// suite of cut points, in turn in the fast run and all of them in the long one.
import { expect } from 'vitest';
import { cutAfter, raw, type Script, status, streamHead, write } from '../fakes/fault-upstream.ts';
import type { RawResponse } from '../fakes/raw-client.ts';
import { endsInBand, isRefused } from '../surface/refusals.ts';
import { disclosed, good, type SurfaceStage, startSurfaces } from '../surface/stage.ts';
import { CALLS, type Call, gotOf, noting, type STREAMED } from '../surface/surfaces.ts';
import { inParallel, lanes } from './routed.ts';
import { wireOf } from './wire-streams.ts';

/** `in turn`: each byte is cut in one of the ways; `every way`: in all of them. */
export type Ways = 'in turn' | 'every way';
interface Cut {
  readonly at: number;
  /** `end` counts bytes of the body and ends as a whole reply would; the others count bytes on the wire. */
  readonly how: 'rst' | 'fin' | 'end';
}

/** A call says where its reply is cut, so that many run at once. */
const ordered = (call: Call, model: string, { at, how }: Cut) => noting(call, model, `cut ${at} ${how};`);
const orderIn = (body: Buffer): Cut => {
  const found = /cut (\d+) (rst|fin|end);/.exec(body.toString())!;
  return { at: Number(found[1]), how: found[2] as Cut['how'] };
};

/** RST and FIN at each byte of head, framing and body, a clean end at each byte of the body; in turn always at its `edges`. */
function cutsOf(wire: Buffer, body: Buffer, edges: readonly number[], ways: Ways): Cut[] {
  const cuts: Cut[] = [];
  const all = ways === 'every way';
  for (let at = 0; at <= wire.length; at++) {
    if (all || at % 2 === 0) cuts.push({ at, how: 'rst' });
    if (all || at % 2 === 1) cuts.push({ at, how: 'fin' });
  }
  for (let at = 0; at <= body.length; at++)
    if (all || at % 3 === 0 || edges.includes(at)) cuts.push({ at, how: 'end' });
  return cuts;
}

let stage: SurfaceStage | undefined;

/** A router takes at most 1,000 workers a pool, so it meets at most so many cuts. */
const MOST_CUTS = 2_000;

/** Below the cut replies stands a healthy target; answers with how many calls that one got. */
async function ask(
  call: Call,
  cuts: readonly Cut[],
  script: (cut: Cut) => Script,
  model: string,
  judge: (response: RawResponse, cut: Cut) => void,
): Promise<number> {
  let servedBelow = 0;
  for (let from = 0; from < cuts.length; from += MOST_CUTS) {
    const some = cuts.slice(from, from + MOST_CUTS);
    await stage?.close();
    // So many workers that breakers, which open after five failures in a row, never take the last one out.
    const copies = 20 + Math.ceil(some.length / 2.5);
    stage = await startSurfaces({ copies, groups: [call.surface.group] });
    const { first, second, routed } = stage;
    first.behave(({ body }) => script(orderIn(body)));
    second.behave(() => good(call, 'second'));
    const clients = lanes(routed.port);
    await inParallel(some, 64, async (cut, lane) => {
      const response = await clients.ask(lane, ordered(call, model, cut), call.surface.path);
      try {
        judge(response, cut);
      } catch (error) {
        throw new Error(`${cut.how} after ${cut.at} bytes: ${String(error)}`, { cause: error });
      }
    });
    clients.close();
    servedBelow += second.served;
  }
  return servedBelow;
}

function isFrom(call: Call, response: RawResponse, mark: 'first' | 'second', degraded?: string) {
  expect(response).toMatchObject({ status: 200, complete: true });
  expect(response.body.equals(gotOf(call, mark))).toBe(true);
  const { rung, attempts, degraded: why } = disclosed(response);
  const number = mark === 'first' ? '1' : '2';
  expect({ rung, attempts, why }).toEqual({ rung: number, attempts: number, why: degraded });
}

const isBadGateway = (call: Call, response: RawResponse) =>
  isRefused(call.surface, response, { status: 502, code: 'upstream_error', waits: true });

type Streamed = (typeof STREAMED)[number];

/** A streamed reply, cut at each of its bytes. */
export function streamCuts(call: Streamed, ways: Ways) {
  const { group } = call.surface;
  const frames = call.frames('first');
  const { wire, body, bodyBytesAt } = wireOf(frames.events);
  const wholeAt = ({ at, how }: Cut) => frames.wholeIn(how === 'end' ? at : bodyBytesAt(at));
  const script = ({ at, how }: Cut): Script =>
    how === 'end' ? [streamHead(), write(body.subarray(0, at))] : [cutAfter(at, how), raw(wire)];
  const edges = frames.events.map((_, at) => Buffer.concat(frames.events.slice(0, at + 1)).length);
  const cuts = cutsOf(wire, body, edges, ways);
  const before = cuts.filter((cut) => wholeAt(cut) <= frames.firstContent);
  const after = cuts.filter((cut) => wholeAt(cut) > frames.firstContent);
  return {
    async afterContent(): Promise<void> {
      expect(after.length).toBeGreaterThan(wire.length / 2);
      const servedBelow = await ask(call, after, script, `${group}-same`, (response, cut) => {
        const whole = wholeAt(cut);
        const { rung, attempts } = disclosed(response);
        expect({ rung, attempts }).toEqual({ rung: '1', attempts: '1' });
        if (whole <= frames.finish) return endsInBand(call.surface, response, frames, whole);
        const sent = Buffer.concat(frames.events.slice(0, whole).filter((_, at) => frames.shown(at)));
        expect(response).toMatchObject({ status: 200, complete: true });
        expect(response.body.equals(sent)).toBe(true);
      });
      expect(servedBelow).toBe(0);
    },
    async beforeContent(): Promise<void> {
      const servedBelow = await ask(call, before, script, group, (response) => {
        isFrom(call, response, 'second', 'failing');
        expect(response.body.includes(`"${frames.mark}"`)).toBe(false);
      });
      expect(servedBelow).toBe(before.length);
    },
    async alone(): Promise<void> {
      const some = before.filter((_, at) => ways === 'every way' || at % 8 === 0);
      await ask(call, some, script, `${group}-alone`, (response) => isBadGateway(call, response));
    },
  };
}

export const WHOLE = CALLS.filter(({ frames }) => frames === null);
export const FRAMINGS = ['by length', 'in chunks'] as const;

/** A reply that comes whole, cut at each third of its bytes, or at each. */
export function wholeCuts(call: Call, framing: (typeof FRAMINGS)[number], ways: Ways) {
  const { surface } = call;
  const { sent, headers } = surface.reply('first');
  const degraded = surface.group === 'embed' ? undefined : 'failing';
  const chunks = framing === 'in chunks';
  const said = { 'content-type': 'application/json', ...headers };
  const length = chunks ? { 'transfer-encoding': 'chunked' } : { 'content-length': `${sent.length}` };
  const lines = Object.entries({ ...said, ...length }).map(([name, value]) => `${name}: ${value}\r\n`);
  const chunked = [Buffer.from(`${sent.length.toString(16)}\r\n`), sent, Buffer.from('\r\n0\r\n\r\n')];
  const wire = Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\n${lines.join('')}\r\n`), ...(chunks ? chunked : [sent])]);
  const script = ({ at, how }: Cut): Script =>
    how === 'end' ? [status(200, said), write(sent.subarray(0, at))] : [cutAfter(at, how), raw(wire)];
  const isCut = ({ at, how }: Cut) => at < (how === 'end' ? sent.length : wire.length);
  // A clean end of a reply by length is the whole reply or no clean end.
  const ends = chunks ? sent : Buffer.alloc(0);
  const step = ways === 'every way' ? 1 : 3;
  const cuts = cutsOf(wire, ends, [ends.length], ways).filter((cut, at) => at % step === 0 || !isCut(cut));
  return {
    async fromBelow(): Promise<void> {
      const servedBelow = await ask(call, cuts, script, surface.group, (response, cut) =>
        isCut(cut) ? isFrom(call, response, 'second', degraded) : isFrom(call, response, 'first'),
      );
      expect(servedBelow).toBe(cuts.filter(isCut).length);
    },
    async alone(): Promise<void> {
      const some = cuts.filter((cut, at) => isCut(cut) && (ways === 'every way' || at % 8 === 0));
      await ask(call, some, script, `${surface.group}-alone`, (response) => isBadGateway(call, response));
    },
  };
}

/** Also shows that nothing is left behind. */
export async function closeStage(): Promise<void> {
  await stage?.close();
  stage = undefined;
}
