// Makes the policy out of a document that the schema accepted: resolves secrets and addresses, names workers. For the loader.
import type { RouteClass } from '../core/names.ts';
import { CLASS_DEFAULTS, classRules } from './classes.ts';
import { isHeaderValue, parseEndpoint } from './endpoint.ts';
import type { Policy, PoolSpec, RungRule, WorkerSpec } from './policy.ts';
import type { Path, Reporter } from './problems.ts';
import type { Registries } from './registries.ts';
import type { PolicyDocument } from './schema.ts';
import { eachApiKey, isReference, resolveSecret, type SecretSource, withSecrets } from './secrets.ts';
import { SECRET_MESSAGE } from './units.ts';

type Loose = Readonly<Record<string, unknown>>;

/** Resolves every reference under `pools`, in the document as written, and reports those that cannot be. */
export async function resolveSecrets(
  raw: unknown,
  source: SecretSource,
  report: Reporter,
): Promise<ReadonlyMap<string, string>> {
  const places: { readonly text: string; readonly path: Path }[] = [];
  const pools = (raw as Loose | undefined)?.['pools'];
  eachApiKey(pools, ['pools'], (text, path) => places.push({ text, path }));
  eachHeader(pools, (text, path) => places.push({ text, path }));

  const secrets = new Map<string, string>();
  for (const { text, path } of places) {
    if (!isReference(text)) {
      if (path[path.length - 1] === 'apiKey') report.problem(path, SECRET_MESSAGE);
      continue;
    }
    const found = await resolveSecret(text, source);
    if ('problem' in found) report.problem(path, found.problem);
    else secrets.set(text, found.value);
  }
  return secrets;
}

function eachHeader(pools: unknown, found: (text: string, path: Path) => void): void {
  const entries = (value: unknown): [string, unknown][] =>
    typeof value === 'object' && value !== null ? Object.entries(value) : [];
  for (const [pool, spec] of entries(pools)) {
    for (const [index, worker] of entries((spec as Loose | null)?.['workers'])) {
      for (const [header, value] of entries((worker as Loose | null)?.['headers'])) {
        const path = ['pools', pool, 'workers', Number(index), 'headers', header];
        if (typeof value === 'string' && header !== 'apiKey') found(value, path);
      }
    }
  }
}

export function buildPolicy(
  document: PolicyDocument,
  raw: unknown,
  registries: Registries,
  secrets: ReadonlyMap<string, string>,
  report: Reporter,
): Policy {
  const { server, telemetry, classes } = document;
  const plugins = Object.keys(registries.workers);
  const pools = Object.entries(document.pools).map(([name, pool]): PoolSpec => {
    const rawWorkers = ((raw as Loose)['pools'] as Record<string, Loose>)[name]!['workers'] as readonly unknown[];
    return {
      target: {
        kind: 'pool',
        name,
        serves: pool.serves ?? name,
        zone: pool.zone ?? null,
        capabilities: pool.capabilities === undefined ? null : new Set(pool.capabilities),
        speaks: new Set(pool.speaks ?? registries.engines[pool.engine.name]!.speaks),
        rerank: pool.rerank ?? registries.engines[pool.engine.name]!.rerank,
      },
      engine: pool.engine,
      concurrencyPerWorker: pool.concurrencyPerWorker,
      workers: pool.workers.map((worker, index) => {
        const options = JSON.stringify(rawWorkers[index]);
        // Two equal entries are two workers: the second and later ones carry a number.
        const copies = rawWorkers.slice(0, index).filter((earlier) => JSON.stringify(earlier) === options).length;
        const key = `${name} ${options}${copies === 0 ? '' : ` #${copies + 1}`}${fingerprint(rawWorkers[index], secrets)}`;
        return workerSpec(worker as Loose, key, ['pools', name, 'workers', index], plugins, secrets, report);
      }),
    };
  });
  return {
    server: {
      listen: server.listen,
      admin: server.admin,
      data: server.data,
      basePath: server.basePath,
      allowedHosts: server.allowedHosts,
      allowedOrigins: server.allowedOrigins,
      drainMs: server.drain,
      tls: null,
      trustedProxies: [],
      adminSecret: null,
    },
    telemetry,
    pools,
    providers: [],
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
  };
}

/** FNV-1a over the secrets that an entry refers to; empty when it refers to none. */
function fingerprint(entry: unknown, secrets: ReadonlyMap<string, string>): string {
  let hash = 0x811c9dc5;
  let any = false;
  const visit = (value: unknown): void => {
    if (typeof value === 'object' && value !== null) for (const child of Object.values(value)) visit(child);
    const text = typeof value === 'string' ? secrets.get(value) : undefined;
    if (text === undefined) return;
    any = true;
    for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
    hash = Math.imul(hash ^ 0xff, 0x01000193);
  };
  visit(entry);
  return any ? ` ~${(hash >>> 0).toString(16)}` : '';
}

function rungRule(rung: PolicyDocument['ladders'][string][number]): RungRule {
  return {
    pool: 'pool' in rung ? rung.pool : null,
    provider: null,
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
  const headers: string[] = [];
  for (const [header, value] of Object.entries(worker['headers'] as Readonly<Record<string, string>>)) {
    const resolved = secrets.get(value) ?? value;
    if (!isHeaderValue(resolved))
      report.problem([...path, 'headers', header], 'has a value that a header cannot carry');
    headers.push(header.toLowerCase(), resolved);
  }
  const apiKey = worker['apiKey'];
  if (typeof apiKey === 'string') {
    if (headers.some((text, place) => place % 2 === 0 && text === 'authorization')) {
      report.problem([...path, 'headers'], 'sets authorization beside apiKey, which is sent there; remove one');
    }
    headers.push('authorization', `Bearer ${secrets.get(apiKey) ?? ''}`);
  }
  return { kind: 'url', key, origin, basePath, headers };
}
