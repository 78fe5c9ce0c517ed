// Decides how the command line is run in tests: as a process of its own, ended with its test. For tests of src/entry.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from '../fakes/eventually.ts';

export const SPILLWAY = fileURLToPath(new URL('../../bin/spillway.mjs', import.meta.url));

export interface SpillwayProcess {
  readonly pid: number;
  readonly child: ChildProcess;
  readonly stdout: string;
  readonly stderr: string;
  /** Exit code, or the name of the signal that ended it. */
  readonly ended: Promise<number | string>;
  /** Resolves when a text has been printed on either stream. */
  says(text: string | RegExp, times?: number): Promise<void>;
  /** Log lines of one event. */
  logged(event: string): Record<string, unknown>[];
  kill(signal: NodeJS.Signals): void;
}

/** Only what a test names gets into the environment, and the path. */
export function spillway(args: readonly string[], env: Record<string, string> = {}, cwd?: string): SpillwayProcess {
  const child = spawn(process.execPath, [SPILLWAY, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', ...env },
    ...(cwd === undefined ? {} : { cwd }),
  });
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.stderr += text;
  });
  const ended = new Promise<number | string>((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'gone')),
  );
  return {
    pid: child.pid!,
    child,
    ended,
    get stdout() {
      return said.stdout;
    },
    get stderr() {
      return said.stderr;
    },
    async says(text, times = 1) {
      const found = () => {
        const all = said.stdout + said.stderr;
        const parts = typeof text === 'string' ? all.split(text) : all.split(new RegExp(text, 'g'));
        return parts.length > times;
      };
      const what = () => `${text} on: ${said.stdout}${said.stderr}`;
      await eventually(() => found() || (child.exitCode !== null && Promise.reject(new Error(what()))), {
        deadlineMs: 15_000,
        what: String(text),
      });
    },
    logged: (event) =>
      said.stderr
        .split('\n')
        .filter((line) => line.startsWith('{') && line.endsWith('}'))
        .map((line) => JSON.parse(line) as Record<string, unknown>)
        .filter((line) => line['event'] === event),
    kill: (signal) => void child.kill(signal),
  };
}

export interface Serving extends SpillwayProcess {
  readonly url: string;
  readonly adminUrl: string;
  readonly folder: string;
  status(): Promise<{ pools: { name: string; condition: string; workers: { origin: string }[] }[]; openCalls: number }>;
  ready(): Promise<void>;
  /** Ends it at once, with all it has started, and removes its folder. */
  dispose(): Promise<void>;
}

export const newFolder = (): string => mkdtempSync(join(tmpdir(), 'spillway-cli-'));

/** `spillway serve` on free ports; resolves when it has said where it listens. */
export async function serve(
  args: readonly string[],
  { env = {}, folder = newFolder() }: { env?: Record<string, string>; folder?: string } = {},
): Promise<Serving> {
  const free = ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0'];
  const data = args.includes('--data') ? [] : ['--data', join(folder, 'data')];
  const running = spillway(['serve', ...free, ...data, ...args], env, folder);
  try {
    await running.says('Stop with Ctrl+C.');
  } catch (thrown) {
    running.kill('SIGKILL');
    throw thrown;
  }
  const url = /listens on (https?:\S+)/.exec(running.stdout)![1]!;
  const adminUrl = /admin {3}(https?:\S+)\/status/.exec(running.stdout)![1]!;
  const status = async () => (await fetch(`${adminUrl}/status`)).json() as ReturnType<Serving['status']>;
  return Object.create(running, {
    url: { value: url },
    adminUrl: { value: adminUrl },
    folder: { value: folder },
    status: { value: status },
    ready: {
      value: () =>
        eventually(async () => (await status()).pools.every(({ condition }) => condition === 'ready'), {
          deadlineMs: 15_000,
          what: 'all pools are ready',
        }),
    },
    dispose: {
      async value() {
        running.kill('SIGKILL');
        await running.ended;
        rmSync(folder, { recursive: true, force: true });
      },
    },
  }) as Serving;
}

/** Processes that a process has started. */
export function childrenOf(pid: number): number[] {
  return execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter(([, parent]) => parent === pid)
    .map(([child]) => child!);
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
