// What a caller does: calls one after the other, each when the one before has ended. For compose and player.
import type { CallSpec } from './call.ts';

export interface Script {
  /** When it begins; of a sub-agent, ms after the call that starts it has ended. */
  readonly startMs: number;
  /** Made as it is played, for a long session's prompts are large. */
  steps(): Iterable<ScriptStep>;
}

export interface ScriptStep {
  /** From the end of the step before, or from the script's start. */
  readonly thinkMs: number;
  readonly call: CallSpec;
  /** Sub-agents that the call's reply sets off; the next step waits for them. */
  readonly starts: readonly Script[];
}

export function single(startMs: number, call: CallSpec): Script {
  const step: ScriptStep = { thinkMs: 0, call, starts: [] };
  return { startMs, steps: () => [step] };
}
