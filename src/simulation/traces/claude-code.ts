// Reads recorded sessions of Claude Code (kv-cache-tester, blocks re-encoded as `keep` and `runs`). For replay and compose.
import type { Stop } from '../../core/runs.ts';
import type { AgentCall, AgentSession } from './forms.ts';
import { objectsOf, type Row, rowOf } from './lines.ts';

const FORMAT = 'Claude Code';

type Draft = { -readonly [key in keyof AgentCall]: AgentCall[key] } & { starts: AgentCall['starts'][number][] };

export function readClaudeCode(text: string): AgentSession[] {
  return [...objectsOf(FORMAT, text)].map((row) => session(row, row.text('id'), row.number('block_size')));
}

function session(row: Row, id: string, blockTokens: number): AgentSession {
  const calls: Draft[] = [];
  /** When the call before ended, ms from the session's start. */
  let endedMs = 0;
  for (const entry of row.list('requests')) {
    const call = rowOf(FORMAT, row.line, entry);
    const atMs = call.number('t') * 1000;
    if (call.text('type') === 'subagent') {
      const started = {
        afterMs: Math.max(0, atMs - endedMs),
        session: session(call, `${id}/${call.text('agent_id')}`, blockTokens),
      };
      // One that stands before the first call has nobody who could have started it.
      calls.at(-1)?.starts.push(started);
      continue;
    }
    const took = call.optional('api_time');
    const think = call.optional('think_time');
    calls.push({
      thinkMs: think === null ? Math.max(0, atMs - endedMs) : think * 1000,
      inputTokens: call.number('in'),
      outputTokens: call.number('out'),
      answersTool: call.list('input_types').includes('tool_result'),
      stop: stopOf(call.text('stop')),
      keep: call.number('keep'),
      runs: runsOf(call),
      tookMs: took === null ? null : took * 1000,
      starts: [],
    });
    endedMs = atMs + (took ?? 0) * 1000;
  }
  return { id, blockTokens, toolTokens: row.number('tool_tokens'), systemTokens: row.number('system_tokens'), calls };
}

function stopOf(stop: string): Stop {
  return stop === 'tool_use' || stop === 'end_turn' ? stop : 'other';
}

function runsOf(call: Row): AgentCall['runs'] {
  return call.list('runs').map((run) => {
    if (!Array.isArray(run) || run.length !== 2 || !run.every((one) => Number.isSafeInteger(one) && one >= 0))
      throw call.wrong('runs', 'a list of [first, count]');
    return [run[0] as number, run[1] as number] as const;
  });
}
