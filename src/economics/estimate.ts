// What a call used that its caller left in the middle, when nobody says it. For router/settle.
import type { Usage } from '../core/dialect.ts';

/** What went on of a stream, and what the router thought of its prompt. */
export interface Delivered {
  /** The prompt, and the part of it that was to be read anew, by the router's own estimate. */
  readonly inputTokens: number;
  readonly uncachedTokens: number;
  /** Events with content. */
  readonly contentEvents: number;
  /** Bytes of the stream, frames and all. */
  readonly bytes: number;
  /** The caller's own bound, over all choices; null: it set none. */
  readonly maxOutputTokens: number | null;
}

/** Bytes of text in a token, and of an event around its text. */
const TOKEN_BYTES = 4;
const FRAME_BYTES = 256;

/**
 * Engines send a token an event, managed APIs many: so a token per event, or as many as the bytes beyond the frames make,
 * whichever is more. A frame is taken larger than most are, so that an estimate does not charge for what was not sent. What
 * `said` tells of a stream that was cut stands; its output was counted before the end, so it is a lower bound.
 */
export function estimatedUsage(delivered: Delivered, said: Usage | null): Usage {
  const { contentEvents, bytes, maxOutputTokens } = delivered;
  const texts = Math.floor((bytes - contentEvents * FRAME_BYTES) / TOKEN_BYTES);
  const most = maxOutputTokens ?? Number.POSITIVE_INFINITY;
  const output = Math.min(most, Math.max(contentEvents, texts, 0));
  if (said !== null && said.uncachedTokens + said.cachedTokens > 0)
    return { ...said, outputTokens: Math.max(said.outputTokens, output) };
  const inputTokens = Math.max(0, Math.floor(delivered.inputTokens));
  const uncachedTokens = Math.min(inputTokens, Math.max(0, Math.ceil(delivered.uncachedTokens)));
  return {
    uncachedTokens,
    cachedTokens: inputTokens - uncachedTokens,
    outputTokens: Math.max(said?.outputTokens ?? 0, output),
    reasoningTokens: said?.reasoningTokens ?? 0,
  };
}
