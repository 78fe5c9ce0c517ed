// One traffic in two forms: as requests for a real router before demo workers, and as scripts for the simulator. For the
// comparison of both.

import type { Random } from '../../../src/core/runtime.ts';
import { blockHashes } from '../../../src/demo/prefix-cache.ts';
import { messagesOf, promptIdsOf } from '../../../src/demo/prompt.ts';
import { exponential, mixed, stream } from '../../../src/simulation/chance.ts';
import type { Script } from '../../../src/simulation/script.ts';
import { callsAt } from './arrivals.ts';

export interface TrafficCall {
  readonly atMs: number;
  readonly body: {
    readonly model: string;
    readonly stream: true;
    readonly stream_options: { readonly include_usage: true };
    readonly max_tokens: number;
    readonly messages: readonly { readonly role: string; readonly content: string }[];
  };
  readonly program: number;
  readonly session: number;
}

const PROGRAMS = 6;
/** Of a demo worker's prefix cache. */
const BLOCK_TOKENS = 16;
/** The shortest answer that nothing cuts is longer, so an answer has exactly as many tokens as it may. */
const MOST_ANSWER_TOKENS = 60;

/** Sessions of one to four turns begin at random; their prompts open with one of six system prompts and grow turn by turn. */
export function sessionCalls(sessions: number, overMs: number, seed: number): TrafficCall[] {
  const random = stream(seed, 'same traffic');
  const between = (least: number, most: number) => Math.round(least + random() * (most - least));
  const systems = Array.from({ length: PROGRAMS }, () => words(random, between(200, 1_200)));
  const calls: TrafficCall[] = [];
  let startMs = 0;
  for (let session = 0; session < sessions; session++) {
    startMs += exponential(random, overMs / sessions);
    const program = Math.floor(random() * PROGRAMS);
    const messages = [{ role: 'system', content: systems[program]! }];
    let atMs = startMs;
    for (let turn = between(1, 4); turn > 0; turn--) {
      messages.push({ role: 'user', content: words(random, between(30, 400)) });
      const body = {
        model: 'chat',
        stream: true,
        stream_options: { include_usage: true },
        max_tokens: between(5, MOST_ANSWER_TOKENS),
        messages: [...messages],
      } as const;
      calls.push({ atMs, body, program, session });
      messages.push({ role: 'assistant', content: words(random, between(5, 40)) });
      atMs += between(3_000, 8_000);
    }
  }
  return calls.sort((a, b) => a.atMs - b.atMs);
}

function words(random: Random, count: number): string {
  const letters = () => Array.from({ length: 5 }, () => String.fromCharCode(97 + Math.floor(random() * 26))).join('');
  return Array.from({ length: count }, letters).join(' ');
}

/** As a demo worker counts them. */
export function tokensOf({ body }: TrafficCall): readonly number[] {
  return promptIdsOf(messagesOf({ messages: body.messages }), undefined);
}

/** As the simulator plays them: tokens and cache blocks as demo workers count them, runs known by their prompts alone. */
export function scriptsOf(calls: readonly TrafficCall[]): Script[] {
  return callsAt(
    calls.map(({ atMs }) => atMs),
    (at) => {
      const { body, program, session } = calls[at]!;
      const ids = tokensOf(calls[at]!);
      return {
        tenant: 'default',
        inputTokens: ids.length,
        outputTokens: body.max_tokens,
        stop: 'other',
        blocks: blockHashes(ids, BLOCK_TOKENS),
        blockTokens: BLOCK_TOKENS,
        print: { common: mixed(1, `program ${program}`), opening: mixed(1, `session ${session}`) },
      };
    },
  );
}
