// Makes the policy out of a document that the schema accepted: resolves secrets and addresses, names workers. For the loader.
import type { RouteClass } from '../core/names.ts';
import type { ProfileSpec } from '../core/schedule.ts';
import { type Credential, credentialHeaders } from './auth.ts';
import { CLASS_DEFAULTS, classRules } from './classes.ts';
import { limitSpec } from './concurrency.ts';
import { headerList, parseEndpoint } from './endpoint.ts';
import { checkDialects } from './ladders.ts';
import type { Policy, PoolSpec, RungRule, WorkerSpec } from './policy.ts';
import type { Path, Reporter } from './problems.ts';
import { buildProvider } from './providers.ts';
import { DEFAULT_PROFILE, type Registries } from './registries.ts';
import { profileSpecs, tenantRules } from './scheduling.ts';
import type { PolicyDocument } from './schema.ts';
import { fingerprint, type ResolvedSecrets, withSecrets } from './secrets.ts';
import { choicesText, quoted } from './suggest.ts';
import { targetFacts } from './target.ts';

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
    tenants: tenantRules(document.tenants),
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
        const options = JSON.stringify(rawWorkers[index]);
        // Two equal entries are two workers: the second and later ones carry a number.
        const copies = rawWorkers.slice(0, index).filter((earlier) => JSON.stringify(earlier) === options).length;
        const key = `${name} ${options}${copies === 0 ? '' : ` #${copies + 1}`}${fingerprint(rawWorkers[index], secrets)}`;
        return workerSpec(worker as Loose, key, ['pools', name, 'workers', index], plugins, secrets, report);
      }),
    };
  });
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
  path: Path,
  plugins: readonly string[],
  secrets: ReadonlyMap<string, string>,
  report: Reporter,
): WorkerSpec {
  const plugin = plugins.find((name) => Object.hasOwn(worker, name));
  if (plugin !== undefined) return { kind: plugin, key, options: withSecrets(worker, secrets) };

  // The schema accepted the address.
  const { origin, basePath, droppedV1 } = parseEndpoint(String(worker['url']))!;
  if (droppedV1) report.warning([...path, 'url'], 'ends in /v1, which every call adds: it is dropped');
  const given = worker as Credential;
  const reveal = (reference: string) => secrets.get(reference) ?? '';
  const credential = credentialHeaders(given, given.auth ?? 'bearer', false, reveal, path, report);
  const headers = headerList(worker['headers'] as Readonly<Record<string, string>>, credential, secrets, path, report);
  return { kind: 'url', key, origin, basePath, headers };
}
