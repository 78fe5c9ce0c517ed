// What calls that bring a list have in common: no stream, no output tokens, no prompt that others share. For embeddings and rerank.
import type { ParsedCall } from '../core/dialect.ts';

/** What tells one such call from another. */
export type ListFacts = Pick<ParsedCall, 'model' | 'inputTokens' | 'items' | 'split' | 'toward'>;

const NO_NEEDS: ParsedCall['needs'] = [];
const noPrint = () => null;

export const listCall = ({ model, inputTokens, items, split, toward }: ListFacts): ParsedCall => ({
  model,
  stream: false,
  needs: NO_NEEDS,
  maxOutputTokens: null,
  stored: false,
  inputTokens: Math.ceil(inputTokens),
  items,
  answersTool: false,
  print: noPrint,
  split,
  toward,
});
