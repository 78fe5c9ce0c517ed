// A policy that has been read, checked and had its secrets resolved. For the loader, the catalog and the entries.

import type { GateRules } from '../core/gate.ts';
import type { LimitSpec } from '../core/limit.ts';
import type { Reason, RouteClass } from '../core/names.ts';
import type { ClassRules, PoolTarget, TargetFacts, TenantRules } from '../core/plan.ts';
import type { GpuPrice } from '../core/prices.ts';
import type { AuthForm } from '../core/provider.ts';
import type { ProfileSpec } from '../core/schedule.ts';
import type { Address } from '../core/units.ts';
import type { PriceEntry } from './price-list.ts';
import type { PlanDocument } from './tenants.ts';

/** A worker at an address. */
export interface UrlWorkerSpec {
  readonly kind: 'url';
  /**
   * Equal keys across reloads mean the same worker: pool, options as written (references, never secrets) and a 32-bit
   * fingerprint of the secrets behind them, so that a new secret makes a new worker. For comparing, not for printing.
   */
  readonly key: string;
  readonly origin: string;
  /** Without a trailing slash. */
  readonly basePath: string;
  /** Flat, lower-case names; holds resolved secrets, `authorization` among them. */
  readonly headers: readonly string[];
  /** What it costs; null: nobody has said. */
  readonly gpu: GpuPrice | null;
}

/** A worker that a plug-in brings up. `options` is what the plug-in's schema made of the entry, secrets resolved. */
export interface PluginWorkerSpec {
  /** Name of the plug-in; never `url`. */
  readonly kind: string;
  readonly key: string;
  readonly options: unknown;
  readonly gpu: GpuPrice | null;
}

export type WorkerSpec = UrlWorkerSpec | PluginWorkerSpec;

export function isUrlWorker(spec: WorkerSpec): spec is UrlWorkerSpec {
  return spec.kind === 'url';
}

export interface PoolSpec {
  readonly target: PoolTarget;
  readonly engine: { readonly name: string; readonly options: unknown };
  readonly concurrencyPerWorker: LimitSpec;
  readonly profile: ProfileSpec;
  readonly workers: readonly WorkerSpec[];
}

/** A managed API. Its rungs name a model of it, or let the asked name through. */
export interface ProviderSpec extends TargetFacts {
  /** Equal keys across reloads mean the same provider, as with workers. */
  readonly key: string;
  /** Name of the plug-in. */
  readonly kind: string;
  readonly origin: string;
  readonly basePath: string;
  readonly versioned: boolean;
  readonly auth: AuthForm;
  /** Flat, lower-case names; holds resolved secrets. */
  readonly headers: readonly string[];
  readonly replyHeaders: readonly string[];
  /** Providers of one quota domain spend from one account. */
  readonly quotaDomain: string;
  /** Calls in flight. */
  readonly concurrency: LimitSpec;
  readonly profile: ProfileSpec;
}

/** Exactly one of `pool`, `provider` and `ladder` is set. */
export interface RungRule {
  readonly pool: string | null;
  /** A provider's name, or `name/model`. */
  readonly provider: string | null;
  readonly ladder: string | null;
  readonly same: boolean;
  readonly when: readonly Reason[];
}

export interface ModelRule {
  /** A pattern when it holds a `*`. */
  readonly name: string;
  readonly aliases: readonly string[];
  readonly class: RouteClass;
  readonly ladder: readonly RungRule[];
}

export interface ServerRules {
  readonly listen: Address;
  readonly admin: Address;
  readonly data: string;
  /** Days for which the ledger keeps records. */
  readonly usageDays: number;
  /** "/" or a path without a trailing slash. */
  readonly basePath: string;
  /** Lower case, beside loopback names. */
  readonly allowedHosts: readonly string[];
  readonly allowedOrigins: readonly string[];
  readonly drainMs: number;
  /** Files of a certificate chain and its private key; null = plain HTTP. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** Addresses and networks (CIDR) of proxies that end TLS in front of the router. */
  readonly trustedProxies: readonly string[];
  /** What the admin listener asks for; null = none set. */
  readonly adminSecret: string | null;
}

export interface Policy {
  readonly server: ServerRules;
  readonly telemetry: { readonly log: 'none' | 'summary' | 'debug' };
  /** In file order, as models are. */
  readonly pools: readonly PoolSpec[];
  readonly providers: readonly ProviderSpec[];
  /** Optional providers whose keys are not set, with the reason. */
  readonly absent: readonly { readonly name: string; readonly why: string }[];
  readonly ladders: ReadonlyMap<string, readonly RungRule[]>;
  readonly models: readonly ModelRule[];
  readonly classes: Readonly<Record<RouteClass, ClassRules>>;
  /** As written, for the tenants that name them. */
  readonly plans: ReadonlyMap<string, PlanDocument>;
  /** By name, `*` for those that have no name here. */
  readonly tenants: ReadonlyMap<string, TenantRules>;
  readonly prices: {
    readonly models: readonly PriceEntry[];
    /** By the names that workers call them, for one GPU. */
    readonly gpus: ReadonlyMap<string, GpuPrice>;
  };
  readonly reserved: GateRules['reserved'];
}
