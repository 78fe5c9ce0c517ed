// The routes of a router for an app of someone else's, which keeps its own middleware in force. For library users.
import type { Context, Hono } from 'hono';
import type { Caller, KeyStore } from './core/keys.ts';
import { DEFAULT_HTTP_LIMITS, type HttpLimits } from './core/limits.ts';
import type { Metrics } from './core/metrics.ts';
import { fitsPattern } from './core/pattern.ts';
import type { Pressure } from './core/pressure.ts';
import type { Runtime } from './core/runtime.ts';
import type { TenantStore } from './core/tenants.ts';
import { createApp } from './http/app.ts';
import { type Admit, admitByKey, letIn } from './http/credential.ts';
import { createKeptReplies } from './http/kept-replies.ts';
import { webIngress } from './http/web-sink.ts';
import { compilePolicy } from './policy/compile.ts';
import type { PolicyFiles } from './policy/documents.ts';
import { loadPolicy } from './policy/load.ts';
import { formatProblem } from './policy/problems.ts';
import type { SecretSource } from './policy/secrets.ts';
import { registriesWith } from './registries.ts';
import type { RouterStores } from './router/accounting.ts';
import { createRouter, type Router, type RouterRegistries } from './router/create.ts';
import { createWebRuntime } from './runtime/web/runtime.ts';
import { createMemoryLedger } from './stores/memory/ledger.ts';
import { createMemoryQuota } from './stores/memory/quota.ts';
import { MemoryReplies } from './stores/memory/replies.ts';
import { KeyRing } from './tenants/key-ring.ts';
import { TenantRing } from './tenants/tenant-ring.ts';

/** Who is behind a request, as the app around the routes knows it. */
export interface Admitted {
  readonly tenant: string;
  /** May reach managed APIs, which cost money with every call. Default: yes. */
  readonly managed?: boolean;
  /** Names and patterns (with `*`) of models; default: all. */
  readonly models?: readonly string[];
  /** Paths such as `/v1/messages`; default: all. */
  readonly routes?: readonly string[];
}

export interface SpillwayOptions {
  /** The policy's text, or where it lies and how files are read there. */
  readonly policy: { readonly text: string } | { readonly path: string; readonly files: PolicyFiles };
  /** What `$NAME` in the policy stands for. Default: nothing. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Reads what `$file:/path` stands for. Default: no file can be read. */
  readonly secretFile?: SecretSource['file'];
  /** Default: the host's own `fetch`, timers and crypto. */
  readonly runtime?: Runtime;
  /**
   * Who calls: null = nobody that is let in. Without `admit` and `keys` the app around the routes decides who comes in, and
   * nobody reaches managed APIs.
   */
  readonly admit?: (context: Context) => Admitted | null | Promise<Admitted | null>;
  /** Spillway's own keys; in force from the first one that is made. */
  readonly keys?: KeyStore;
  /** Tenants beside those of the policy, taken up within seconds of a change. */
  readonly tenants?: TenantStore;
  /**
   * Where what tenants use is counted, and records of calls are kept. Default: memory, so that limits hold as long as the
   * process lives, and for this process alone.
   */
  readonly stores?: RouterStores;
  readonly limits?: Partial<HttpLimits>;
  /** Where calls are counted. Default: nowhere. */
  readonly metrics?: Metrics;
  /** How hard pressed the host's process is; what it sheds is refused. Default: never. */
  readonly pressure?: Pressure;
  /** Further kinds of worker. */
  readonly workers?: RouterRegistries['workers'];
}

export interface Spillway extends Hono {
  /** The router, once its policy is loaded. Rejects with the policy's problems. */
  readonly ready: Promise<Router>;
  /** Lets go of workers, keys and connections. */
  close(): Promise<void>;
}

/** A policy that cannot be used; the text names file, line and key of each problem. */
export class PolicyError extends Error {}

const ANYBODY: Caller = { tenant: 'embedded', keyId: null, managed: false, mayAsk: null, routes: null };

