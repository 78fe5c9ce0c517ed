// Where Portkey's gateway is, and how it gets there: beside the project, never among its dependencies. For contenders.ts.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../.peers/', import.meta.url));
const PACKAGE = `${FOLDER}node_modules/@portkey-ai/gateway/`;

export const PORTKEY_START = `${PACKAGE}build/start-server.js`;

export function portkeyInstalled(): boolean {
  return existsSync(PORTKEY_START);
}

export function portkeyVersion(): string | null {
  if (!portkeyInstalled()) return null;
  return (JSON.parse(readFileSync(`${PACKAGE}package.json`, 'utf8')) as { version: string }).version;
}

/** One npm install into bench/.peers; nothing of it runs during the install. */
export function installPeers(): void {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(`${FOLDER}package.json`, '{ "private": true, "name": "bench-peers" }\n');
  const npm = spawnSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '@portkey-ai/gateway'], {
    cwd: FOLDER,
    stdio: 'inherit',
  });
  if (npm.status !== 0 || !portkeyInstalled()) throw new Error('npm could not install @portkey-ai/gateway');
}
