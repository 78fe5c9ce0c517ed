// The text of the policy that is kept with the data, to start on when the files no longer load. For the entries.
import { stringify } from 'yaml';
import { mergeSources, type Source } from './documents.ts';

/**
 * One self-contained document that means what the files meant when they were read: included ones are merged in, and
 * secrets are the references of the files. Null when the sources are not those of a policy that loaded.
 */
export function savedPolicy(sources: readonly Source[]): string | null {
  const { value, problems } = mergeSources(sources);
  if (problems.length > 0 || typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const { include: _, ...rest } = value as Readonly<Record<string, unknown>>;
  const from = sources.map((source) => JSON.stringify(source.path)).join(', ');
  return `# The last policy that loaded, from ${from}. Written by Spillway; edit those files instead.\n${stringify(rest, { aliasDuplicateObjects: false })}`;
}
