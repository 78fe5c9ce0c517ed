// What a message's stop reason says of what comes next. For whole replies and streams alike.
import type { Stop } from '../core/runs.ts';

/** Programs that read tools' names out of the text use stop sequences too, so `stop_sequence` says nothing. */
export function stopOf(reason: string): Stop {
  if (reason === 'tool_use') return 'tool_use';
  return reason === 'end_turn' ? 'end_turn' : 'other';
}
