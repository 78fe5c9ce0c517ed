// What the schema must know of plug-ins: their names and option schemas. For policy and whoever gathers the plug-ins.
import type { DialectName, RerankForm, ScoreMeaning } from '../core/names.ts';
import type { Plugin } from '../core/plugin.ts';
import type { WorkerSource } from '../core/worker.ts';

/**
 * Brings workers up. `options` is a strict object that requires a key named like the plug-in, which is how an entry under
 * `workers:` says which plug-in it means: the plug-in `demo` takes `{ demo: chat }`.
 */
export type WorkerPlugin<Deps = unknown> = Plugin<unknown, Deps, WorkerSource>;

/** Knows how an inference engine tells its load and health. `options` must accept `{}`: policy names engines only. */
export interface EnginePlugin<Deps = unknown, Engine = unknown> extends Plugin<unknown, Deps, Engine> {
  /** What its servers take on the wire where a pool does not say otherwise. */
  readonly speaks: readonly DialectName[];
  readonly rerank: { readonly form: RerankForm; readonly scores: ScoreMeaning } | null;
}

/** What a kind of managed API makes of its options. */
export interface ProviderDoor {
  /** Scheme, host and port. */
  readonly origin: string;
  /** Without a trailing slash. */
  readonly basePath: string;
  /** The base path names the API's version already. */
  readonly versioned: boolean;
  readonly speaks: readonly DialectName[];
  readonly rerank: { readonly form: RerankForm; readonly scores: ScoreMeaning } | null;
  /** Flat, lower-case names; holds the credential in the API's own form. */
  readonly headers: readonly string[];
  /** Lower-case names of reply headers that are passed on. */
  readonly replyHeaders: readonly string[];
}

/** Knows a kind of managed API. `create` is pure: it opens nothing. */
export type ProviderPlugin = Plugin<unknown, undefined, ProviderDoor>;

export interface Registries<WorkerDeps = unknown, EngineDeps = unknown, Engine = unknown> {
  readonly workers: Readonly<Record<string, WorkerPlugin<WorkerDeps>>>;
  readonly engines: Readonly<Record<string, EnginePlugin<EngineDeps, Engine>>>;
  readonly providers: Readonly<Record<string, ProviderPlugin>>;
}

/** The engine of a pool that names none: whatever speaks OpenAI's protocol. */
export const DEFAULT_ENGINE = 'openai';
