// Decides what tests of limits stand on: a router that is a process of its own, tenants with keys, callers who keep their sockets,
// and the records that are read from its ledger. For tests of limits and money over real sockets.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Agent, type Dispatcher, request } from 'undici';
import { made } from '../entry/keys-command.ts';
import { newFolder, type Serving, serve } from '../entry/spillway-process.ts';
import { eventually } from '../fakes/eventually.ts';
import { type Asked, promptFor } from '../fakes/metered-upstream.ts';

const SECRET = 'admin-secret-0123456789';
const env = { SPILLWAY_ADMIN_SECRET: SECRET };

export interface Money {
  readonly reservedUsd: number;
  readonly waiting: number;
  readonly ledger: { readonly ok: boolean; readonly waiting: number; readonly lost: number };
}

export interface LimitStage {
  readonly router: Serving;
  readonly folder: string;
  readonly data: string;
  readonly policyPath: string;
  rewrite(policy: object): void;
  ask(asked: Asked, options?: AskOptions): Promise<Answer>;
  status(): Promise<{ openCalls: number; money: Money }>;
  metrics(): Promise<string>;
  /** Nothing is open, in line, or held. */
  nothingHeld(): Promise<void>;
  /** Another process on the same data, after this one has ended. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export interface AskOptions {
  readonly stream?: boolean;
  readonly maxTokens?: number;
  /** Characters of the prompt beyond what is asked. */
  readonly padding?: number;
  readonly headers?: Record<string, string>;
  /** The caller leaves at first content. */
  readonly leaves?: boolean;
}

