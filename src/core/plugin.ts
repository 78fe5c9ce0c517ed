// The shape of every plug-in: a name, a schema for its options, a maker. For registries, policy and plug-in folders.
import type { ZodType } from 'zod';

/**
 * One line in a registry (`as const` record of its folder). `options` is strict: an unknown key in the policy file is an
 * error that names the valid ones. `create` is called once per use in the policy.
 */
export interface Plugin<Options, Deps, Product> {
  readonly name: string;
  readonly options: ZodType<Options>;
  create(options: Options, deps: Deps): Product;
}
