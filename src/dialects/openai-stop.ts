// What the finish reasons of chat and text completions say of what comes next. For whole replies and streams alike.
import type { Stop } from '../core/runs.ts';

/** A stop sequence reads as `stop` here, so the end of a text is as near as one gets to the end of a turn. */
function stopOf(reason: string): Stop {
  if (reason === 'tool_calls' || reason === 'function_call') return 'tool_use';
  return reason === 'stop' ? 'end_turn' : 'other';
}

/** Of several choices one that asks for a tool decides, else the first. */
export function stopWith(before: Stop | null, reason: string): Stop {
  const stop = stopOf(reason);
  return before === null || stop === 'tool_use' ? stop : before;
}
