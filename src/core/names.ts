// The closed sets of names that code, policy, headers and logs share. For every folder.

export const ROUTE_CLASSES = ['chat', 'embed', 'rerank', 'batch'] as const;
/** What kind of work a call is; each has its own SLO, queue, timeouts and defaults. */
export type RouteClass = (typeof ROUTE_CLASSES)[number];

export const DIALECTS = [
  'openai-chat',
  'openai-completions',
  'openai-responses',
  'openai-embeddings',
  'anthropic-messages',
  'anthropic-count-tokens',
  'rerank',
] as const;
/** An inbound protocol. */
export type DialectName = (typeof DIALECTS)[number];

/** The forms in which servers take and answer rerank calls, named after whose they are. */
export const RERANK_FORMS = ['cohere', 'jina', 'voyage', 'tei', 'vllm', 'infinity', 'llama-cpp', 'nim'] as const;
export type RerankForm = (typeof RERANK_FORMS)[number];

/** What a rerank score means. Scores of two models, or of two meanings, cannot be compared. */
export const SCORE_MEANINGS = ['probability', 'logit', 'cosine', 'undeclared'] as const;
export type ScoreMeaning = (typeof SCORE_MEANINGS)[number];

export const REASONS = ['saturated', 'cold', 'failing', 'slow', 'budget'] as const;
/** Why a call left a rung; the value of `x-spillway-degraded` when a substitute answered. */
export type Reason = (typeof REASONS)[number];
/** Those for which a rung takes calls unless it says otherwise. To go on for less once money is spent is a wish of its own. */
export const DEFAULT_REASONS = ['saturated', 'cold', 'failing', 'slow'] as const satisfies readonly Reason[];

export const CAPABILITIES = ['tools', 'schema', 'vision', 'audio', 'logprobs'] as const;
/** What a call needs of a target beyond its dialect. */
export type Capability = (typeof CAPABILITIES)[number];

export const PRIORITIES = ['critical', 'interactive', 'batch', 'background'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** Request headers that a caller may set; any other `x-spillway-*` is refused with this list. */
export const REQUEST_HEADERS = [
  'x-spillway-run',
  'x-spillway-agent',
  'x-spillway-parent',
  'x-spillway-degrade',
  'x-spillway-max-wait',
  'x-spillway-priority',
  'x-spillway-min-rung',
  'x-spillway-require',
] as const;

/** Headers by which a reply says what happened. A request that carries one has it dropped: only the router writes them. */
export const RESPONSE_HEADERS = {
  asked: 'x-spillway-asked',
  served: 'x-spillway-served',
  rung: 'x-spillway-rung',
  degraded: 'x-spillway-degraded',
  queueMs: 'x-spillway-queue-ms',
  coldMs: 'x-spillway-cold-ms',
  attempts: 'x-spillway-attempts',
  zone: 'x-spillway-zone',
  readyIn: 'x-spillway-ready-in',
  /** Fields of the request that the target could not be told. */
  dropped: 'x-spillway-dropped',
  /** What the scores of a rerank reply mean. */
  scores: 'x-spillway-scores',
  /** What a reply that is whole before it goes out is charged, US dollars. */
  costUsd: 'x-spillway-cost-usd',
} as const;
