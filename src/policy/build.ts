// Makes the policy out of a document that the schema accepted: resolves secrets and addresses, names workers. For the loader.
import type { RouteClass } from '../core/names.ts';
import type { GpuPrice } from '../core/prices.ts';
import type { ProfileSpec } from '../core/schedule.ts';
import { type Credential, credentialHeaders } from './auth.ts';
import { CLASS_DEFAULTS, classRules } from './classes.ts';
import { limitSpec } from './concurrency.ts';
import { headerList, parseEndpoint } from './endpoint.ts';
import { checkDialects, providerRung } from './ladders.ts';
import type { Policy, PoolSpec, RungRule, WorkerSpec } from './policy.ts';
import { GPU_KEYS, type GpuEntry, gpuPriceOf, tokenPriceOf } from './prices.ts';
import type { Path, Reporter } from './problems.ts';
import { buildProvider } from './providers.ts';
import { DEFAULT_PROFILE, type Registries } from './registries.ts';
import { profileSpecs } from './scheduling.ts';
import type { PolicyDocument } from './schema.ts';
import { fingerprint, type ResolvedSecrets, withSecrets } from './secrets.ts';
import { choicesText, quoted } from './suggest.ts';
import { targetFacts } from './target.ts';
import { tenantRules } from './tenants.ts';

type Loose = Readonly<Record<string, unknown>>;

export function buildPolicy(
  document: PolicyDocument,
  raw: unknown,
  registries: Registries,
  { values, absent }: ResolvedSecrets,
  report: Reporter,
): Policy {
  const { server, telemetry, classes } = document;
  const { tls, adminSecret, drain, ...serverRules } = server;
  const profiles = profileSpecs(document.scheduling, registries);
  const providers = Object.entries(document.providers).map(([name, entry]) =>
    buildProvider(
      name,
      entry,
      registries.providers[entry.kind]!.create({}, undefined),
      registries,
      profiles[DEFAULT_PROFILE]!,
      values,
      report,
    ),
  );
  const policy: Policy = {
    server: {
      ...serverRules,
      drainMs: drain,
      tls: tls ?? null,
      adminSecret: adminSecret === undefined ? null : (values.get(adminSecret) ?? null),
    },
    telemetry,
    pools: poolSpecs(document, raw, registries, profiles, values, report),
    providers,
    absent: [...absent].map(([name, why]) => ({ name, why })),
    ladders: new Map(Object.entries(document.ladders).map(([name, rungs]) => [name, rungs.map(rungRule)])),
    models: Object.entries(document.models).map(([name, model]) => ({
      name,
      aliases: model.aliases,
      class: model.class satisfies RouteClass,
      ladder: model.ladder.map(rungRule),
    })),
    classes: {
      ...CLASS_DEFAULTS,
      chat: classRules('chat', classes.chat),
      embed: classRules('embed', classes.embed),
      rerank: classRules('rerank', classes.rerank),
    },
    plans: new Map(Object.entries(document.plans)),
    tenants: new Map(
      Object.entries(document.tenants).map(([name, entry]) => [
        name,
        tenantRules(entry, document.plans[entry.plan ?? '']),
      ]),
    ),
    prices: {
      models: Object.entries(document.prices.models).map(([key, price]) => {
        const { name: target, model } = providerRung(key);
        return { target, model: model ?? '*', price: tokenPriceOf(price) };
      }),
      gpus: new Map(Object.keys(document.prices.gpus).map((gpu) => [gpu, gpuPriceOf({ gpu }, document.prices.gpus)!])),
    },
    reserved: document.fairness.reserved,
  };
  // Absent providers are looked at as well: a mistake must not come to light only on the day that the key is set.
  checkDialects(policy, report);
  return { ...policy, providers: providers.filter(({ name }) => !absent.has(name)) };
}

