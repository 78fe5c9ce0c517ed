// What the schema must know of plug-ins: their names and option schemas. For policy and whoever gathers the plug-ins.
import type { Plugin } from '../core/plugin.ts';
import type { WorkerSource } from '../core/worker.ts';

/**
 * Brings workers up. `options` is a strict object that requires a key named like the plug-in, which is how an entry under
 * `workers:` says which plug-in it means: the plug-in `demo` takes `{ demo: chat }`.
 */
export type WorkerPlugin<Deps = unknown> = Plugin<unknown, Deps, WorkerSource>;

/** Knows how an inference engine tells its load and health. `options` must accept `{}`: policy names engines only. */
export type EnginePlugin<Deps = unknown, Engine = unknown> = Plugin<unknown, Deps, Engine>;

export interface Registries<WorkerDeps = unknown, EngineDeps = unknown, Engine = unknown> {
  readonly workers: Readonly<Record<string, WorkerPlugin<WorkerDeps>>>;
  readonly engines: Readonly<Record<string, EnginePlugin<EngineDeps, Engine>>>;
}

/** The engine of a pool that names none: whatever speaks OpenAI's protocol. */
export const DEFAULT_ENGINE = 'openai';
