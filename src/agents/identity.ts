// Which run a call belongs to where neither a header nor its body says so: what its prompt looks like. For router/create.
import type { PromptPrint } from '../core/dialect.ts';
import type { RunIdentity } from '../core/runs.ts';

/** Calls of one model whose prompts open alike are one run. Serves placing and order, never a budget. */
export function inferRun(model: string, print: PromptPrint | null): RunIdentity | null {
  if (print === null || print.opening === 0) return null;
  const run = `p${print.opening}:${model}`;
  return { run, agent: null, parent: null, source: 'inferred' };
}
