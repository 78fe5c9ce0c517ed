// What the figures were taken on. For the table's foot and the JSON.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { arch, cpus, loadavg, platform } from 'node:os';
import { pinned } from './children.ts';

export interface Host {
  readonly cpu: string;
  readonly cores: number;
  readonly system: string;
  readonly node: string;
  readonly undici: string;
  readonly hono: string;
  readonly honoNodeServer: string;
  readonly commit: string;
  readonly pinned: boolean;
  readonly loadAverage: number;
}

function version(name: string): string {
  const path = new URL(`../node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}

function commit(): string {
  try {
    const cwd = new URL('..', import.meta.url);
    const git = (...args: string[]) =>
      execFileSync('git', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain') === '' ? '' : ' with changes'}`;
  } catch {
    return 'none';
  }
}

export function host(): Host {
  const cores = cpus();
  return {
    cpu: cores[0]?.model.trim() ?? 'unknown',
    cores: cores.length,
    system: `${platform()} ${arch()}`,
    node: process.version,
    undici: version('undici'),
    hono: version('hono'),
    honoNodeServer: version('@hono/node-server'),
    commit: commit(),
    pinned,
    loadAverage: Math.round(loadavg()[0]! * 100) / 100,
  };
}
