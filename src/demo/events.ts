// How an event stands in a stream, with and without a name. For the shapes of the generating routes.
import { errorBody, type WorkerError } from './errors.ts';
import type { TokenCounts } from './generation.ts';

export const dataEvent = (json: string) => `data: ${json}\n\n`;

/** Anthropic's and the Responses API's events carry their type twice: as their name and in their JSON. */
export const namedEvent = (type: string, fields: object) =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;

/** What chat and completions say of tokens. */
export const usageOf = ({ prompt, cached, completion }: TokenCounts) => ({
  prompt_tokens: prompt,
  total_tokens: prompt + completion,
  completion_tokens: completion,
  prompt_tokens_details: { cached_tokens: cached },
});

const DONE = 'data: [DONE]\n\n';

/** The end of a stream of chat or completions; `usage` is the usage event's JSON, null when nobody asked for it. */
export const chunksEnd = (usage: string | null) => (usage === null ? DONE : dataEvent(usage) + DONE);
export const chunksFailure = (error: WorkerError) => dataEvent(errorBody(error)) + DONE;
