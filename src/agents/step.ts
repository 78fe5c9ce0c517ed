// What kind of step of an agent program a call is. For policy's rungs that serve some kinds only, and for logs.
import type { ParsedCall } from '../core/dialect.ts';
import type { StepKind } from '../core/runs.ts';

/** `said` is what the agent program itself says of the call, where it does; nothing is guessed from words in a prompt. */
export function stepOf(call: Pick<ParsedCall, 'answersTool'>, said: StepKind | null): StepKind {
  return said ?? (call.answersTool ? 'tool_loop' : 'turn');
}
