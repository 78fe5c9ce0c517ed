// What comes from others: few, exact, with reasons, without registries or scripts. For maintainers.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { importTable } from '../architecture/import-table.ts';
import { importsOf, readSources } from '../architecture/source-files.ts';
import { codeSpans, sectionOf, tableColumn } from './markdown.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

interface Manifest {
  readonly dependencies: Record<string, string>;
  readonly peerDependencies: Record<string, string>;
  readonly allowScripts: Record<string, boolean>;
  readonly devDependencies: Record<string, string>;
  readonly optionalDependencies: Record<string, string>;
}

interface Locked {
  readonly resolved?: string;
  readonly hasInstallScript?: boolean;
  readonly dependencies?: Record<string, string>;
  readonly dev?: boolean;
  readonly optional?: boolean;
}

const manifest = JSON.parse(read('package.json')) as Manifest;
const locked = (JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> }).packages;
/** What the router runs on: its own dependencies and those that an app around it brings. */
const atRunTime = { ...manifest.peerDependencies, ...manifest.dependencies };
const document = read('docs/dependencies.md');

/** Packages that a package brings with it, itself not counted. */
function brought(name: string, seen = new Set<string>()): ReadonlySet<string> {
  for (const next of Object.keys(locked[`node_modules/${name}`]?.dependencies ?? {})) {
    if (seen.has(next)) continue;
    seen.add(next);
    brought(next, seen);
  }
  return seen;
}

describe('F118 dependencies', () => {
  it('at most 25 at run time, each with a reason in docs/dependencies.md', () => {
    const names = Object.keys(atRunTime);
    expect(names.length).toBeLessThanOrEqual(25);
    const runtime = sectionOf(document, 'At run time');
    expect(tableColumn(runtime, 'Package').flatMap(codeSpans)).toEqual(names);
    for (const reason of tableColumn(runtime, 'Why')) expect(reason.length).toBeGreaterThan(20);
  });

  it('are used by src/, all of them and no others', () => {
    const used = new Set(
      readSources('src')
        .flatMap(importsOf)
        .filter(({ target, local }) => !local && !target.startsWith('node:'))
        .map(({ target }) => target.split('/', target.startsWith('@') ? 2 : 1).join('/')),
    );
    expect([...used].sort()).toEqual(Object.keys(atRunTime).sort());
    const allowed = new Set(importTable.flatMap(({ packages, packageTypes }) => [...packages, ...packageTypes]));
    expect([...allowed].sort()).toEqual([...used].sort());
  });

  it('bring with them what docs/dependencies.md says', () => {
    const counts = Object.keys(atRunTime).map((name) => String(brought(name).size));
    expect(tableColumn(sectionOf(document, 'At run time'), 'Brings')).toEqual(counts);
    const all = new Set(Object.keys(atRunTime).flatMap((name) => [name, ...brought(name)]));
    expect(document).toContain(`${all.size} packages in all`);
  });

  it('the platform packages of Node are listed', () => {
    const listed = tableColumn(sectionOf(document, 'Node itself'), 'Package').flatMap(codeSpans);
    expect(listed.sort()).toEqual(Object.keys(manifest.optionalDependencies).sort());
  });

  it('the tools for development are listed', () => {
    const listed = tableColumn(sectionOf(document, 'For development'), 'Package').flatMap(codeSpans);
    expect(listed.sort()).toEqual(Object.keys(manifest.devDependencies).sort());
  });

  it('have exact versions', () => {
    const versions = [manifest.dependencies, manifest.devDependencies, manifest.optionalDependencies].flatMap((group) =>
      Object.values(group),
    );
    for (const version of versions) expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    // Apps bring a Hono of their own, and the types of two copies never fit: docs/decisions, on the package's build.
    expect(manifest.peerDependencies).toEqual({ hono: '^4.13.0' });
  });

  it('the lockfile names no registry, and the manifest is what was locked', () => {
    expect(Object.entries(locked).filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
    const root = locked[''] as unknown as Manifest;
    expect(root.dependencies).toEqual(manifest.dependencies);
    expect(root.devDependencies).toEqual(manifest.devDependencies);
    expect(root.optionalDependencies).toEqual(manifest.optionalDependencies);
  });

  it('no package runs a script at install, and nothing younger than a week comes in', () => {
    const rules = read('.npmrc').split('\n');
    expect(rules).toContain('strict-allow-scripts=true');
    expect(manifest.allowScripts).toEqual({ esbuild: false });
    const wanting = Object.entries(locked).filter(([, { hasInstallScript }]) => hasInstallScript === true);
    expect(wanting.map(([path]) => path)).toEqual(['node_modules/esbuild']);
    expect(rules).toContain('min-release-age=7');
    expect(rules).toContain('save-exact=true');
    const hooks = /"(?:pre|post)?(?:install|prepare|prepublish)"\s*:/;
    expect(read('package.json')).not.toMatch(hooks);
  });

  it('nothing that runs in the router wants a script at install', () => {
    const wanting = Object.entries(locked).filter(
      ([, { hasInstallScript, dev }]) => hasInstallScript === true && dev !== true,
    );
    expect(wanting.map(([path]) => path)).toEqual([]);
  });
});
