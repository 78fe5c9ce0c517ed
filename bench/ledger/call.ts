// The router's own share of a call, on a target that answers at once: rules, gate, attempt, reply, settling. For parts.ts.
import { openSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import type { Caller } from '../../src/core/keys.ts';
import { DEFAULT_HTTP_LIMITS } from '../../src/core/limits.ts';
import type { Sink } from '../../src/core/reply.ts';
import { NO_WANTS } from '../../src/core/request.ts';
import type { Log } from '../../src/core/runtime.ts';
import { CallSignal } from '../../src/core/signal.ts';
import type { Exchange, Transport } from '../../src/core/transport.ts';
import { openaiChat } from '../../src/dialects/openai-chat.ts';
import { readWants } from '../../src/http/wants.ts';
import { compilePolicy } from '../../src/policy/compile.ts';
import { loadPolicy } from '../../src/policy/load.ts';
import { registriesWith } from '../../src/registries.ts';
import { createRouter } from '../../src/router/create.ts';
import { createNodeLog } from '../../src/runtime/node/log.ts';
import { newRequestId, nodeClock, nodeDigest } from '../../src/runtime/node/machine.ts';
import { refuseRaw } from '../../src/runtime/node/raw-guard.ts';
import { CallCounts } from '../../src/telemetry/call-counts.ts';
import { workload } from '../workload.ts';

const POLICY = `version: 1
pools: { bench: { serves: bench-model, workers: [ { url: "http://127.0.0.1:1" } ], concurrencyPerWorker: 4096 } }
models: { bench-model: { class: chat, ladder: [ { pool: bench } ] } }
`;

const CALLER: Caller = { tenant: 'development', keyId: null, managed: true, mayAsk: null, routes: null };
const LINE = {
  id: 'req_0123456789abcdef0123456789abcdef',
  tenant: 'development',
  dialect: 'openai-chat',
  stream: false,
  priority: 'interactive',
  step: 'turn',
  asked: 'bench-model',
  served: 'bench/bench-model',
  rung: 1,
  degraded: null,
  attempts: 1,
  how: 'complete',
  code: undefined,
  queueMs: 0,
  ttftMs: 12,
  bytes: 1_024,
  uncachedTokens: 512,
  cachedTokens: 0,
  outputTokens: 128,
};
const FACTS = {
  class: 'chat',
  priority: 'interactive',
  target: 'bench',
  how: 'complete',
  code: null,
  degraded: null,
  queueMs: 0,
  firstContentMs: 12,
  attempts: 1,
  uncachedTokens: 512,
  cachedTokens: 0,
  outputTokens: 128,
} as const;
const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };
const exchange: Exchange = { pause() {}, resume() {}, abort() {} };
const sink: Sink = { head() {}, write: () => true, drained: () => Promise.resolve(), end() {}, fail() {} };

/** One call from the parsed request to the settled reply; includes the check of the reply, which is listed apart. */
export async function callThrough() {
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
  const registries = registriesWith({});
  const loaded = await loadPolicy({
    path: 'bench.yaml',
    files: { read: async () => POLICY, list: async () => [] },
    registries,
    secrets: { env: () => undefined, file: async () => '' },
  });
  if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join('; '));
  const router = createRouter({
    catalog: compilePolicy(loaded.policy),
    registries,
    runtime: {
      transport,
      clock: nodeClock,
      random: Math.random,
      newId: newRequestId,
      digest: nodeDigest,
      background: (task) => void task(),
      log: silent,
    },
  });
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

/** The line of a call, written to nowhere. */
export async function callLine() {
  const log = createNodeLog('summary', openSync('/dev/null', 'w'));
  let calls = 0;
  return () => {
    log.info('call', { ...LINE, totalMs: calls++ % 100 });
  };
}

/** What is counted of a call, of a hundred tenants in turn: as many as have a label of their own. */
export async function callCount() {
  const level = { firstContentMs: 2_000, totalMs: null, objective: 0.99 };
  const counts = new CallCounts(nodeClock, () => level);
  const tenants = Array.from({ length: 100 }, (_, at) => `tenant-${at}`);
  let calls = 0;
  return () => {
    counts.call({ ...FACTS, tenant: tenants[calls++ % 100]!, totalMs: calls % 100 });
    return counts;
  };
}

/** All that is written and counted of a call. */
export async function callTold() {
  const line = await callLine();
  const count = await callCount();
  return () => {
    line();
    return count();
  };
}
