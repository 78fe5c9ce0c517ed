// Writes the files that are made from the code: the policy's JSON Schema and its reference. For maintainers, by `npm run generate`.
import { writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { type DemoSettings, FLAGS } from '../src/demo/options.ts';
import { engines } from '../src/fleet/engines/index.ts';
import { policyJsonSchema, policyReference } from '../src/policy/reference.ts';
import type { Registries, WorkerPlugin } from '../src/policy/registries.ts';
import { duration } from '../src/policy/units.ts';

const meaning = (key: keyof DemoSettings): string => {
  const flag = FLAGS.find((one) => one.key === key)!;
  const text = `${flag.text[0]!.toUpperCase()}${flag.text.slice(1)}.`;
  return flag.fallback === '' ? text : `${text} Default: ${flag.fallback} ${flag.unit}.`;
};
const amount = (key: keyof DemoSettings) => z.number().min(0).optional().describe(meaning(key));
const whole = (key: keyof DemoSettings, least: number) => z.int().min(least).optional().describe(meaning(key));

/** The form of the demo plug-in's options. The plug-in itself starts workers, which generating must not depend on. */
const demo: WorkerPlugin = {
  name: 'demo',
  options: z.strictObject({
    demo: z.enum(['chat', 'embed']).describe('A demo worker inside the router: what it serves.'),
    model: z.string().min(1).optional().describe('Model name that it serves. Default: demo-large or demo-embed.'),
    startUp: duration().optional().describe('Duration. Time to load the model. Default: 0s.'),
    prefillTokensPerSecond: amount('prefillTokensPerSecond'),
    decodeTokensPerSecond: amount('decodeTokensPerSecond'),
    maxNumSeqs: whole('maxNumSeqs', 1),
    maxNumQueuedReqs: whole('maxNumQueuedReqs', 0),
    maxModelLen: whole('maxModelLen', 1),
  }),
  create: () => {
    throw new TypeError('This plug-in describes its options only.');
  },
};

export const registries: Registries = { workers: { demo }, engines };

/** Path below the repository, and text. */
export function generatedFiles(): Readonly<Record<string, string>> {
  return {
    'policies/policy.schema.json': policyJsonSchema(registries),
    'docs/policy-reference.md': policyReference(registries),
  };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const root = new URL('../', import.meta.url);
  for (const [path, text] of Object.entries(generatedFiles())) {
    await writeFile(new URL(path, root), text);
    console.log(path);
  }
}
