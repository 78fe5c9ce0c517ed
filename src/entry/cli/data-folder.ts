// Which folder holds the data of the router that an operator means, without starting it. For commands that work on its stores.
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Policy } from '../../policy/policy.ts';
import { type Flags, UsageError } from './flags.ts';

export const DATA_FLAGS = { data: { type: 'string' }, policy: { type: 'string' } } as const;

export const DATA_USAGE = `  --data DIR         where state is kept [the policy's server.data; SPILLWAY_DATA]
  --policy FILE      policy that says where [policies/default.yaml of the package; SPILLWAY_POLICY]`;

const DEFAULT_POLICY = new URL('../../../policies/default.yaml', import.meta.url);

/** The flags that are also variables here: others, such as a key's name, are said or not meant. */
export function dataVariables(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { SPILLWAY_DATA: env['SPILLWAY_DATA'], SPILLWAY_POLICY: env['SPILLWAY_POLICY'] };
}

/** As `serve` resolves it. Throws UsageError when only a policy could say, and that one is refused. */
export async function dataFolder(flags: Flags): Promise<string> {
  const data = flags.text('data');
  if (data !== undefined) return resolve(data);
  const policy = await loadedPolicy(
    flags.text('policy'),
    'so it does not say where the data is. Say it with --data DIR',
  );
  return resolve(policy.server.data);
}

/** The policy at a path, or the package's own. Throws UsageError when it is refused. */
export async function loadedPolicy(path: string | undefined, hint = 'and nothing is done'): Promise<Policy> {
  const [{ loadPolicy }, { formatProblem }, { nodePolicyFiles }, { nodeRegistries }] = await Promise.all([
    import('../../policy/load.ts'),
    import('../../policy/problems.ts'),
    import('../../runtime/node/policy-files.ts'),
    import('../node.ts'),
  ]);
  // What is asked here depends on no secret, and whoever sets keys and tenants need not have those of the router.
  const secrets = { env: () => 'not-needed-here', file: () => Promise.resolve('not-needed-here') };
  const registries = nodeRegistries({ executable: process.execPath, args: [] });
  const from = resolve(path ?? fileURLToPath(DEFAULT_POLICY));
  const loaded = await loadPolicy({ path: from, files: nodePolicyFiles, registries, secrets });
  if (loaded.ok) return loaded.policy;
  throw new UsageError(`${loaded.problems.map(formatProblem).join('\n')}\nThe policy is refused, ${hint}.`);
}