function poolSpecs(
  document: PolicyDocument,
  raw: unknown,
  registries: Registries,
  profiles: Readonly<Record<string, ProfileSpec>>,
  secrets: ReadonlyMap<string, string>,
  report: Reporter,
): PoolSpec[] {
  const plugins = Object.keys(registries.workers);
  return Object.entries(document.pools).map(([name, pool]) => {
    const rawWorkers = ((raw as Loose)['pools'] as Record<string, Loose>)[name]!['workers'] as readonly unknown[];
    const profile = profiles[pool.schedule];
    if (profile === undefined) {
      const text = `unknown profile ${quoted(pool.schedule)}. ${choicesText(pool.schedule, Object.keys(profiles))}`;
      report.problem(['pools', name, 'schedule'], text);
    }
    return {
      target: {
        kind: 'pool',
        name,
        serves: pool.serves ?? name,
        ...targetFacts(pool, registries.engines[pool.engine.name]!),
      },
      engine: pool.engine,
      concurrencyPerWorker: limitSpec(pool.concurrencyPerWorker, registries),
      profile: profile ?? profiles[DEFAULT_PROFILE]!,
      workers: pool.workers.map((worker, index) => {
        const options = writtenOptions(rawWorkers[index]);
        // Two equal entries are two workers: the second and later ones carry a number.
        const copies = rawWorkers.slice(0, index).filter((earlier) => writtenOptions(earlier) === options).length;
        const key = `${name} ${options}${copies === 0 ? '' : ` #${copies + 1}`}${fingerprint(rawWorkers[index], secrets)}`;
        const path = ['pools', name, 'workers', index];
        const gpu = workerPrice(worker as GpuEntry, document.prices.gpus, path, report);
        return workerSpec(withoutPrice(worker as Loose), key, gpu, path, plugins, secrets, report);
      }),
    };
  });
}

/** Another price makes no other worker. */
function writtenOptions(raw: unknown): string {
  return JSON.stringify(withoutPrice(raw as Loose));
}

function withoutPrice(worker: Loose): Loose {
  return Object.fromEntries(Object.entries(worker).filter(([key]) => !GPU_KEYS.has(key)));
}

function workerPrice(
  worker: GpuEntry,
  gpus: PolicyDocument['prices']['gpus'],
  path: Path,
  report: Reporter,
): GpuPrice | null {
  const { gpu, usdPerGpuHour } = worker;
  if (gpu !== undefined && !Object.hasOwn(gpus, gpu)) {
    const text = `unknown GPU ${quoted(gpu)}. ${choicesText(gpu, Object.keys(gpus))}`;
    report.problem([...path, 'gpu'], text);
  } else if (gpu !== undefined && usdPerGpuHour !== undefined) {
    report.problem([...path, 'usdPerGpuHour'], 'stands beside gpu, which has a price; choose one');
  } else if (gpu === undefined && usdPerGpuHour === undefined) {
    for (const key of ['gpus', 'billed'] as const)
      if (worker[key] !== undefined) report.problem([...path, key], 'says nothing without gpu or usdPerGpuHour');
  }
  return gpuPriceOf(worker, gpus);
}

function rungRule(rung: PolicyDocument['ladders'][string][number]): RungRule {
  return {
    pool: 'pool' in rung ? rung.pool : null,
    provider: 'provider' in rung ? rung.provider : null,
    ladder: 'ladder' in rung ? rung.ladder : null,
    same: rung.same ?? false,
    when: rung.when,
  };
}

function workerSpec(
  worker: Loose,
  key: string,
  gpu: GpuPrice | null,
  path: Path,
  plugins: readonly string[],
  secrets: ReadonlyMap<string, string>,
  report: Reporter,
): WorkerSpec {
  const plugin = plugins.find((name) => Object.hasOwn(worker, name));
  if (plugin !== undefined) return { kind: plugin, key, options: withSecrets(worker, secrets), gpu };

  // The schema accepted the address.
  const { origin, basePath, droppedV1 } = parseEndpoint(String(worker['url']))!;
  if (droppedV1) report.warning([...path, 'url'], 'ends in /v1, which every call adds: it is dropped');
  const given = worker as Credential;
  const reveal = (reference: string) => secrets.get(reference) ?? '';
  const credential = credentialHeaders(given, given.auth ?? 'bearer', false, reveal, path, report);
  const headers = headerList(worker['headers'] as Readonly<Record<string, string>>, credential, secrets, path, report);
  return { kind: 'url', key, origin, basePath, headers, gpu };
}
