// By which bytes the dialects tell that a conversation was changed before its end. For src/dialects/prompt, as placing asks it.
import { describe, expect, it } from 'vitest';
import type { Dialect, PromptMarks } from '../../src/core/dialect.ts';
import { dialects } from '../../src/dialects/index.ts';
import { sharedShare } from '../../src/wire/marks.ts';
import { parseCall } from '../fakes/call-parts.ts';
import { agentTools, prose } from '../fakes/chat-requests.ts';
import { bytesOf } from './json-bodies.ts';

const CLEARED = '[Old tool result content cleared]';
/** A conversation whose tools answered so often; the answers of `cleared` were taken out again to make room. */
const answers = (turns: number, cleared: readonly number[]) =>
  Array.from({ length: turns }, (_, at) => (cleared.includes(at) ? CLEARED : prose(3_000, at + 1)));

const bodies: readonly [string, Dialect, (turns: number, cleared: readonly number[]) => object][] = [
  [
    'messages',
    dialects['anthropic-messages'],
    (turns, cleared) => ({
      system: prose(9_000, 3),
      tools: agentTools(8, 900),
      max_tokens: 100,
      messages: answers(turns, cleared).flatMap((content, at) => [
        {
          role: 'user',
          content: [{ type: 'tool_result', tool_use_id: `t${at}`, content, ...marked(at === turns - 1) }],
        },
        { role: 'assistant', content: [{ type: 'tool_use', id: `t${at + 1}`, name: 'read', input: {} }] },
      ]),
    }),
  ],
  [
    'chat',
    dialects['openai-chat'],
    (turns, cleared) => ({
      messages: answers(turns, cleared).map((content, at) => ({ role: 'tool', tool_call_id: `c${at}`, content })),
    }),
  ],
  [
    'responses',
    dialects['openai-responses'],
    (turns, cleared) => ({
      input: answers(turns, cleared).map((output, at) => ({ type: 'function_call_output', call_id: `c${at}`, output })),
    }),
  ],
  ['completions', dialects['openai-completions'], (turns, cleared) => ({ prompt: answers(turns, cleared).join('\n') })],
];

/** Clients mark what is to be cached, at the end of what they send. */
function marked(isLast: boolean): object {
  return isLast ? { cache_control: { type: 'ephemeral' } } : {};
}

describe.each(bodies)('%s', (_, dialect, body) => {
  const marks = (turns: number, cleared: readonly number[] = []): PromptMarks | null =>
    parseCall(dialect, bytesOf(JSON.stringify({ model: 'm', ...body(turns, cleared) }))).marks?.() ?? null;

  it('a conversation that goes on has all that it had', () => {
    expect(sharedShare(marks(20)!, marks(21)!)).toBe(1);
    expect(sharedShare(marks(20)!, marks(60)!)).toBe(1);
  });

  it('one from which an answer was cleared has what stood before it', () => {
    const share = sharedShare(marks(20)!, marks(21, [6])!);
    expect(share).toBeGreaterThan(0.2);
    expect(share).toBeLessThanOrEqual(0.31);
    expect(sharedShare(marks(20)!, marks(21, [0])!)).toBe(0);
  });

  it('a short one is not looked at', () => {
    expect(marks(2)).toBe(null);
  });
});
