// Sessions of agents made by seed in the shape of recorded coding sessions: long prompts that grow, tools, pauses. For tests.
import type { Random } from '../../../src/core/runtime.ts';
import { exponential, stream, weighted } from '../../../src/simulation/chance.ts';
import type { AgentCall, AgentSession } from '../../../src/simulation/traces/forms.ts';

const BLOCK_TOKENS = 64;
/** Agent programs, each with tools and a system prompt of its own. */
const PROGRAMS = 4;
const CALLS = 40;
/** Of calls, those that end a turn, so that a person is waited for. */
const TURN_ENDS = 0.08;
const TOOL_MS = 9_000;
const PERSON_MS = 90_000;
/** Of calls, those before which the program cleared something near the beginning: in recorded sessions 2 %, and a third of all reading. */
const CLEARS = 0.02;

export function agentSessions(count: number, seed: number): AgentSession[] {
  const random = stream(seed, 'agent sessions');
  return Array.from({ length: count }, (_, at) => session(`s${at}`, random));
}

function session(id: string, random: Random): AgentSession {
  const program = Math.floor(random() * PROGRAMS);
  let inputTokens = Math.round(25_000 + exponential(random, 35_000));
  let endsTurn = true;
  let blocks = 0;
  let ids = 0;
  const calls = Array.from({ length: CALLS }, (): AgentCall => {
    const keep = random() < CLEARS ? Math.floor(blocks * 0.5 * random()) : blocks;
    blocks = Math.floor(inputTokens / BLOCK_TOKENS);
    const first = ids;
    ids += blocks - keep;
    const answersTool = !endsTurn;
    endsTurn = random() < TURN_ENDS;
    const outputTokens = 20 + Math.round(exponential(random, 350));
    const call: AgentCall = {
      thinkMs: exponential(random, answersTool ? TOOL_MS : PERSON_MS),
      inputTokens,
      outputTokens,
      answersTool,
      stop: endsTurn ? 'end_turn' : 'tool_use',
      keep,
      runs: [[first, blocks - keep]],
      tookMs: null,
      starts: [],
    };
    // What a tool answers is short as a rule, and a file now and then.
    const answer = exponential(random, weighted(random, [0.9, 0.1]) === 0 ? 700 : 8_000);
    inputTokens = Math.min(180_000, Math.round(inputTokens + outputTokens + answer));
    return call;
  });
  return { id, blockTokens: BLOCK_TOKENS, toolTokens: 11_000 + 64 * program, systemTokens: 3_000, calls };
}
