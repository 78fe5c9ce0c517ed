// What the router must know of a kind of managed API, and how a target takes the router's credential. For providers and policy.
import type { DialectName, RerankForm, ScoreMeaning } from './names.ts';
import type { Plugin } from './plugin.ts';

export const AUTH_FORMS = ['bearer', 'api-key', 'x-api-key', 'modal', 'none'] as const;
/**
 * How a credential goes out: `Authorization: Bearer …`, `Authorization: Api-Key …`, `x-api-key: …`, `Modal-Key` with
 * `Modal-Secret`, or not at all.
 */
export type AuthForm = (typeof AUTH_FORMS)[number];

/** What holds of a kind of managed API where a policy does not say otherwise. */
export interface ProviderDoor {
  /** Where it is, as its own clients write it; null: a policy must say. */
  readonly baseUrl: string | null;
  /** Its clients take the API's version for a part of the base URL, even where no such part can be seen. */
  readonly versioned: boolean;
  readonly auth: AuthForm;
  readonly speaks: readonly DialectName[];
  readonly rerank: { readonly form: RerankForm; readonly scores: ScoreMeaning } | null;
  /** Entries of a list that one call may carry; null = no bound is known. */
  readonly maxItems: number | null;
  /** Lower-case names of reply headers that callers get. */
  readonly replyHeaders: readonly string[];
}

/** Knows a kind of managed API. `create` is pure: it opens nothing. `options` must accept `{}`: policy names kinds only. */
export type ProviderPlugin = Plugin<unknown, undefined, ProviderDoor>;
