// The router's own share of a call, on a target that answers at once: rules, gate, attempt, reply, settling. For parts.ts.
import type { IncomingMessage } from 'node:http';
import { DEFAULT_HTTP_LIMITS } from '../../src/core/limits.ts';
import type { Sink } from '../../src/core/reply.ts';
import { NO_WANTS } from '../../src/core/request.ts';
import { CallSignal } from '../../src/core/signal.ts';
import type { Exchange, Transport } from '../../src/core/transport.ts';
import { openaiChat } from '../../src/dialects/openai-chat.ts';
import { readWants } from '../../src/http/wants.ts';
import type { RouterStores } from '../../src/router/accounting.ts';
import { nodeClock } from '../../src/runtime/node/machine.ts';
import { refuseRaw } from '../../src/runtime/node/raw-guard.ts';
import { createMemoryLedger } from '../../src/stores/memory/ledger.ts';
import { createMemoryQuota } from '../../src/stores/memory/quota.ts';
import { CALLER, openRouter } from '../pool/router.ts';
import { workload } from '../workload.ts';

const POLICY = `version: 1
pools: { bench: { serves: bench-model, workers: [ { url: "http://127.0.0.1:1" } ], concurrencyPerWorker: 4096 } }
models: { bench-model: { class: chat, ladder: [ { pool: bench } ] } }
`;

const exchange: Exchange = { pause() {}, resume() {}, abort() {} };
const sink: Sink = { head() {}, write: () => true, drained: () => Promise.resolve(), end() {}, fail() {} };

const PRICED = `prices: { models: { "bench/*": { input: 2, output: 10, asOf: 2026-11-01 } } }
`;
const LIMITED = `tenants: { "*": { requestsPerMinute: 1000M, uncachedTokensPerMinute: 1000M, inFlight: 64, usd: { perDay: 1000000 } } }
`;

/** Records are handed over and forgotten: what a store does with them is measured by itself. */
function counting(): RouterStores {
  const ledger = createMemoryLedger({ wallMs: () => nodeClock.wallMs() });
  return { quota: createMemoryQuota({ clock: nodeClock }), ledger: { ...ledger, add() {} } };
}

/** The same with what every router on Node does: prices, GPU time and a record of each call. */
export const callCounted = () => callOn(POLICY + PRICED, counting());

/** And with each kind of limit on its tenant. */
export const callLimited = () => callOn(POLICY + PRICED + LIMITED, counting());

/** One call from the parsed request to the settled reply; includes the check of the reply, which is listed apart. */
export const callThrough = () => callOn(POLICY);

async function callOn(policy: string, stores?: RouterStores) {
  const { requestBody, reply } = workload('small');
  const transport: Transport = {
    send(_request, handler) {
      handler.sent();
      handler.head(200, { 'content-type': 'application/json' });
      handler.data(reply);
      handler.end();
      return exchange;
    },
    connections: () => 0,
    close: async () => {},
  };
  const router = await openRouter(policy, transport, stores);
  const call = openaiChat.parse(requestBody, DEFAULT_HTTP_LIMITS, {
    path: openaiChat.routes[0]!,
    query: '',
    headers: {},
  });
  return async () => {
    const signal = new CallSignal();
    const answer = await router.service({
      id: 'req_0',
      dialect: openaiChat,
      body: requestBody,
      call,
      caller: CALLER,
      wants: NO_WANTS,
      run: null,
      signal,
      receivedMs: nodeClock.nowMs(),
    });
    return answer.body.pipe(sink, signal);
  };
}

/** The look at head and path before any route, and the read of the caller's wishes. */
export async function headGuard() {
  const headers = {
    host: '127.0.0.1:8787',
    'content-type': 'application/json',
    'content-length': '2048',
    authorization: 'Bearer sk-0123456789',
    accept: 'application/json',
    'user-agent': 'bench',
  };
  const rawHeaders = Object.entries(headers).flat();
  const incoming = { method: 'POST', url: '/v1/chat/completions', httpVersion: '1.1', headers, rawHeaders };
  const guard = {
    plainPaths: new Set(openaiChat.routes),
    modelsPrefix: '/v1/models/',
    limits: DEFAULT_HTTP_LIMITS,
    rules: { allowedHosts: [], allowedOrigins: [] },
  };
  return () => refuseRaw(incoming as unknown as IncomingMessage, guard) ?? readWants(headers);
}
