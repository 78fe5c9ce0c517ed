// Decides what stands around a test that goes over all surfaces: one router with a ladder of two targets for each of them,
// and what the log says of a call. For tests in test/surface and suites of upstream faults.
import { expect } from 'vitest';
import type { LogFields } from '../../src/core/runtime.ts';
import type { NodeOptions } from '../../src/entry/node.ts';
import { eventually } from '../fakes/eventually.ts';
import {
  type FaultUpstream,
  reply,
  type Script,
  startFaultUpstream,
  streamHead,
  writeAll,
} from '../fakes/fault-upstream.ts';
import type { RawResponse } from '../fakes/raw-client.ts';
import { CALM, type Routed, routedBy } from '../upstream/routed.ts';
import { bodyOf, type Call, classOf, SURFACES, type Surface } from './surfaces.ts';

const CHAT_DIALECTS = [
  ...new Set(SURFACES.filter(({ group }) => group === 'chat').map(({ dialect }) => dialect)),
] as const;
const GROUPS = [...new Set(SURFACES.map(({ group }) => group))];
export const ZONE = 'here';

export interface StageOptions {
  /** Of all route classes. */
  readonly rules?: object;
  /** Every worker so many times, so that no breaker hides a later fault. */
  readonly copies?: number;
  readonly slots?: number;
  /** Only these; default: all. */
  readonly groups?: readonly Surface['group'][];
  readonly more?: Partial<NodeOptions>;
}

/**
 * Models of each group: `GROUP` with a substitute below (a copy for embeddings, which have none), `GROUP-same` with a copy
 * below, `GROUP-alone` without anything below. `deaf-DIALECT` leads to a target that speaks all of chat but that dialect.
 */
export function surfacePolicy(
  urls: readonly [string, string],
  { rules, copies = 100, slots, groups = GROUPS }: StageOptions,
): string {
  const pools: Record<string, object> = {};
  const models: Record<string, object> = {};
  for (const group of groups) {
    const routeClass = classOf({ group } as Surface);
    const takes = { chat: { speaks: CHAT_DIALECTS }, embed: {}, rerank: { rerank: { form: group, scores: 'logit' } } };
    const ladder = urls.map((url, at) => {
      const pool = `${group}-${at + 1}`;
      const limit = slots === undefined ? {} : { concurrencyPerWorker: slots };
      const workers = Array.from({ length: copies }, () => ({ url }));
      pools[pool] = { serves: `served-${at + 1}`, zone: ZONE, workers, ...takes[routeClass], ...limit };
      return { pool };
    });
    const same = ladder.map((rung) => ({ ...rung, same: true }));
    models[group] = { class: routeClass, ladder: group === 'embed' ? same : ladder };
    models[`${group}-same`] = { class: routeClass, ladder: same };
    models[`${group}-alone`] = { class: routeClass, ladder: ladder.slice(0, 1) };
  }
  for (const dialect of CHAT_DIALECTS) {
    const name = `deaf-${dialect}`;
    pools[name] = { workers: [{ url: urls[0] }], speaks: CHAT_DIALECTS.filter((other) => other !== dialect) };
    models[name] = { class: 'chat', ladder: [{ pool: name }] };
  }
  const everywhere = { timeouts: CALM, retries: 0, ...rules };
  const classes = { chat: everywhere, embed: everywhere, rerank: everywhere };
  if (groups.includes('tei')) Object.assign(classes, { rerank: { ...everywhere, default: 'tei' } });
  return JSON.stringify({ version: 1, pools, models, classes });
}

export interface SurfaceStage {
  readonly routed: Routed;
  /** The target of the first rungs. */
  readonly first: FaultUpstream;
  /** The target of the second rungs. */
  readonly second: FaultUpstream;
  ask(call: Call, model?: string, options?: AskOptions): Promise<RawResponse>;
  /** The one line that the log has of a call, once it is there. */
  line(response: Pick<RawResponse, 'headers'>): Promise<LogFields>;
  /** Also shows that nothing is left behind. */
  close(): Promise<void>;
}

export interface AskOptions {
  readonly more?: object;
  readonly headers?: Record<string, string>;
}

export async function startSurfaces(options: StageOptions = {}): Promise<SurfaceStage> {
  const first = await startFaultUpstream();
  const second = await startFaultUpstream();
  const routed = await routedBy(surfacePolicy([first.url, second.url], options), options.more);
  return {
    routed,
    first,
    second,
    ask: (call, model = call.surface.group, { more = {}, headers = {} } = {}) =>
      routed.ask(bodyOf(call, model, more), { path: call.surface.path, headers }),
    line: ({ headers }) => lineOf(routed, headers['x-request-id']!),
    async close() {
      await routed.closeClean(first, second);
      expect(routed.log.of('fault')).toEqual([]);
      await first.close();
      await second.close();
    },
  };
}

export async function lineOf({ log }: Routed, id: string): Promise<LogFields> {
  const lines = () => log.of('call').filter(({ fields }) => fields['id'] === id);
  await eventually(() => lines().length > 0);
  expect(lines()).toHaveLength(1);
  return lines()[0]!.fields;
}

/** A target's good answer to a call. */
export function good({ surface, frames }: Call, mark: string): Script {
  if (frames !== null) return [streamHead(), writeAll(frames(mark).events)];
  const { sent, headers } = surface.reply(mark);
  return [reply(200, sent, headers)];
}

/** The x-spillway-* headers of a reply, without their prefix and without what depends on time. */
export function disclosed({ headers }: Pick<RawResponse, 'headers'>): Record<string, string> {
  const ours = Object.entries(headers).filter(([name]) => name.startsWith('x-spillway-'));
  const { 'queue-ms': queueMs, ...rest } = Object.fromEntries(ours.map(([name, value]) => [name.slice(11), value]));
  expect(queueMs).toMatch(/^\d+$/);
  return rest;
}
