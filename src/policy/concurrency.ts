// How many calls in flight a worker or provider may hold: a number, or a limit that learns one. For pools and providers.
import { z } from 'zod';
import type { LimitSpec } from '../core/limit.ts';
import type { Registries } from './registries.ts';
import { count } from './units.ts';

const MOST = 100_000;
/** The limit that `auto` means. */
const AUTO = 'gradient2';

/** `auto`, a whole number, or `{ kind: aimd, max: 64 }` with the options of that kind. */
export function concurrency(registries: Registries) {
  const kinds = Object.entries(registries.limits).map(([kind, { options }]) =>
    (options as unknown as z.ZodObject).extend({ kind: z.literal(kind).describe('Which limit.') }),
  );
  const message = `must be auto, a whole number from 1 to ${MOST}, or a mapping with a kind: ${Object.keys(registries.limits).join(', ')}`;
  return z.union([z.literal('auto'), count(1, MOST), ...kinds], { error: message });
}

/** What the schema made of such an entry. */
export function limitSpec(entry: unknown, registries: Registries): LimitSpec {
  if (typeof entry === 'number')
    return { kind: 'fixed', options: registries.limits['fixed']!.options.parse({ limit: entry }) };
  if (entry === 'auto') return { kind: AUTO, options: registries.limits[AUTO]!.options.parse({}) };
  const { kind, ...options } = entry as { kind: string };
  return { kind, options };
}

/** As an operator reads it: `64`, `auto` or `aimd`. */
export function limitText({ kind, options }: LimitSpec): string {
  if (kind === 'fixed') return String((options as { limit: number }).limit);
  return kind === AUTO ? 'auto' : kind;
}
