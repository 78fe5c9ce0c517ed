// The parts of a small request that the design gives a budget to. For ledger.ts; a new part is one entry here.
import { randomBytes } from 'node:crypto';
import { type Context, Hono } from 'hono';
import type { PoolTarget } from '../../src/core/plan.ts';
import { openaiChat } from '../../src/dialects/openai-chat.ts';
import { admitByKey } from '../../src/http/credential.ts';
import { nodeClock, nodeDigest } from '../../src/runtime/node/machine.ts';
import { createMemoryKeys } from '../../src/stores/memory/keys.ts';
import { issueKey } from '../../src/tenants/key-issue.ts';
import { KeyRing } from '../../src/tenants/key-ring.ts';
import { scanObject } from '../../src/wire/scan.ts';
import { workload } from '../workload.ts';
import { callCounted, callLimited, callThrough, headGuard } from './call.ts';
import { slot } from './gate.ts';
import { cost, rate, share } from './money.ts';
import type { Part } from './part.ts';
import { reserveAndClose } from './spend.ts';
import { callCount, callLine, callTold } from './told.ts';

const HEAD = { path: openaiChat.routes[0]!, query: '', headers: {} };
const TARGET: PoolTarget = {
  kind: 'pool',
  name: 'bench',
  serves: 'bench-model',
  zone: null,
  capabilities: null,
  speaks: new Set([openaiChat.name]),
  rerank: null,
  contextTokens: null,
  maxItems: null,
};
/** The head is given: nothing else of a request is looked at. */
const NO_CONTEXT = {} as Context;
const LIMITS = { maxDepth: 64, maxTokens: 200_000, maxInputs: 2_048 };

/** Routing alone: a matched handler with nothing in it, the Request already made. */
async function honoRouting() {
  const app = new Hono();
  const reply = new Response(null);
  for (const path of openaiChat.routes) app.post(path, () => reply);
  for (const path of ['/v1/models', '/v1/embeddings', '/v1/rerank', '/v1/messages', '/healthz'])
    app.all(path, () => reply);
  const request = new Request(`http://127.0.0.1:8787${openaiChat.routes[0]}`, { method: 'POST' });
  return () => app.fetch(request);
}

async function scanAndParse() {
  const body = workload('small').requestBody;
  return () => openaiChat.parse(body, LIMITS, HEAD);
}

async function scanOnly() {
  const body = workload('small').requestBody;
  return () => scanObject(body, { ...LIMITS, forbidKeys: true });
}

async function jsonParse() {
  const body = workload('small').requestBody;
  return () => JSON.parse(body.toString('utf8')) as unknown;
}

async function replyCheck() {
  const { requestBody, reply } = workload('small');
  const upstream = openaiChat.parse(requestBody, LIMITS, HEAD).toward(TARGET, 'bench-model');
  return () => upstream.check(reply, {});
}

/** What tells a run that names itself nowhere; once per call. */
async function print() {
  const body = workload('small').requestBody;
  return () => openaiChat.parse(body, LIMITS, HEAD).print();
}

/** From the head of a request to who calls. */
async function key() {
  const terms = { tenant: 'acme', name: '', expiresMs: null, models: null, routes: null };
  const made = await issueKey(terms, { randomBytes, digest: nodeDigest, wallMs: nodeClock.wallMs() });
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  const store = createMemoryKeys([made.record]);
  const ring = new KeyRing({ store, digest: nodeDigest, clock: nodeClock, log: silent });
  await ring.start();
  ring.close();
  const headers = { host: 'localhost', authorization: `Bearer ${made.key}` };
  const admit = admitByKey(ring, { headers: () => headers });
  return () => admit(NO_CONTEXT);
}

export const PARTS: readonly Part[] = [
  { name: 'Hono routing', budgetUs: 4, prepare: honoRouting },
  { name: 'scan and parse, 2 KB', budgetUs: 5, prepare: scanAndParse },
  { name: 'of which the scan', budgetUs: null, prepare: scanOnly },
  { name: 'for comparison: JSON.parse, 2 KB', budgetUs: null, prepare: jsonParse },
  { name: 'scan, parse and print', budgetUs: null, prepare: print },
  { name: 'key', budgetUs: 1, prepare: key },
  { name: 'head, host and wishes', budgetUs: null, prepare: headGuard },
  { name: 'rules, gate, attempt, reply, settle', budgetUs: 6, prepare: callThrough },
  { name: 'the same, priced and recorded', budgetUs: null, prepare: callCounted },
  { name: 'the same, with all kinds of limit', budgetUs: null, prepare: callLimited },
  { name: 'of which the reply check, 1 KB', budgetUs: null, prepare: replyCheck },
  { name: 'gate and schedule, room, 1 tenant', budgetUs: 3, prepare: () => slot(1) },
  { name: 'gate and schedule, room, 100 tenants', budgetUs: 3, prepare: () => slot(100) },
  { name: 'price of a target, looked up', budgetUs: 0.1, prepare: rate },
  { name: 'cost and charge of an attempt', budgetUs: null, prepare: cost },
  { name: 'share of a worker, begin and end', budgetUs: null, prepare: share },
  { name: 'spend: reserve and charge, 32 in flight', budgetUs: 0.5, prepare: reserveAndClose },
  { name: 'telemetry: line and metrics of a call', budgetUs: 2, prepare: callTold },
  { name: 'of which the line', budgetUs: null, prepare: callLine },
  { name: 'of which the metrics, 100 tenants', budgetUs: null, prepare: callCount },
];
