// Decides how many tokens a text is taken for before any tokenizer has counted it.
// For admission and scheduling, which correct the estimate by the reported usage afterwards.

/** OpenAI's published rule of thumb for its tokenizers: one token is about four characters of English text. */
const BYTES_PER_TOKEN = 4;

/**
 * An estimate, in whole tokens, rounded up. Bytes stand for characters: text beyond ASCII has more bytes per character
 * and also more tokens per character, so the rule errs less there than one by characters would.
 */
export function estimateTokens(bytes: number): number {
  return Math.ceil(bytes / BYTES_PER_TOKEN);
}
