// Which run a call belongs to where neither a header nor its body says so: the reply that it goes on with, or what its prompt
// looks like. For router.
import type { PromptPrint } from '../core/dialect.ts';
import type { RunIdentity } from '../core/runs.ts';

/** Calls of one model whose prompts open alike are one run. Serves placing and order, never a budget. */
export function inferRun(model: string, print: PromptPrint | null): RunIdentity | null {
  if (print === null || print.opening === 0) return null;
  const run = `p${print.opening}:${model}`;
  return { run, agent: null, parent: null, source: 'inferred' };
}

/** A run that is known by one of its replies only: the first that we see of a chain. */
export function chainRun(reply: string): RunIdentity {
  return { run: reply, agent: null, parent: null, source: 'inferred' };
}