/** As its caller saw it. Times of `performance.now`. */
export interface Answer {
  readonly sentMs: number;
  readonly endMs: number;
  /** 0: the connection broke before an answer. */
  readonly status: number;
  readonly whole: boolean;
  readonly code: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

const body = (asked: Asked, { stream = false, maxTokens, padding = 0 }: AskOptions): string =>
  JSON.stringify({
    model: 'asked',
    stream,
    ...(maxTokens === undefined ? {} : { max_tokens: maxTokens }),
    messages: [{ role: 'user', content: promptFor(asked, padding) }],
  });

async function call(
  url: string,
  key: string,
  dispatcher: Dispatcher,
  asked: Asked,
  options: AskOptions,
): Promise<Answer> {
  const { stream = false, leaves = false } = options;
  const sentMs = performance.now();
  const trace = { traceparent: `00-${asked.call}-00f067aa0ba902b7-01` };
  let status = 0;
  let headers: Record<string, string> = {};
  let text = '';
  let whole = false;
  try {
    const reply = await request(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}`, ...trace, ...options.headers },
      body: body(asked, options),
      dispatcher,
      headersTimeout: 50_000,
      bodyTimeout: 50_000,
    });
    status = reply.statusCode;
    headers = reply.headers as Record<string, string>;
    for await (const part of reply.body.setEncoding('utf8')) {
      text += part;
      if (leaves && text.includes('"content"')) break;
    }
    whole = status === 200 && (stream ? text.endsWith('data: [DONE]\n\n') : text.endsWith('}'));
  } catch {
    whole = false;
  }
  return { sentMs, endMs: performance.now(), status, whole, code: /"code":"(\w+)"/.exec(text)?.[1] ?? null, headers };
}

/** A trace id, from 1, by which a call is found again in the ledger. */
export const callNumber = (number: number): string => number.toString(16).padStart(32, '0');

export async function startLimitStage(policy: object, tenants: readonly string[]): Promise<LimitStage> {
  const folder = newFolder();
  const data = join(folder, 'data');
  const policyPath = join(folder, 'policy.yaml');
  const rewrite = (next: object) => writeFileSync(policyPath, JSON.stringify(next));
  rewrite(policy);
  const keys: Record<string, string> = {};
  for (const tenant of tenants) keys[tenant] = (await made(data, '--tenant', tenant)).key;
  const start = () => serve(['--policy', policyPath, '--data', data], { folder, env });
  let router = await start();
  const dispatcher = new Agent({ pipelining: 1, keepAliveTimeout: 60_000 });
  const admin = async (path: string) =>
    fetch(`${router.adminUrl}${path}`, { headers: { authorization: `Bearer ${SECRET}` } });
  const status = async () => (await admin('/status')).json() as ReturnType<LimitStage['status']>;
  const metrics = async () => (await admin('/metrics')).text();
  return {
    get router() {
      return router;
    },
    folder,
    data,
    policyPath,
    rewrite,
    ask: (asked, options = {}) => call(router.url, keys[asked.tenant]!, dispatcher, asked, options),
    status,
    metrics,
    async nothingHeld() {
      const open = async () => {
        const { openCalls, money } = await status();
        const text = await metrics();
        const held = [openCalls, money.reservedUsd, money.waiting, money.ledger.waiting];
        return (
          held.every((one) => one === 0) &&
          /^spillway_reserved_tokens 0$/m.test(text) &&
          /^spillway_reserved_usd 0$/m.test(text)
        );
      };
      await eventually(open, { deadlineMs: 15_000, what: 'nothing is held' });
    },
    async restart() {
      router = await start();
    },
    async close() {
      await router.dispose();
      await dispatcher.close();
    },
  };
}

/** One call of the ledger. Times are those of the router, Unix epoch in ms. */
export interface LedgerCall {
  readonly id: string;
  readonly trace: string;
  readonly tenant: string;
  readonly how: string;
  readonly code: string | null;
  readonly served: string | null;
  readonly attempts: number;
  readonly estimated: number;
  readonly inputTokens: number;
  readonly uncachedTokens: number | null;
  readonly cachedTokens: number | null;
  readonly outputTokens: number | null;
  readonly charge: number;
  /** When its first attempt began, which is when it had been let in; null: it was not. */
  readonly admittedMs: number | null;
}

const CALLS = `
SELECT id, trace, tenant, how, calls.code, served, calls.attempts, calls.estimated, input_tokens AS inputTokens,
  calls.uncached_tokens AS uncachedTokens, calls.cached_tokens AS cachedTokens, calls.output_tokens AS outputTokens,
  charge, arrived_ms + began_ms AS admittedMs
FROM calls LEFT JOIN attempts ON call = seq AND place = 0 ORDER BY admittedMs`;

export function ledgerCalls(data: string): LedgerCall[] {
  return withLedger(data, (db) => db.prepare(CALLS).all() as unknown as LedgerCall[]);
}

/** Only read: what a router that runs, or died, has left there. */
export function withLedger<T>(data: string, use: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(join(data, 'ledger.db'), { readOnly: true });
  try {
    return use(db);
  } finally {
    db.close();
  }
}

export interface Drop {
  readonly atMs: number;
  readonly amount: number;
}

/**
 * By how much a bound was exceeded at worst, ≤ 0: not at all. A level that drains at the limit's pace and stays below the burst is
 * the same as the bound on every window: let in within [a, b] ≤ burst + limit × (b − a) ÷ 60 s.
 */
export function overshoot(drops: readonly Drop[], perMinute: number, burst: number): number {
  let level = 0;
  let lastMs = Number.NEGATIVE_INFINITY;
  let worst = Number.NEGATIVE_INFINITY;
  for (const { atMs, amount } of [...drops].sort((a, b) => a.atMs - b.atMs)) {
    level = Math.max(0, level - ((atMs - lastMs) * perMinute) / 60_000) + amount;
    lastMs = atMs;
    worst = Math.max(worst, level - burst);
  }
  return worst;
}

/** The same as callers see it: a call was let in between its sending and its end, so those wholly within a window count. */
export function overshootSeen(answers: readonly Answer[], perMinute: number, burst: number): number {
  let worst = Number.NEGATIVE_INFINITY;
  for (const { sentMs } of answers) {
    const later = answers.filter((one) => one.sentMs >= sentMs).map(({ endMs }) => endMs);
    later.sort((a, b) => a - b);
    for (const [at, endMs] of later.entries())
      worst = Math.max(worst, at + 1 - burst - ((endMs - sentMs) * perMinute) / 60_000);
  }
  return worst;
}
