// What pools and providers say of themselves in common: zone, capabilities, dialects, rerank. For the schema and the loader.
import { z } from 'zod';
import type { Capability, DialectName, RerankForm, ScoreMeaning } from '../core/names.ts';
import { CAPABILITIES, DIALECTS, RERANK_FORMS, SCORE_MEANINGS } from '../core/names.ts';
import { count, name } from './units.ts';

export interface RerankFacts {
  readonly form: RerankForm;
  readonly scores: ScoreMeaning;
}

export interface TargetFacts {
  readonly zone: string | null;
  readonly capabilities: ReadonlySet<Capability> | null;
  readonly speaks: ReadonlySet<DialectName>;
  readonly rerank: RerankFacts | null;
  readonly contextTokens: number | null;
  readonly maxItems: number | null;
}

export const targetFields = () => ({
  zone: name().optional().describe('Where data sent here stays; a name of your choice, told to callers.'),
  capabilities: z
    .array(z.enum(CAPABILITIES))
    .optional()
    .describe(
      'What the models here can do. A call that needs more passes over. Default: not declared, so nothing is ruled out.',
    ),
  speaks: z
    .array(z.enum(DIALECTS))
    .min(1, 'needs at least one dialect')
    .optional()
    .describe('Dialects taken on the wire; a call in another one passes over. Default: those of the engine or kind.'),
  contextTokens: count(1, 100_000_000)
    .optional()
    .describe('Longest context, tokens. A call whose prompt surely exceeds it passes over. Default: not declared.'),
  maxItems: count(1, 100_000)
    .optional()
    .describe(
      'Inputs of an embedding call, or documents of a rerank call, that one request may carry; longer lists are split. Default: that of the engine or kind.',
    ),
  rerank: z
    .strictObject({
      form: z.enum(RERANK_FORMS).describe('Whose form rerank calls and replies have.'),
      scores: z
        .enum(SCORE_MEANINGS)
        .prefault('undeclared')
        .describe('What the scores mean; callers are told, since scores of two meanings cannot be compared.'),
    })
    .optional()
    .describe(
      'How rerank calls look on the wire; naming it says that they are taken. Default: as the engine or kind has it.',
    ),
});

interface Entry {
  readonly zone?: string | undefined;
  readonly capabilities?: readonly Capability[] | undefined;
  readonly speaks?: readonly DialectName[] | undefined;
  readonly rerank?: RerankFacts | undefined;
  readonly contextTokens?: number | undefined;
  readonly maxItems?: number | undefined;
}

interface Defaults {
  readonly speaks: readonly DialectName[];
  readonly rerank: RerankFacts | null;
  readonly maxItems: number | null;
}

export function targetFacts(entry: Entry, defaults: Defaults): TargetFacts {
  const speaks = new Set(entry.speaks ?? defaults.speaks);
  if (entry.speaks === undefined && entry.rerank !== undefined) speaks.add('rerank');
  return {
    zone: entry.zone ?? null,
    capabilities: entry.capabilities === undefined ? null : new Set(entry.capabilities),
    speaks,
    rerank: entry.rerank ?? defaults.rerank,
    contextTokens: entry.contextTokens ?? null,
    maxItems: entry.maxItems ?? defaults.maxItems,
  };
}
