// Writes the files that are made from the code: the policy's schema and reference, errors, faults. For maintainers, by `npm run generate`.
import { writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { demoPlugin } from '../src/demo/source.ts';
import { policyJsonSchema, policyReference } from '../src/policy/reference.ts';
import type { Registries } from '../src/policy/registries.ts';
import { registriesWith } from '../src/registries.ts';
import { nodeClock } from '../src/runtime/node/machine.ts';
import { errorsDocument } from './errors.ts';
import { FAULT_SECTIONS } from './fault-rows.ts';
import { allNamedTests, faultsDocument } from './faults.ts';

/** The plug-ins of this release. Only their options are read here, so nothing is ever started. */
export const registries: Registries = registriesWith({
  demo: demoPlugin({ executable: process.execPath, args: [] }, nodeClock) as never,
});

/** Path below the repository, and text. */
export function generatedFiles(): Readonly<Record<string, string>> {
  return {
    'policies/policy.schema.json': policyJsonSchema(registries),
    'docs/policy-reference.md': policyReference(registries),
    'docs/errors.md': errorsDocument(),
    'docs/faults.md': faultsDocument(FAULT_SECTIONS, allNamedTests(new URL('../test/', import.meta.url))),
  };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const root = new URL('../', import.meta.url);
  for (const [path, text] of Object.entries(generatedFiles())) {
    await writeFile(new URL(path, root), text);
    console.log(path);
  }
}
