// `spillway check FILE`: what a policy would do, or all that is wrong with it. For operators and their CI.
import { checkExitCode, checkJson, checkReport } from '../../policy/check.ts';
import { loadPolicy } from '../../policy/load.ts';
import { nodePolicyFiles, nodeSecrets } from '../../runtime/node/policy-files.ts';
import { nodeRegistries } from '../node.ts';
import type { Command } from './command.ts';
import { readFlags, UsageError } from './flags.ts';

const usage = `Usage: spillway check FILE [--json]

Reads a policy and the files it includes, resolves its secrets without showing them, and prints each model's
ladder, what plans and tenants may use, and what targets cost.
Exit code 0: valid. 2: refused; each problem is printed with file, line and key.
`;

async function run(args: string[]): Promise<number> {
  let path: string | undefined;
  let json: boolean;
  try {
    const flags = readFlags(args, { json: { type: 'boolean' } }, process.env);
    path = flags.rest[0];
    json = flags.on('json');
    if (path === undefined || flags.rest.length > 1) throw new UsageError('Give one policy file: spillway check FILE.');
  } catch (thrown) {
    if (!(thrown instanceof UsageError)) throw thrown;
    process.stderr.write(`${thrown.message}\n`);
    return 2;
  }
  const registries = nodeRegistries({ executable: process.execPath, args: [] });
  const result = await loadPolicy({
    path,
    files: nodePolicyFiles,
    registries,
    secrets: nodeSecrets(process.env),
    wallMs: Date.now(),
  });
  const text = json ? `${JSON.stringify(checkJson(result), null, 2)}\n` : checkReport(result);
  (result.ok || json ? process.stdout : process.stderr).write(text);
  return checkExitCode(result);
}

export const checkCommand: Command = { summary: 'says what a policy file does, or what is wrong with it', usage, run };