/**
 * `app.route('/ai', spillway({ policy: { text } }))`. The routes are there at once; calls wait for the policy to be loaded.
 */
export function spillway(options: SpillwayOptions): Spillway {
  const runtime = options.runtime ?? createWebRuntime();
  const { clock, newId, log, digest } = runtime;
  const ring = options.keys === undefined ? null : new KeyRing({ store: options.keys, digest, clock, log });
  let isReady = false;
  let tenants: TenantRing | null = null;
  const ready = start(options, runtime, ring).then((started) => {
    isReady = true;
    tenants = started.tenants;
    return started.router;
  });
  ready.catch((thrown: unknown) => log.error('policy_refused', { name: thrown instanceof Error ? thrown.name : '' }));
  const app = createApp({
    router: {
      service: async (request) => (await ready).service(request),
      models: async (caller) => (await ready).models(caller),
      model: async (name, caller) => (await ready).model(name, caller),
    },
    ingress: webIngress,
    limits: { ...DEFAULT_HTTP_LIMITS, ...options.limits },
    clock,
    newId,
    replies: createKeptReplies(new MemoryReplies(clock), digest),
    log,
    admit: admission(options, ring, ready),
    ready: () => isReady,
    basePath: '/',
    mounted: true,
  });
  return Object.assign(app, {
    ready,
    async close() {
      ring?.close();
      await (await ready.catch(() => null))?.close();
      tenants?.close();
      await runtime.transport.close();
    },
  });
}

interface Started {
  readonly router: Router;
  readonly tenants: TenantRing | null;
}

async function start(options: SpillwayOptions, runtime: Runtime, ring: KeyRing | null): Promise<Started> {
  const { policy, env = {}, secretFile } = options;
  const registries = registriesWith(options.workers ?? {});
  const from = 'text' in policy ? { path: 'policy.yaml', files: oneFile(policy.text) } : policy;
  const secrets: SecretSource = {
    env: (name) => env[name],
    file: secretFile ?? (() => Promise.reject(new Error('No file can be read here.'))),
  };
  const [loaded] = await Promise.all([
    loadPolicy({ ...from, registries, secrets, wallMs: runtime.clock.wallMs() }),
    ring?.start(),
  ]);
  if (!loaded.ok) throw new PolicyError(loaded.problems.map(formatProblem).join('\n'));
  const { metrics, pressure, tenants: store } = options;
  const { clock, log } = runtime;
  const catalog = compilePolicy(loaded.policy);
  const tenants = store === undefined ? null : new TenantRing({ store, clock, log, read: catalog.readTenant });
  await tenants?.start();
  const router = createRouter({
    catalog,
    registries,
    runtime,
    stores: options.stores ?? {
      quota: createMemoryQuota({ clock }),
      ledger: createMemoryLedger({ wallMs: () => clock.wallMs() }),
    },
    ...(metrics === undefined ? {} : { metrics }),
    ...(pressure === undefined ? {} : { pressure }),
    ...(tenants === null ? {} : { tenants: (name) => tenants.rules(name) }),
  });
  return { router, tenants };
}

function oneFile(text: string): PolicyFiles {
  return { read: () => Promise.resolve(text), list: () => Promise.resolve([]) };
}

function admission({ admit }: SpillwayOptions, ring: KeyRing | null, ready: Promise<unknown>): Admit {
  if (admit !== undefined) {
    return async (context) => {
      const found = await admit(context);
      return letIn(found === null ? null : callerOf(found));
    };
  }
  if (ring === null) return () => ANYBODY;
  const byKey = admitByKey(ring, webIngress);
  // Before the keys are read nobody is known.
  return async (context) => {
    await ready;
    return byKey(context);
  };
}

function callerOf({ tenant, managed = true, models, routes }: Admitted): Caller {
  const patterns = models?.map((pattern) => pattern.split('*'));
  return {
    tenant,
    keyId: null,
    managed,
    mayAsk: patterns === undefined ? null : (model) => patterns.some((pieces) => fitsPattern(model, pieces)),
    routes: routes === undefined ? null : new Set(routes),
  };
}
