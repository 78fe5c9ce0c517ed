// Wires one router on Node: policy, plug-ins, sockets, log, reload, drain. For the command line and for tests.
import { dirname, join, resolve } from 'node:path';
import { DEFAULT_HTTP_LIMITS, type HttpLimits } from '../core/limits.ts';
import type { Clock, Log, Random, Runtime } from '../core/runtime.ts';
import type { Address } from '../core/units.ts';
import { demoPlugin, type Launcher } from '../demo/source.ts';
import { dialects } from '../dialects/index.ts';
import { createAdminApp } from '../http/admin.ts';
import { createApp } from '../http/app.ts';
import { admitByKey } from '../http/credential.ts';
import { createKeptReplies } from '../http/kept-replies.ts';
import { createTurnAway } from '../http/overload.ts';
import { compilePolicy } from '../policy/compile.ts';
import { savedPolicy } from '../policy/last-good.ts';
import { type LoadResult, loadPolicy } from '../policy/load.ts';
import type { Policy } from '../policy/policy.ts';
import { formatProblem, type Problem } from '../policy/problems.ts';
import { registriesWith } from '../registries.ts';
import { createRouter, type Router, type RouterRegistries } from '../router/create.ts';
import { createNodeIngress } from '../runtime/node/ingress.ts';
import { newRequestId, nodeClock, nodeDigest } from '../runtime/node/machine.ts';
import { nodePolicyFiles, nodeSecrets, replaceFile, watchFiles } from '../runtime/node/policy-files.ts';
import { createNodeServer } from '../runtime/node/server.ts';
import { createNodeTransport } from '../runtime/node/transport.ts';
import { KeyRing } from '../tenants/key-ring.ts';
import { TenantRing } from '../tenants/tenant-ring.ts';
import { Door } from './door.ts';
import { type GivenStores, openStores, startStores } from './stores.ts';
import { createTenantDesk } from './tenant-desk.ts';
import { startWatch } from './watch.ts';

/** Stores: where keys, tenants and the ledger are kept; default: files of the data folder. */
export interface NodeOptions extends GivenStores {
  readonly policyPath: string;
  /** Start on the saved policy instead of the file. */
  readonly lastGood?: boolean;
  /** Override the policy's own. */
  readonly listen?: Address;
  readonly admin?: Address;
  readonly data?: string;
  /** Nobody is let in without a key, even while none has been made. */
  readonly requireKeys?: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly launcher: Launcher;
  /** Or a maker, told what the policy wants logged. */
  readonly log: Log | ((level: LogLevel) => Log);
  readonly clock?: Clock;
  readonly random?: Random;
  readonly limits?: Partial<HttpLimits>;
}

export { AddressRefused } from './bind.ts';

export type LogLevel = Policy['telemetry']['log'];

/** A policy that cannot be started on; the text names file, line and key of each problem. */
export class PolicyRefused extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join('\n'));
    this.name = 'PolicyRefused';
    this.problems = problems;
  }
}

export interface RunningRouter {
  readonly router: Router;
  readonly listen: Address;
  readonly admin: Address;
  /** Whether the listeners speak HTTPS. */
  readonly secure: { readonly listen: boolean; readonly admin: boolean };
  /** Whoever reaches it may use it: no key was ever made. */
  readonly development: boolean;
  readonly basePath: string;
  readonly warnings: readonly Problem[];
  /** Reads the policy again now; false when it was refused and the last good one stays. */
  reload(): Promise<boolean>;
  /** Not ready at once, accepting for a second more, calls to their end up to the drain limit, then in-band errors. */
  stop(): Promise<void>;
  /** Ends now: calls in flight are interrupted in-band, connections are cut. */
  close(): Promise<void>;
  connections(): Promise<number>;
}

/** How long connections are still accepted after the word to stop, so that balancers notice first, ms. */
const STILL_ACCEPTING_MS = 1_000;
/** What a reload cannot change; the log says so. */
const FIXED_AT_START = ['listen', 'admin', 'data', 'basePath', 'trustedProxies'] as const;
/** In the data folder. */
export const LAST_GOOD = 'last-good-policy.yaml';

/** The plug-ins of this entry. */
export function nodeRegistries(launcher: Launcher, clock: Clock = nodeClock): RouterRegistries {
  return registriesWith({ demo: demoPlugin(launcher, clock) as never });
}

/** What a start that fails half-way leaves open keeps the process alive: its closing is noted as it is opened. */
type Opened = (() => void | Promise<void>)[];

export async function startRouter(options: NodeOptions): Promise<RunningRouter> {
  const opened: Opened = [];
  try {
    return await start(options, opened);
  } catch (thrown) {
    for (const close of opened.reverse()) await close();
    throw thrown;
  }
}

