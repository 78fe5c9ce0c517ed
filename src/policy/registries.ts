// What the schema must know of plug-ins: their names and option schemas. For policy and whoever gathers the plug-ins.

import type { LimitPlugin } from '../core/limit.ts';
import type { DialectName, RerankForm, ScoreMeaning } from '../core/names.ts';
import type { Plugin } from '../core/plugin.ts';
import type { ProviderPlugin } from '../core/provider.ts';
import type { FilterPlugin, PickerPlugin, ProfileSpec, ScorerPlugin } from '../core/schedule.ts';
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
  /** Entries of a list that one call to its servers may carry as they come; null = no bound is known. */
  readonly maxItems: number | null;
}

export interface Registries<WorkerDeps = unknown, EngineDeps = unknown, Engine = unknown> {
  readonly workers: Readonly<Record<string, WorkerPlugin<WorkerDeps>>>;
  readonly engines: Readonly<Record<string, EnginePlugin<EngineDeps, Engine>>>;
  readonly providers: Readonly<Record<string, ProviderPlugin>>;
  /** `fixed` and `gradient2` are among them. */
  readonly limits: Readonly<Record<string, LimitPlugin>>;
  readonly filters: Readonly<Record<string, FilterPlugin>>;
  readonly scorers: Readonly<Record<string, ScorerPlugin>>;
  readonly pickers: Readonly<Record<string, PickerPlugin>>;
  /** Ways to choose a worker that a policy need not write out, the default one among them. */
  readonly profiles: Readonly<Record<string, ProfileSpec>>;
}

/** The engine of a pool that names none: whatever speaks OpenAI's protocol. */
export const DEFAULT_ENGINE = 'openai';

/** The profile of a pool that names none. */
export const DEFAULT_PROFILE = 'sticky';
