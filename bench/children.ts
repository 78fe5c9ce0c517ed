// Starts, asks and ends the processes of a run, and only those. For run.ts and the modes.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:net';

const children = new Set<ChildProcess>();
const GRACE_MS = 2_000;
const PINS = process.platform === 'linux' && spawnSync('taskset', ['-V']).status === 0;

export const pinned: boolean = PINS;

export interface SpawnOptions {
  readonly core: number;
  readonly ipc: boolean;
  /** Its complaints are shown; a proxy's log is not, and goes to /dev/null as its standard output does. */
  readonly loud: boolean;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Runs `node args` on one core; taskset replaces itself, so the child's pid is node's. */
export function startNode(args: readonly string[], options: SpawnOptions): ChildProcess {
  const line = [process.execPath, ...args];
  if (PINS) line.unshift('taskset', '-c', String(options.core));
  const child = spawn(line[0]!, line.slice(1), {
    stdio: ['ignore', 'ignore', options.loud ? 'inherit' : 'ignore', ...(options.ipc ? (['ipc'] as const) : [])],
    env: { ...process.env, NODE_ENV: 'production', ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

/** The next message of a child; an early end is an error. */
export function heard<T>(child: ChildProcess): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`a process of the run ended early (${code})`));
    child.once('exit', ended);
    child.once('message', (message) => {
      child.off('exit', ended);
      resolve(message as T);
    });
  });
}

export function ask<T>(child: ChildProcess, message: object): Promise<T> {
  const answer = heard<T>(child);
  child.send(message);
  return answer;
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((resolve) => {
    const hard = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
    child.once('exit', () => {
      clearTimeout(hard);
      resolve();
    });
    child.kill('SIGTERM');
  });
}

export async function endAll(): Promise<void> {
  await Promise.all([...children].map(end));
}

process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

/** A loopback port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
