// Reads a command's flags, each of which is also an environment variable. For entry/cli.
import { parseArgs } from 'node:util';

/** A wrong call of a command: exit code 2. */
export class UsageError extends Error {}

export interface FlagTable {
  readonly [name: string]: { readonly type: 'string' | 'boolean' };
}

export interface Flags {
  text(name: string): string | undefined;
  on(name: string): boolean;
  readonly rest: readonly string[];
}

/** A flag wins over `SPILLWAY_NAME`; an empty variable counts as unset. Throws UsageError with the valid flags. */
export function readFlags(args: readonly string[], table: FlagTable, env: NodeJS.ProcessEnv): Flags {
  let parsed: { values: Record<string, unknown>; positionals: string[] };
  try {
    parsed = parseArgs({ args: [...args], options: table, allowPositionals: true, strict: true });
  } catch (thrown) {
    const valid = Object.keys(table).map((name) => `--${name}`);
    const what = (thrown as Error).message.split('. ')[0];
    throw new UsageError(`${what}. Flags: ${valid.join(', ')}.`);
  }
  const variable = (name: string) => env[`SPILLWAY_${name.toUpperCase().replaceAll('-', '_')}`] || undefined;
  return {
    text(name) {
      const given = parsed.values[name];
      return typeof given === 'string' ? given : variable(name);
    },
    on: (name) => parsed.values[name] === true || ['1', 'true', 'yes'].includes(variable(name) ?? ''),
    rest: parsed.positionals,
  };
}
