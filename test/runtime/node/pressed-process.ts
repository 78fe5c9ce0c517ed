// Decides what a small server does whose calls hold much memory until their callers leave, with or without the overload
// ladder: the production listener, routes and load watch around a service that never answers. Forked by the tests of load.

import { RouterError } from '../../../src/core/errors.ts';
import type { Caller } from '../../../src/core/keys.ts';
import { DEFAULT_HTTP_LIMITS as limits } from '../../../src/core/limits.ts';
import { NO_METRICS } from '../../../src/core/metrics.ts';
import type { InferenceRequest } from '../../../src/core/request.ts';
import { PressureLadder } from '../../../src/flow/pressure.ts';
import { createApp } from '../../../src/http/app.ts';
import { createTurnAway } from '../../../src/http/overload.ts';
import { createNodeIngress } from '../../../src/runtime/node/ingress.ts';
import { watchLoad } from '../../../src/runtime/node/load.ts';
import { newRequestId, nodeClock } from '../../../src/runtime/node/machine.ts';
import { createNodeServer } from '../../../src/runtime/node/server.ts';
import { recordingLog } from '../../fakes/recording-log.ts';

/** What the parent may ask for. */
export type Order =
  | { readonly ask: 'report' }
  /** Blocks the event loop so long, so many times, with a short breath in between. */
  | { readonly ask: 'block'; readonly blockMs: number; readonly times: number };

export interface Report {
  readonly step: number;
  /** Steps as they were logged. */
  readonly steps: readonly unknown[];
  readonly heapShare: number;
  /** Calls that hold memory. */
  readonly held: number;
}

const guarded = process.argv[2] === 'guarded';
const heldBytes = Number(process.argv[3]);
const log = recordingLog();
const ladder = new PressureLadder(nodeClock);
const watch = watchLoad(ladder, log);
const ingress = createNodeIngress(limits, nodeClock);
const held = new Set<readonly object[]>();
/** What one small object with a text of its own takes, about. */
const ITEM_BYTES = 64;

/** A caller that is served costs `heldBytes` of heap for as long as it stays. */
function hold({ signal }: InferenceRequest): Promise<never> {
  const memory = Array.from({ length: heldBytes / ITEM_BYTES }, (_, at) => ({ at, text: `turn ${at}` }));
  held.add(memory);
  return new Promise((_resolve, reject) => {
    signal.onAbort(() => {
      held.delete(memory);
      reject(new RouterError('client_gone', 'The caller is gone.'));
    });
  });
}

const caller: Caller = { tenant: 'one', keyId: null, managed: false, mayAsk: null, routes: null };
const app = createApp({
  router: { service: hold, models: () => [], model: () => null },
  ingress,
  admit: () => caller,
  limits,
  clock: nodeClock,
  newId: newRequestId,
  log,
  ready: () => true,
  basePath: '/',
  ...(guarded ? { turnAway: createTurnAway(ladder, NO_METRICS, Math.random) } : {}),
});
const server = createNodeServer({
  limits,
  newId: newRequestId,
  guard: {
    plainPaths: new Set(),
    modelsPrefix: '/v1/models/',
    limits,
    rules: { allowedHosts: [], allowedOrigins: [], anyHost: () => true },
  },
  fetch: (request, sockets) => {
    if (guarded && ladder.closesConnections) sockets.outgoing.shouldKeepAlive = false;
    return app.fetch(request, sockets);
  },
});

function block(blockMs: number, times: number): void {
  const untilMs = performance.now() + blockMs;
  while (performance.now() < untilMs);
  if (times > 1) setTimeout(block, 60, blockMs, times - 1);
  else process.send?.('blocked');
}

process.on('message', (order: Order) => {
  if (order.ask === 'block') return block(order.blockMs, order.times);
  const steps = log.of('pressure').map(({ fields }) => fields['step']);
  const report: Report = { step: ladder.step, steps, heapShare: watch.load.heapShare, held: held.size };
  process.send?.(report);
});
const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
process.send?.({ port });
