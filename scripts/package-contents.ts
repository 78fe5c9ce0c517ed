// Decides what may lie in the package: what runs, what it says of itself, nothing else. For scripts/package-smoke.

const ALLOWED: readonly RegExp[] = [
  /^(?:package\.json|README\.md|LICENSE|CHANGELOG\.md)$/,
  /^dist\/(?:[a-z0-9-]+\/)*[a-z0-9-]+\.(?:js|d\.ts)$/,
  /^dist\/entry\/cli\/(?:[a-z-]+-[A-Z0-9]{8}\.js|third-party\.txt)$/,
  /^bin\/[a-z0-9-]+\.mjs$/,
  /^policies\/[a-z0-9-]+(?:\.example)?\.yaml$/,
  /^policies\/(?:README\.md|policy\.schema\.json)$/,
  /^docs\/[a-z0-9-]+\.md$/,
];

const NEEDED = [
  'package.json',
  'README.md',
  'LICENSE',
  'dist/index.js',
  'dist/index.d.ts',
  'dist/node.js',
  'dist/node.d.ts',
  'dist/entry/cli/main.js',
  'dist/entry/cli/third-party.txt',
  // Started by their path, so no import would miss them.
  'dist/entry/cli/ledger-thread.js',
  'dist/entry/cli/ledger-report-thread.js',
  'dist/stores/sqlite/ledger-thread.js',
  'dist/stores/sqlite/ledger-report-thread.js',
  'bin/spillway.mjs',
  'bin/node24.mjs',
  'policies/default.yaml',
];

/** Keys in the forms of the large providers, private keys, tokens of registries. */
const SECRET =
  /\bsk-[A-Za-z0-9_-]{24,}|-----BEGIN [A-Z ]*PRIVATE KEY|\bAKIA[0-9A-Z]{16}\b|\bnpm_[A-Za-z0-9]{36}\b|_authToken\s*=/;

export interface PackedFile {
  /** Below the package's root. */
  readonly path: string;
  readonly text: string;
}

/** `home` is the folder that the package was made in. */
export function contentComplaints(files: readonly PackedFile[], home: string): string[] {
  const complaints: string[] = [];
  const paths = new Set(files.map(({ path }) => path));
  for (const path of NEEDED) if (!paths.has(path)) complaints.push(`${path} is missing`);
  for (const { path, text } of files) {
    if (!ALLOWED.some((pattern) => pattern.test(path))) complaints.push(`${path} does not belong there`);
    if (SECRET.test(text)) complaints.push(`${path} holds what looks like a secret`);
    if (text.includes(home)) complaints.push(`${path} names the folder it was made in`);
    if (/\.(?:js|d\.ts)$/.test(path)) complaints.push(...deadImports(path, text, paths));
  }
  return complaints;
}

/** Imports of files that are not in the package, or that only a compiler would find. */
function deadImports(path: string, text: string, paths: ReadonlySet<string>): string[] {
  const imports = [
    ...text.matchAll(/^(?:import|export)\b[^'"\n;]*?\bfrom '(\.{1,2}\/[^']+)'|\bimport\('(\.{1,2}\/[^']+)'/gm),
  ];
  return imports.flatMap((match) => {
    const target = (match[1] ?? match[2])!;
    const file = new URL(target, `file:///${path}`).pathname.slice(1);
    const wanted = path.endsWith('.d.ts') ? file.replace(/\.js$/, '.d.ts') : file;
    return paths.has(wanted) ? [] : [`${path}: ${target} leads nowhere`];
  });
}
