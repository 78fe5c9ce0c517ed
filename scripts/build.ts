// Makes dist/ from src/, JavaScript and declarations for whoever imports it, and the command line in few files: Node strips
// no types below node_modules. For the package.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { bundleCommandLine } from './bundle.ts';

const ROOT = new URL('../', import.meta.url);
const DIST = new URL('dist/', ROOT);
/** The compiler repeats the folders below the repository's root, since the command line reads package.json there. */
const EMITTED = new URL('.emitted/', DIST);

const LOCAL = /(\bfrom\s*|\bimport\s*\(?\s*)(['"])(\.{1,2}\/[^'"]*)\.ts\2/g;

/** The compiler leaves `.ts` in declarations. Compilers find them so, other tools look for what `.js` stands for. */
export function declarationsOf(text: string): string {
  return text.replace(LOCAL, '$1$2$3.js$2');
}

export async function build(): Promise<number> {
  rmSync(DIST, { recursive: true, force: true });
  const tsc = fileURLToPath(new URL('node_modules/typescript/bin/tsc', ROOT));
  const compiler = spawn(process.execPath, [tsc, '-p', fileURLToPath(new URL('tsconfig.build.json', ROOT))], {
    cwd: fileURLToPath(ROOT),
    stdio: 'inherit',
  });
  const [code] = (await once(compiler, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`tsc ended with ${code}; nothing was built.`);
  const made = new URL('src/', EMITTED);
  for (const name of readdirSync(made)) renameSync(new URL(name, made), new URL(name, DIST));
  rmSync(EMITTED, { recursive: true });
  await bundleCommandLine(new URL('entry/cli/', DIST));
  const files = readdirSync(DIST, { recursive: true, encoding: 'utf8' });
  for (const path of files) {
    if (!path.endsWith('.d.ts')) continue;
    const file = new URL(path, DIST);
    writeFileSync(file, declarationsOf(readFileSync(file, 'utf8')));
  }
  return files.filter((path) => path.endsWith('.js')).length;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  // npm prints its own JSON on standard output.
  process.stderr.write(`dist: ${await build()} modules\n`);
}
