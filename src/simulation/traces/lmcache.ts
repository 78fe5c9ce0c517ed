// Reads agents' calls by their lengths in characters (lmcache-agent-trace): coding loops, teams, dialogues. For replay and compose.
import type { AgentCall, AgentSession } from './forms.ts';
import { objectsOf, type Row } from './lines.ts';

const CHARS_PER_TOKEN = 4;
const BLOCK_TOKENS = 64;

/** A call's time is its logging time, so the gap to the one before is taken for thinking, though part of it may be the call. */
export function readLmcache(text: string): AgentSession[] {
  const sessions = new Map<string, Row[]>();
  for (const row of objectsOf('LMCache', text)) {
    const id = `${row.text('agent')}-${row.text('session')}`;
    const rows = sessions.get(id);
    if (rows === undefined) sessions.set(id, [row]);
    else rows.push(row);
  }
  return [...sessions].map(([id, rows]) => ({
    id,
    blockTokens: BLOCK_TOKENS,
    toolTokens: 0,
    systemTokens: 0,
    calls: callsOf(rows),
  }));
}

function callsOf(rows: readonly Row[]): AgentCall[] {
  let beforeMs = 0;
  let nextBlock = 0;
  return rows.map((row, at) => {
    const inputTokens = Math.max(1, Math.ceil(row.number('in_chars') / CHARS_PER_TOKEN));
    const blocks = Math.floor(inputTokens / BLOCK_TOKENS);
    const shared = Math.floor(row.number('shared_prefix_chars') / CHARS_PER_TOKEN / BLOCK_TOKENS);
    const keep = at === 0 ? 0 : Math.min(blocks, shared);
    const first = nextBlock;
    nextBlock += blocks - keep;
    const atMs = row.number('t_s') * 1000;
    const thinkMs = Math.max(0, atMs - beforeMs);
    beforeMs = atMs;
    return {
      thinkMs,
      inputTokens,
      outputTokens: Math.max(1, Math.ceil(row.number('out_chars') / CHARS_PER_TOKEN)),
      // A loop goes on by itself from its second call on.
      answersTool: at > 0,
      stop: at + 1 < rows.length ? 'tool_use' : 'end_turn',
      keep,
      runs: blocks > keep ? [[first, blocks - keep]] : [],
      tookMs: null,
      starts: [],
    };
  });
}
