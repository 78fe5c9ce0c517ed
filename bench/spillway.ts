// Starts the production entry on a generated policy with one pool. For contenders.ts.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from './contenders.ts';
import { MODEL } from './workload.ts';

const MAIN = fileURLToPath(new URL('../src/entry/cli/main.ts', import.meta.url));
const BIN = fileURLToPath(new URL('../bin/spillway.mjs', import.meta.url));
/** As `npm pack` and `npm run build` made it last. */
const BUILT = fileURLToPath(new URL('../dist/entry/cli/main.js', import.meta.url));
const CACHE = fileURLToPath(new URL('../node_modules/.cache/spillway', import.meta.url));

let folder: string | null = null;

export function spillwayServes(): boolean {
  return existsSync(MAIN);
}

export function spillwayBuilt(): boolean {
  return existsSync(BUILT);
}

/** As in production but for a pool wide enough that the gate is passed, not waited at. */
function policy(port: number, upstreamPort: number): string {
  return `version: 1
server: { listen: "127.0.0.1:${port}" }
pools:
  bench:
    serves: ${MODEL}
    workers: [ { url: "http://127.0.0.1:${upstreamPort}" } ]
    concurrencyPerWorker: 4096
models:
  ${MODEL}: { class: chat, ladder: [ { pool: bench } ] }
`;
}

export function spillwayCommand(port: number, upstreamPort: number): Command {
  return { args: [BIN, ...serve(port, upstreamPort)] };
}

/** In the repository the package's own starter would take the sources, so what it does beside that is done here. */
export function builtCommand(port: number, upstreamPort: number): Command {
  const args = serve(port, upstreamPort);
  return { args: [BUILT, ...args], env: { NODE_COMPILE_CACHE: CACHE } };
}

function serve(port: number, upstreamPort: number): string[] {
  if (folder === null) {
    const made = mkdtempSync(join(tmpdir(), 'spillway-bench-'));
    process.on('exit', () => rmSync(made, { recursive: true, force: true }));
    folder = made;
  }
  const file = join(folder, `policy-${port}.yaml`);
  writeFileSync(file, policy(port, upstreamPort));
  return ['serve', '--policy', file, '--admin', '127.0.0.1:0', '--data', join(folder, `data-${port}`)];
}
