// Decides which calls go on with a tool loop: their newest message is a tool's answer. For every generating dialect.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dialects } from '../../src/dialects/index.ts';
import { claudeCodeRequest, codexRequest } from '../fakes/agent-requests.ts';
import { parseCall } from '../fakes/call-parts.ts';
import { agentBody } from '../fakes/chat-requests.ts';
import { bytesOf, spelled } from './json-bodies.ts';

const {
  'openai-chat': chat,
  'openai-completions': completions,
  'openai-responses': responses,
  'anthropic-messages': messages,
  'anthropic-count-tokens': count,
} = dialects;

type Part = { readonly role?: unknown; readonly type?: unknown; readonly content?: unknown };
const instructs = ({ role }: Part) => role === 'system' || role === 'developer';

/** The same question to the parsed list. More instructions at the end than any client sends leave it open. */
function newest(list: readonly Part[]): Part | undefined {
  const at = list.findLastIndex((part) => !instructs(part));
  return list.length - 1 - at > 4 ? undefined : list[at];
}
const reference = {
  messages: (list: readonly Part[]) => ['tool', 'function'].includes(newest(list)?.role as string),
  input: (list: readonly Part[]) => {
    const type = newest(list)?.type;
    return typeof type === 'string' && type.length <= 64 && type.endsWith('_output');
  },
  blocks(list: readonly Part[]) {
    const last = newest(list);
    const first = Array.isArray(last?.content) ? (last.content[0] as Part | undefined) : undefined;
    return last?.role === 'user' && first?.type === 'tool_result';
  },
};

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    '"role":"tool"',
    '\\"}],"role":"tool"',
    ']}{[',
    '\\',
    '"',
    'é👋'.repeat(200),
    'tool_result',
    '\u2028',
  ),
);
const role = fc.constantFrom('user', 'assistant', 'tool', 'function', 'system', 'developer', 'Tool', '', 7, null);
const type = fc.constantFrom(
  'text',
  'tool_result',
  'message',
  'function_call',
  'function_call_output',
  'custom_tool_call_output',
  'reasoning',
  `${'x'.repeat(60)}_output`,
  null,
);
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.oneof(text, fc.integer(), fc.constant(null)),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('role', 'type', 'content', 'a'), tie('value'), { maxKeys: 3 }),
  ),
}));
const block = fc.record({ type, text: text, content: value }, { requiredKeys: [] });
const message = fc
  .tuple(
    fc.record(
      { role, type, content: fc.oneof(text, fc.array(block, { maxLength: 3 }), value), name: text },
      { requiredKeys: [] },
    ),
    fc.boolean(),
  )
  .map(([made, turned]) => (turned ? Object.fromEntries(Object.entries(made).reverse()) : made));
/** A list as JSON, in some spacing and with some of its short strings in escapes. */
const listText = fc
  .tuple(fc.array(message, { maxLength: 7 }), fc.constantFrom(undefined, 1, '\t'))
  .chain(([list, indent]) =>
    fc.record({
      list: fc.constant(list as readonly Part[]),
      json: fc.tuple(spelled('role'), spelled('tool'), spelled('type')).map(([roleKey, tool, typeKey]) =>
        JSON.stringify(list, null, indent)
          .replaceAll(/(?<=[{,]\s*)"role"(?=:)/g, roleKey)
          .replaceAll(/(?<=[{,]\s*)"type"(?=:)/g, typeKey)
          .replaceAll(/(?<=: ?)"tool"(?=[,}\s])/g, tool),
      ),
    }),
  );

describe('a tool loop', () => {
  it.each([
    [chat, 'messages', reference.messages],
    [responses, 'input', reference.input],
    [messages, 'messages', reference.blocks],
  ] as const)('%# property: it is seen as a parser would see it', (dialect, key, answers) => {
    fc.assert(
      fc.property(listText, fc.boolean(), ({ list, json }, last) => {
        const model = '"model":"m"';
        const member = `"${key}":${json}`;
        const body = `{${last ? `${model},${member}` : `${member} , ${model}`}}`;
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(list)));
        expect(parseCall(dialect, bytesOf(body)).answersTool).toBe(answers(list));
      }),
      { numRuns: 2_000 },
    );
  });

  const parsed = (dialect: typeof chat, body: object) => parseCall(dialect, bytesOf(JSON.stringify(body)));

  it('real agents: the loop goes on after a tool, a person’s text begins a turn', () => {
    expect(parsed(chat, agentBody(40_000)).answersTool).toBe(true);
    const { messages: said, ...rest } = agentBody(40_000) as { messages: object[] };
    expect(parsed(chat, { ...rest, messages: [...said, { role: 'user', content: 'and now?' }] }).answersTool).toBe(
      false,
    );

    const codex = codexRequest('m').body as { input: object[] };
    expect(parsed(responses, codex).answersTool).toBe(true);
    const asks = { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'next' }] };
    expect(parsed(responses, { ...codex, input: [...codex.input, asks] }).answersTool).toBe(false);

    const claude = claudeCodeRequest('m').body as { messages: object[] };
    expect(parsed(messages, claude).answersTool).toBe(false);
    expect(parsed(messages, { ...claude, messages: claude.messages.slice(0, -1) }).answersTool).toBe(true);
  });

  it('reminders behind a tool’s answer are no turn, in the same message or as instructions', () => {
    const result = { type: 'tool_result', tool_use_id: 't', content: 'ok' };
    const reminder = { type: 'text', text: '<system-reminder>' };
    const said = [
      { role: 'user', content: [result, reminder] },
      { role: 'system', content: 'Be brief.' },
    ];
    expect(parsed(messages, { model: 'm', max_tokens: 1, messages: said }).answersTool).toBe(true);
  });

  it('what has no messages, or only asks how long they are, answers no tool', () => {
    expect(parsed(completions, { model: 'm', prompt: 'x' }).answersTool).toBe(false);
    expect(parsed(responses, { model: 'm', input: 'x' }).answersTool).toBe(false);
    expect(parsed(responses, { model: 'm', previous_response_id: 'r' }).answersTool).toBe(false);
    const said = [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 't' }] }];
    expect(parsed(count, { model: 'm', messages: said }).answersTool).toBe(false);
    for (const wrong of [null, 7, 'x', {}]) {
      expect(parsed(messages, { model: 'm', max_tokens: 1, messages: wrong }).answersTool).toBe(false);
      expect(parsed(chat, { model: 'm', messages: wrong }).answersTool).toBe(false);
    }
  });
});
