// What tells one form of rerank from another, on the callers' side and on the workers'. For the files of this folder.
import type { RerankForm } from '../../core/names.ts';
import type { HeaderView } from '../../core/transport.ts';
import type { ListForm } from '../list-reply.ts';
import { part } from '../values.ts';
import type { Documents } from './documents.ts';

/** One document's place: its index in the caller's list and the worker's score as it came. */
export interface Ranked {
  readonly index: number;
  readonly score: number;
}

/** What a worker answered, in one normal form. Null: it does not say. */
export interface Ranking {
  readonly ranked: readonly Ranked[];
  readonly id: string | null;
  readonly model: string | null;
  readonly tokens: number | null;
  /** What it bills by, beside tokens. */
  readonly searchUnits: number | null;
  readonly reportedMs: number | null;
}

/** What a caller is answered: best first and cut. */
export interface Answer extends Pick<Ranking, 'ranked' | 'id' | 'tokens'> {
  /** The served model. */
  readonly model: string;
  /** A document's own text; null where the caller asked for none. */
  text(index: number): string | null;
}

/** What a caller may ask beyond query, documents, cut and echo. */
export interface RerankOptions {
  /** Texts that are too long are cut; false: they are refused. */
  readonly truncate: boolean;
  readonly rawScores: boolean;
  readonly maxTokensPerDocument: number;
}
export type OptionName = keyof RerankOptions;

/** How callers of one form ask and are answered. */
export interface CallerForm {
  readonly form: RerankForm;
  readonly list: 'documents' | 'texts';
  /** Where the caller says how many of the best are wanted; `min` 0: there 0 means all. */
  readonly cut: { readonly key: string; readonly min: 0 | 1 } | null;
  /** Where the caller says whether texts come back, and what silence means. */
  readonly echo: { readonly key: string; readonly unsaid: boolean } | null;
  /** Where an answer has its list, and what it counts. */
  readonly answer: ListForm;
  /** The form's own names for options. */
  readonly options: Readonly<Record<string, OptionName>>;
  write(answer: Answer): unknown;
}

/** A value as JSON; bytes where they are the caller's own, for those may be many. */
export type JsonText = string | Uint8Array;
export type Fields = Readonly<Record<string, JsonText>>;

/** How workers of one form are asked and answer. They are asked neither to cut nor to echo: the router does both. */
export interface WorkerForm {
  readonly path: string;
  /** It has a field for the model's name. */
  readonly namesModel: boolean;
  /** The call itself; `query` is JSON text. */
  ask(query: string, documents: Documents): Fields;
  /** Each option as this form's fields, none where it is so anyway; null, or no entry, where it cannot be told. */
  readonly tell: { readonly [Name in OptionName]?: (value: RerankOptions[Name]) => Fields | null };
  /** Further fields of this form that a caller of another one may set by the same name. */
  readonly extras: readonly string[];
  /** Where the list lies in a whole reply. */
  list(reply: unknown): unknown;
  readonly score: 'relevance_score' | 'score' | 'logit';
  /** Tokens that the call took, where the worker says so. */
  tokens(reply: unknown, headers: HeaderView): unknown;
}

/** The tokens in a `usage` object, as most forms have it. */
export function usageTokens(reply: unknown): unknown {
  const usage = part(reply, 'usage');
  return part(usage, 'total_tokens') ?? part(usage, 'prompt_tokens');
}

/** `usage` as Jina and Voyage write it; left out where the worker says nothing. */
export const usageOf = (tokens: number | null) => (tokens === null ? {} : { usage: { total_tokens: tokens } });