async function start(options: NodeOptions, opened: Opened): Promise<RunningRouter> {
  const { env } = options;
  const clock = options.clock ?? nodeClock;
  const thread = startStores(options);
  opened.push(() => thread?.stop());
  const registries = nodeRegistries(options.launcher, clock);
  const load = (path: string) =>
    loadPolicy({ path, files: nodePolicyFiles, registries, secrets: nodeSecrets(env), wallMs: clock.wallMs() });

  const first = await load(options.lastGood === true ? lastGoodPath(options) : options.policyPath);
  if (!first.ok) throw new PolicyRefused(first.problems);
  const { server: rules } = first.policy;
  const listenAt = options.listen ?? rules.listen;
  const adminAt = options.admin ?? rules.admin;
  const log = typeof options.log === 'function' ? options.log(first.policy.telemetry.log) : options.log;
  const dataFolder = resolve(options.data ?? rules.data);
  const limits: HttpLimits = { ...DEFAULT_HTTP_LIMITS, ...options.limits };
  const transport = createNodeTransport();
  opened.push(() => transport.close());
  const runtime: Runtime = {
    transport,
    clock,
    random: options.random ?? Math.random,
    newId: newRequestId,
    digest: nodeDigest,
    background: (task) => void setImmediate(task),
    log,
  };
  let policy = first.policy;
  let catalog = compilePolicy(policy);
  const { budgets } = catalog;
  const opening = openStores({ given: options, thread, folder: dataFolder, clock, log, budgets });
  opened.push(() => opening.close());
  const doorkeeper = new KeyRing({
    store: opening.keys,
    digest: runtime.digest,
    clock,
    log,
    required: options.requireKeys ?? false,
  });
  opened.push(() => doorkeeper.close());
  await doorkeeper.start();
  const door = new Door(doorkeeper, rules, env);
  door.check('listen', listenAt);
  door.check('admin', adminAt);
  const ring = new TenantRing({ store: opening.tenants, clock, log, read: (entry) => catalog.readTenant(entry) });
  opened.push(() => ring.close());
  await ring.start();
  const watch = startWatch(clock, log, (routeClass) => catalog.classes[routeClass].slo);
  opened.push(() => watch.close());
  const { pressure, metrics } = watch;
  // Nobody is answered before: what a call costs must be on record.
  const stores = await opening.opened;
  const router = createRouter({
    catalog,
    registries,
    runtime,
    metrics,
    pressure,
    stores,
    tenants: (name) => ring.rules(name),
  });
  opened.push(() => router.close());
  stores.keepDays(rules.usageDays);
  const ingress = createNodeIngress(limits, clock);
  opened.push(() => ingress.close());
  let stopping = false;
  const ready = () => !stopping;
  const state = {
    file: options.policyPath,
    loadedAt: new Date(clock.wallMs()).toISOString(),
    refused: [] as readonly string[],
  };

  const app = createApp({
    router,
    ingress,
    admit: admitByKey(doorkeeper, ingress),
    limits,
    clock,
    newId: newRequestId,
    replies: createKeptReplies(stores.replies, runtime.digest),
    log,
    ready,
    basePath: rules.basePath,
    turnAway: createTurnAway(pressure, metrics, runtime.random),
  });
  const base = rules.basePath === '/' ? '' : rules.basePath;
  const plainPaths = new Set(Object.values(dialects).flatMap(({ routes }) => routes.map((route) => base + route)));
  const guardRules = { allowedHosts: rules.allowedHosts, allowedOrigins: rules.allowedOrigins, anyHost: door.anyHost };
  const guard = {
    plainPaths,
    modelsPrefix: `${base}/v1/models/`,
    limits,
    rules: guardRules,
    takesPeer: door.takesPeer(listenAt),
  };
  const shared = { limits, newId: newRequestId };
  const publicServer = createNodeServer({
    ...shared,
    tls: door.tls('listen', listenAt),
    guard,
    fetch: (request, sockets) => {
      if (pressure.closesConnections) sockets.outgoing.shouldKeepAlive = false;
      return app.fetch(request, sockets);
    },
  });
  const adminApp = createAdminApp({
    router,
    newId: newRequestId,
    ingress,
    limits,
    digest: runtime.digest,
    secret: () => door.adminSecret,
    open: () => door.opensAdmin(adminAt),
    ready,
    policy: () => state,
    tenants: createTenantDesk({
      ring,
      store: stores.tenants,
      clock,
      digest: runtime.digest,
      log,
      policy: () => policy,
      catalog: () => catalog,
    }),
    usage: {
      ledger: stores.ledger,
      clock,
      erased: (tenant, records, request) =>
        log.warn('audit', { who: 'operator', what: 'usage.erase', tenant, records, request }),
    },
    metrics: watch.page(() => router.status()),
  });
  const adminServer = createNodeServer({
    ...shared,
    tls: door.tls('admin', adminAt),
    guard: {
      ...guard,
      plainPaths: new Set(),
      rules: { allowedHosts: [], allowedOrigins: [], anyHost: door.anyHost },
      takesPeer: door.takesPeer(adminAt),
    },
    fetch: (request, sockets) => adminApp.fetch(request, sockets),
  });

  opened.push(
    () => publicServer.close(true),
    () => adminServer.close(true),
  );
  const listen = await publicServer.listen(listenAt);
  const admin = await adminServer.listen(adminAt);
  for (const { name, why } of first.policy.absent) log.info('provider_absent', { provider: name, why });
  let kept = await keep(first, dataFolder, log, null);

  /** One after the other: of two reloads the later one has read the newer files. */
  let lastReload: Promise<boolean> = Promise.resolve(true);
  function reload(): Promise<boolean> {
    lastReload = lastReload.then(reloadNow, reloadNow);
    return lastReload;
  }

  async function reloadNow(): Promise<boolean> {
    const next = await load(options.policyPath);
    if (!next.ok) {
      state.refused = next.problems.map(formatProblem);
      log.error('policy_refused', { problems: next.problems.length, first: state.refused[0] });
      return false;
    }
    for (const key of FIXED_AT_START) {
      if (JSON.stringify(next.policy.server[key]) !== JSON.stringify(rules[key]))
        log.warn('needs_restart', { key: `server.${key}` });
    }
    Object.assign(guardRules, {
      allowedHosts: next.policy.server.allowedHosts,
      allowedOrigins: next.policy.server.allowedOrigins,
    });
    stores.keepDays(next.policy.server.usageDays);
    door.renew(next.policy.server, [publicServer, adminServer], log);
    state.refused = [];
    state.loadedAt = new Date(clock.wallMs()).toISOString();
    policy = next.policy;
    catalog = compilePolicy(policy);
    ring.policyChanged();
    router.reload(catalog);
    watching.follow(next.sources.map(({ path }) => path));
    kept = await keep(next, dataFolder, log, kept);
    log.info('policy_loaded', { file: options.policyPath });
    return true;
  }

  // Whoever starts on the saved policy is about to mend the file.
  const watched = options.lastGood === true ? [options.policyPath] : first.sources.map(({ path }) => path);
  const watching = watchFiles(watched, clock, () => void reload());
  return {
    router,
    listen,
    admin,
    secure: { listen: door.tls('listen', listenAt) !== null, admin: door.tls('admin', adminAt) !== null },
    get development() {
      return doorkeeper.development;
    },
    basePath: rules.basePath,
    warnings: first.warnings,
    reload,
    connections: () => publicServer.connections(),
    async stop() {
      if (stopping) return;
      stopping = true;
      await new Promise<void>((resolve) => clock.after(STILL_ACCEPTING_MS, resolve));
      publicServer.stopAccepting();
      router.drain();
      await drained(router, clock, rules.drainMs);
      await end(false);
    },
    close: () => end(true),
  };

  async function end(now: boolean): Promise<void> {
    stopping = true;
    watching.close();
    watch.close();
    router.interrupt();
    await publicServer.close(now);
    await adminServer.close(true);
    ingress.close();
    doorkeeper.close();
    ring.close();
    await router.close();
    await stores.close();
    await transport.close();
  }

  function lastGoodPath(given: NodeOptions): string {
    return join(resolve(given.data ?? './data'), LAST_GOOD);
  }
}

/**
 * Saves the policy in force, so that a start on a broken file has something to fall back on. Answers with its text; what
 * is `kept` already is not written again, for the data may lie where policy files are watched.
 */
async function keep(
  loaded: LoadResult & { ok: true },
  dataFolder: string,
  log: Log,
  kept: string | null,
): Promise<string | null> {
  const text = savedPolicy(loaded.sources);
  if (text === null || text === kept) return kept;
  try {
    await replaceFile(join(dataFolder, LAST_GOOD), text);
  } catch (thrown) {
    log.warn('last_good_not_saved', {
      folder: dirname(join(dataFolder, LAST_GOOD)),
      code: (thrown as NodeJS.ErrnoException).code,
    });
    return kept;
  }
  return text;
}

/** Resolves when no call is open, or after `limitMs`. */
function drained(router: Router, clock: Clock, limitMs: number): Promise<void> {
  const untilMs = clock.nowMs() + limitMs;
  return new Promise((resolve) => {
    const look = () => {
      if (router.open === 0 || clock.nowMs() >= untilMs) resolve();
      else clock.after(20, look);
    };
    look();
  });
}
