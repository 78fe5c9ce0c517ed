// Which keys a policy file may hold, with form, unit, default and meaning of each. For the loader, editors and the reference.
import { z } from 'zod';
import { DEFAULT_REASONS, REASONS } from '../core/names.ts';
import { classesSchema } from './classes.ts';
import { concurrency } from './concurrency.ts';
import { urlWorker } from './endpoint.ts';
import { gpuFields, pricesSchema } from './prices.ts';
import { providerSchema } from './providers.ts';
import { DEFAULT_ENGINE, DEFAULT_PROFILE, type Registries } from './registries.ts';
import { fairnessSchema, schedulingSchema } from './scheduling.ts';
import { serverSchema } from './server.ts';
import { targetFields } from './target.ts';
import { plansSchema, tenantsSchema } from './tenants.ts';
import { modelName, name, providerRung } from './units.ts';

/** The classes this release serves; the other route classes have rules already, but no dialect. */
export const SERVED_CLASSES = ['chat', 'embed', 'rerank'] as const;
const NOT_YET: readonly unknown[] = ['batch'];

const telemetry = z
  .strictObject({
    log: z
      .enum(['none', 'summary', 'debug'])
      .prefault('summary')
      .describe('none: warnings only; summary: one line per call; debug: one line per attempt as well. Never content.'),
  })
  .prefault({})
  .describe('What is written to the log.');

const same = z
  .boolean()
  .optional()
  .describe(
    'true: counts as the asked model (a copy of it, or another host), so moving here is failover; false: a substitute, and replies say so. The first rung is always same, the others are not unless they say so.',
  );
const when = z
  .array(z.enum(REASONS))
  .min(1, 'needs at least one reason')
  .prefault([...DEFAULT_REASONS])
  .describe(
    'For which reasons a call may come down to this rung. budget: the money of the tenant is spent, and this rung costs less or nothing; only a rung that names it takes such calls.',
  );

const rung = z.union([
  z.strictObject({ pool: name().describe('Name of a pool.'), same, when }),
  z.strictObject({
    provider: providerRung().describe(
      "Name of a provider, or NAME/MODEL for one model of it. Without a model, the model's own name is asked there, and under a pattern the name that the caller asked.",
    ),
    same,
    when,
  }),
  z.strictObject({ ladder: name().describe('Name of a ladder, whose rungs stand here.'), same, when }),
]);
const rungs = z.array(rung).min(1, 'needs at least one rung').max(32, 'has more than 32 rungs');

const model = z
  .strictObject({
    aliases: z.array(modelName()).prefault([]).describe('Other names for this model. No patterns.'),
    class: z
      .enum(SERVED_CLASSES, {
        error: (issue) =>
          NOT_YET.includes(issue.input)
            ? `${String(issue.input)} is not served yet. Valid: ${SERVED_CLASSES.join(', ')}.`
            : undefined,
      })
      .prefault('chat')
      .describe('Route class: which queue, timeouts and defaults hold for calls of this model.'),
    ladder: rungs.describe('Where calls go, best first; 1 to 32 rungs.'),
  })
  .describe('A model, or with one or more * in its name every model whose name fits. The most specific pattern wins.');

function poolSchema(registries: Registries) {
  const engines = Object.keys(registries.engines);
  const engine = z
    .enum(engines)
    .prefault(DEFAULT_ENGINE)
    .transform((engineName, context) => {
      const options = registries.engines[engineName]!.options.safeParse({});
      if (options.success) return { name: engineName, options: options.data };
      context.addIssue({ code: 'custom', message: `needs options that a policy cannot give yet` });
      return z.NEVER;
    })
    .describe('Inference engine of the workers: how they tell their load and health.');
  // What a worker costs is the same question for every kind of it.
  const workers = Object.values(registries.workers).map(({ options }) => (options as z.ZodObject).extend(gpuFields()));
  return z
    .strictObject({
      serves: modelName().optional().describe('Model name that the workers know. Default: the name of the pool.'),
      engine,
      ...targetFields(),
      concurrencyPerWorker: concurrency(registries)
        .prefault('auto')
        .describe(
          'Calls in flight that each worker may hold; further calls wait in line. auto: learned from how soon replies begin; a number: that many; or a limit with options of its own.',
        ),
      schedule: name()
        .prefault(DEFAULT_PROFILE)
        .describe(
          `How a worker is chosen: a name under scheduling.profiles, or ${Object.keys(registries.profiles).join(', ')}.`,
        ),
      workers: z
        .array(z.union([urlWorker().extend(gpuFields()), ...workers]))
        .min(1, 'needs at least one worker')
        .max(1000, 'has more than 1000 workers')
        .describe('The endpoints that serve this model: by address, or brought up by a plug-in.'),
    })
    .describe('Workers that serve one model.');
}

/** The whole file. Its output has durations in ms, addresses split, defaults filled in, secrets still as references. */
export function policySchema(registries: Registries) {
  return z
    .strictObject({
      version: z.literal(1).describe('Version of this file format: 1.'),
      include: z
        .array(z.string().min(1, 'must not be empty'))
        .max(64, 'has more than 64 entries')
        .prefault([])
        .describe('Further files, relative to this one; * in the file name matches any run of characters.'),
      server: serverSchema(),
      telemetry,
      pools: z.record(name(), poolSchema(registries)).prefault({}).describe('Pools by name.'),
      providers: z.record(name(), providerSchema(registries)).prefault({}).describe('Managed APIs by name.'),
      ladders: z
        .record(name(), rungs.describe('Rungs, best first.'))
        .prefault({})
        .describe('Ladders that several models share, by name.'),
      models: z.record(modelName(), model).prefault({}).describe('Models by the name that callers ask for.'),
      classes: classesSchema(),
      scheduling: schedulingSchema(registries),
      fairness: fairnessSchema(),
      plans: plansSchema(),
      tenants: tenantsSchema(),
      prices: pricesSchema(),
    })
    .describe('Policy of a Spillway router.');
}

/** What the schema makes of a valid document. */
export type PolicyDocument = z.output<ReturnType<typeof policySchema>>;
