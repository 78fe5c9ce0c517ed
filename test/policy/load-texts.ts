// Loads policies from texts in memory, with known secrets and plug-ins. For the tests of policy.
import { registries } from '../../scripts/generate.ts';
import { type LoadResult, loadPolicy } from '../../src/policy/load.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { formatProblem, type Problem } from '../../src/policy/problems.ts';
import type { SecretSource } from '../../src/policy/secrets.ts';

export const SECRET = 'sk-live-4f1c2ab90d7e';

export const secrets: SecretSource = {
  env: (name) => ({ KEY: SECRET, EMPTY: '', BROKEN: `${SECRET}\r\nx-evil: 1` })[name],
  file: (path) =>
    path === '/run/secrets/key'
      ? Promise.resolve(`${SECRET}\n`)
      : Promise.reject(Object.assign(new Error('gone'), { code: path.includes('locked') ? 'EACCES' : 'ENOENT' })),
};

export type Texts = Readonly<Record<string, string>>;

/** The first of the texts is the policy; a single text is `policies/x.yaml`. */
export function load(texts: string | Texts, source: SecretSource = secrets, wallMs?: number): Promise<LoadResult> {
  const all: Texts = typeof texts === 'string' ? { 'policies/x.yaml': texts } : texts;
  return loadPolicy({
    path: Object.keys(all)[0]!,
    registries,
    secrets: source,
    ...(wallMs === undefined ? {} : { wallMs }),
    files: {
      read: (path) => {
        const text = Object.hasOwn(all, path) ? all[path] : undefined;
        return text === undefined
          ? Promise.reject(Object.assign(new Error('x'), { code: 'ENOENT' }))
          : Promise.resolve(text);
      },
      list: (folder) => {
        const within = Object.keys(all).filter((path) => path.startsWith(`${folder}/`));
        if (within.length === 0) return Promise.reject(Object.assign(new Error('x'), { code: 'ENOENT' }));
        return Promise.resolve(
          within.map((path) => path.slice(folder.length + 1)).filter((name) => !name.includes('/')),
        );
      },
    },
  });
}

export function lines(problems: readonly Problem[]): string[] {
  return problems.map(formatProblem);
}

export async function problemsOf(texts: string | Texts, source?: SecretSource): Promise<string[]> {
  const result = await load(texts, source);
  if (result.ok) throw new Error('The policy was accepted.');
  return lines(result.problems);
}

export async function policyOf(texts: string | Texts, source?: SecretSource): Promise<Policy> {
  const result = await load(texts, source);
  if (!result.ok) throw new Error(lines(result.problems).join('\n'));
  return result.policy;
}

/** Two chat pools, an embedding pool, one model: valid, and the ground of many tests. */
export const POOLS = `version: 1
pools:
  a: { workers: [ { demo: chat } ] }
  b: { workers: [ { demo: chat } ] }
  e: { workers: [ { demo: embed } ] }
`;
