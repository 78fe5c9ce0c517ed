// Decides how a test asks the whole router without a socket: policy as text, scripted workers, a virtual clock.
// For tests of src/router.
import { expect } from 'vitest';
import type { Dialect } from '../../src/core/dialect.ts';
import { RouterError } from '../../src/core/errors.ts';
import type { Disclosure, End, Sink } from '../../src/core/reply.ts';
import { NO_WANTS, type Wants } from '../../src/core/request.ts';
import type { RunIdentity, StepKind } from '../../src/core/runs.ts';
import { CallSignal } from '../../src/core/signal.ts';
import { dialects } from '../../src/dialects/index.ts';
import { compilePolicy } from '../../src/policy/compile.ts';
import { registriesWith } from '../../src/registries.ts';
import type { RouterStores } from '../../src/router/accounting.ts';
import { createRouter, type RouterOptions } from '../../src/router/create.ts';
import { CALLER, parseCall } from '../fakes/call-parts.ts';
import { recordingLog } from '../fakes/recording-log.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { policyOf } from '../policy/load-texts.ts';
import { scriptedTransport } from './scripted-transport.ts';

export const compiled = async (yaml: string) => compilePolicy(await policyOf(yaml));

/** Pools by name with the hosts of their workers, and one model `m` whose ladder they are. */
export function ladder(
  pools: Readonly<Record<string, readonly string[]>>,
  rungs: readonly string[] = Object.keys(pools),
  { chat = '{}', perWorker = 2, more = '' } = {},
): string {
  const lines = Object.entries(pools).map(
    ([name, hosts]) =>
      `  ${name}: { concurrencyPerWorker: ${perWorker}, workers: [ ${hosts.map((host) => `{ url: "http://${host}" }`).join(', ')} ] }`,
  );
  const steps = rungs.map((rung) => (rung.startsWith('{') ? rung : `{ pool: ${rung} }`));
  return [
    'version: 1',
    'pools:',
    ...lines,
    `models: { m: { ladder: [ ${steps.join(', ')} ] } }`,
    `classes: { chat: ${chat} }`,
    more,
  ].join('\n');
}

export interface Asked {
  readonly error: RouterError | null;
  readonly disclosure: Disclosure | null;
  readonly end: End | null;
  readonly text: string;
  /** What the sink was told, in order, writes counted once. */
  readonly calls: readonly string[];
}

export interface AskOptions {
  readonly stream?: boolean;
  readonly wants?: Partial<Wants>;
  readonly signal?: CallSignal;
  readonly body?: Record<string, unknown>;
  readonly tenant?: string;
  readonly run?: RunIdentity;
  readonly step?: StepKind;
  readonly dialect?: Dialect;
  /** The reply is thrown away unread. */
  readonly discard?: boolean;
}

function collector() {
  const parts: Uint8Array[] = [];
  const calls: string[] = [];
  const note = (call: string) => {
    if (calls.at(-1) !== call || call !== 'write') calls.push(call);
  };
  const sink: Sink = {
    head: () => note('head'),
    write(bytes) {
      parts.push(bytes);
      note('write');
      return true;
    },
    drained: () => Promise.resolve(),
    end(last) {
      if (last !== undefined) parts.push(last);
      note('end');
    },
    fail: (error) => note(`fail ${error.code}`),
  };
  return { sink, calls, text: () => Buffer.concat(parts).toString() };
}

export async function scriptedRouter(
  yaml: string,
  random: () => number = () => 0.5,
  more: Pick<RouterOptions, 'metrics' | 'pressure'> & { readonly stores?: (clock: VirtualClock) => RouterStores } = {},
) {
  const clock = new VirtualClock();
  const { stores, ...given } = more;
  const transport = scriptedTransport(clock);
  const log = recordingLog();
  const router = createRouter({
    catalog: await compiled(yaml),
    ...given,
    ...(stores === undefined ? {} : { stores: stores(clock) }),
    registries: registriesWith({}),
    runtime: {
      transport,
      clock,
      random,
      log,
      newId: () => 'req_1',
      digest: (bytes) => bytes,
      background: (task) => void task(),
    },
  });
  let number = 0;

  async function ask(options: AskOptions = {}) {
    const { stream = false, wants = {}, signal = new CallSignal(), body = {}, discard, run = null, step } = options;
    const { dialect = dialects['openai-chat'], tenant = CALLER.tenant } = options;
    const bytes = new TextEncoder().encode(
      JSON.stringify({ model: 'm', ...(dialect.class === 'chat' && { messages: [], stream }), ...body }),
    );
    const { sink, calls, text } = collector();
    const got: { -readonly [K in keyof Asked]: Asked[K] } = {
      error: null,
      disclosure: null,
      end: null,
      text: '',
      calls,
    };
    try {
      const reply = await router.service({
        id: `req_${++number}`,
        dialect,
        body: bytes,
        call: parseCall(dialect, bytes),
        caller: { ...CALLER, tenant },
        wants: { ...NO_WANTS, ...wants },
        run,
        ...(step === undefined ? {} : { step }),
        signal,
        receivedMs: clock.nowMs(),
      });
      got.disclosure = reply.disclosure;
      if (discard === true) reply.body.discard();
      else {
        sink.head(200, {}, reply.body.length);
        got.end = await reply.body.pipe(sink, signal);
      }
      got.text = text();
    } catch (thrown) {
      if (!(thrown instanceof RouterError)) throw thrown;
      got.error = thrown;
    }
    return got as Asked;
  }

  /** Lets time pass until the promise is settled. */
  async function settle<T>(promise: Promise<T>): Promise<T> {
    let over = false;
    const done = () => {
      over = true;
    };
    promise.then(done, done);
    for (let turns = 0; !over; turns++) {
      if (turns > 10_000) throw new Error('nothing happens any more');
      await clock.advanceSettling(0);
      if (!over) await clock.advanceSettling(clock.nextInMs ?? 0);
    }
    return promise;
  }

  return {
    router,
    clock,
    transport,
    log,
    ask,
    settle,
    /** Asks and lets as much time pass as it takes. */
    get: (options?: AskOptions) => settle(ask(options)),
    worker: (id: string) => {
      const found = router
        .status()
        .pools.flatMap((pool) => pool.workers)
        .find((one) => one.id === id);
      if (found === undefined) throw new Error(`no worker ${id}`);
      return found;
    },
    /** Nothing is held, open or in line any more (finished exchanges linger a second); once it is closed, no timer is left. */
    async atRest() {
      await clock.advanceSettling(2_000);
      const status = router.status();
      await router.close();
      expect([status.openCalls, router.open, transport.open, clock.pending]).toEqual([0, 0, 0, 0]);
      for (const pool of status.pools) {
        expect([pool.inFlight, pool.waiting], pool.name).toEqual([0, 0]);
        for (const worker of pool.workers) expect(worker.inFlight, worker.id).toBe(0);
      }
    },
  };
}
