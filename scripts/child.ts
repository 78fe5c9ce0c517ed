// Runs programs as children that end with us, on a path of the caller's choice. For scripts/package-smoke.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

interface Where {
  readonly cwd: string;
  readonly path: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Running {
  /** All that was printed so far, both streams. */
  said(): string;
  /** Rejects when the program ends first or takes too long. */
  says(what: string | RegExp): Promise<void>;
  /** Asks it to end; answers with its exit code, or null where it had to be killed. */
  stop(): Promise<number | null>;
}

const RUN_MS = 180_000;
const SAY_MS = 40_000;
const STOP_MS = 20_000;

/** What npm tells its scripts of the project that they run in is not for another project's npm. */
function environment({ path, env = {} }: Where): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(?:npm_(?:package|lifecycle|config_local)|INIT_CWD|SPILLWAY_)/.test(name),
  );
  return { ...Object.fromEntries(kept), PATH: path, ...env };
}

/** Answers with standard output; a failure shows all that was said. */
export async function run(command: string, args: readonly string[], where: Where): Promise<string> {
  const child = spawn(command, args, {
    cwd: where.cwd,
    env: environment(where),
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: RUN_MS,
  });
  let out = '';
  let other = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    other += chunk;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${out}${other}`);
  return out;
}

export function start(command: string, args: readonly string[], where: Where): Running {
  const child = spawn(command, args, {
    cwd: where.cwd,
    env: environment(where),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  let look: () => void = () => {};
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      said += chunk;
      look();
    });
  }
  const ended = once(child, 'close') as Promise<[number | null]>;
  return {
    said: () => said,
    says: (what) =>
      new Promise((resolve, reject) => {
        const fail = (why: string) => reject(new Error(`${command} ${args.join(' ')} ${why}:\n${said}`));
        const lateTimer = setTimeout(() => fail('took too long'), SAY_MS);
        look = () => {
          if (typeof what === 'string' ? !said.includes(what) : !what.test(said)) return;
          clearTimeout(lateTimer);
          resolve();
        };
        look();
        ended.then(() => {
          clearTimeout(lateTimer);
          fail('ended');
        }, reject);
      }),
    async stop() {
      child.kill('SIGTERM');
      const lateTimer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      const [code] = await ended;
      clearTimeout(lateTimer);
      return code;
    },
  };
}
