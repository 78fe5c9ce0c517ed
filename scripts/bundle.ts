// Makes the command line of the package from few files, since each file costs a start a third of a millisecond. For scripts/build.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build, type Metafile } from 'esbuild';

const ROOT = new URL('../', import.meta.url);

/** Threads are started by their path, beside the code that starts them. */
export const ENTRIES = [
  'src/entry/cli/main.ts',
  'src/stores/sqlite/ledger-thread.ts',
  'src/stores/sqlite/ledger-report-thread.ts',
] as const;
/** Loaded as they are: two load parts of themselves by path, and one gains nothing. */
const APART = ['pino', 'prom-client', 'undici'] as const;
/** Beside the bundle: whose code is in it, and on which terms. */
export const NOTICES = 'third-party.txt';
const PACKAGE = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)\//;
const LICENSE_FILE = /^licen[cs]e(\.md|\.txt)?$/i;

/** `folder` must lie as deep as `src/entry/cli`, from where the command line looks for what the package holds beside code. */
export async function bundleCommandLine(folder: URL): Promise<Metafile> {
  rmSync(folder, { recursive: true, force: true });
  const { metafile } = await build({
    absWorkingDir: fileURLToPath(ROOT),
    entryPoints: [...ENTRIES],
    outdir: fileURLToPath(folder),
    entryNames: '[name]',
    chunkNames: 'part-[hash]',
    bundle: true,
    // Of a command line just what its command needs is read.
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    external: [...APART],
    // One of the packages is CommonJS and asks for modules of Node.
    banner: { js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);" },
    metafile: true,
    logLevel: 'warning',
  });
  writeFileSync(new URL(NOTICES, folder), notices(metafile));
  return metafile;
}

/** Folders of packages whose code is in the bundle, by name. */
export function bundledPackages({ outputs }: Metafile): Map<string, string> {
  const folders = new Map<string, string>();
  for (const { inputs } of Object.values(outputs)) {
    for (const path of Object.keys(inputs)) {
      const found = PACKAGE.exec(path);
      if (found !== null) folders.set(found[1]!, path.slice(0, found.index + found[0].length));
    }
  }
  return new Map([...folders].sort());
}

function notices(metafile: Metafile): string {
  const texts = [...bundledPackages(metafile)].map(([name, folder]) => {
    const at = new URL(folder, ROOT);
    const { version } = JSON.parse(readFileSync(new URL('package.json', at), 'utf8')) as { version: string };
    const file = readdirSync(at).find((one) => LICENSE_FILE.test(one));
    if (file === undefined) throw new Error(`${name} comes without the text of its license and cannot be bundled.`);
    return `${name} ${version}\n\n${readFileSync(new URL(file, at), 'utf8').trim()}\n`;
  });
  return `The files in this folder hold code of these packages:\n\n${texts.join('\n---\n\n')}`;
}
