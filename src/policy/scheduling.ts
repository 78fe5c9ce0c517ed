// The `scheduling:` and `fairness:` sections: who comes first, and which worker serves. For the schema and the loader.
import { z } from 'zod';
import type { ProfileSpec } from '../core/schedule.ts';
import type { Registries } from './registries.ts';
import { duration, name, number, percent } from './units.ts';

const NO_PARTS: unknown = {};

export function schedulingSchema({ filters, scorers, pickers }: Registries) {
  const weights = Object.fromEntries(
    Object.keys(scorers).map((scorer) => [scorer, number(0, 1000).optional().describe('Weight of this cost.')]),
  );
  const profile = z
    .strictObject({
      filters: z
        .array(z.enum(Object.keys(filters)))
        .prefault(Object.keys(filters))
        .describe('What rules a worker out.'),
      scorers: z
        .strictObject(weights)
        .prefault({})
        .describe('Costs of a worker, each in ms, by weight; the least sum is best.'),
      picker: z.enum(Object.keys(pickers)).prefault('least').describe('How one of them is chosen by its cost.'),
      sticky: z
        .strictObject({
          holds: percent()
            .prefault('80%')
            .describe('Percent. Share of a prompt that a worker must hold to be preferred for it.'),
          breakAfter: duration(1)
            .prefault('60s')
            .describe(
              'Duration. A preferred worker is left when its first content is expected this much later than elsewhere; sooner where twice the time to read the prompt anew is less.',
            ),
          rest: duration(0)
            .prefault('0s')
            .describe(
              'Duration. A call whose prompt no worker has waits so long for a full worker that would cost it less: half of what it would save at most.',
            ),
        })
        .optional()
        .describe('Keeps runs where their prompts are cached. Default: not.'),
    })
    .describe('A way to choose a worker; a pool names it as `schedule`.');
  return z
    .strictObject({ profiles: z.record(name(), profile).prefault({}).describe('Ways to choose, by name.') })
    .prefault({})
    .describe('How a worker is chosen among those with room.');
}

export function fairnessSchema() {
  const reserved = (share: string, text: string) => percent().prefault(share).describe(`Percent. ${text}`);
  return z
    .strictObject({
      reserved: z
        .strictObject({
          critical: reserved('0%', 'Of critical calls; they come first anyway.'),
          interactive: reserved('20%', 'Of interactive calls, beside critical ones.'),
          batch: reserved('5%', 'Of batch calls, beside those of higher bands.'),
          background: reserved('2%', 'Of background calls, beside all others.'),
        })
        .refine((shares) => Object.values(shares).reduce((sum, share) => sum + share, 0) < 1, {
          error: 'must be less than 100% in sum',
        })
        .prefault({})
        .describe(
          "Shares of each pool's service that a band is sure of while its calls wait; the rest goes by priority.",
        ),
    })
    .prefault({})
    .describe('Who comes first when a pool is full.');
}

type SchedulingDocument = z.output<ReturnType<typeof schedulingSchema>>;

export function profileSpecs(
  document: SchedulingDocument,
  registries: Registries,
): Readonly<Record<string, ProfileSpec>> {
  const part = (plugins: Readonly<Record<string, { readonly options: z.ZodType }>>, kind: string) => ({
    kind,
    options: plugins[kind]!.options.parse(NO_PARTS),
  });
  const own = Object.entries(document.profiles).map(([named, { filters, scorers, picker, sticky }]) => {
    const spec: ProfileSpec = {
      name: named,
      filters: filters.map((kind) => part(registries.filters, kind)),
      scorers: Object.entries(scorers as Readonly<Record<string, number | undefined>>).flatMap(([kind, weight]) =>
        weight === undefined ? [] : [{ ...part(registries.scorers, kind), weight }],
      ),
      picker: part(registries.pickers, picker),
      sticky:
        sticky === undefined ? null : { holds: sticky.holds, breakAfterMs: sticky.breakAfter, restMs: sticky.rest },
    };
    return [named, spec] as const;
  });
  return { ...registries.profiles, ...Object.fromEntries(own) };
}
