// Decides which prompts count as alike: over the turns of one run, over runs of one program, over spellings. For placing calls.
import { describe, expect, it } from 'vitest';
import type { Dialect, PromptPrint } from '../../src/core/dialect.ts';
import { dialects } from '../../src/dialects/index.ts';
import { claudeCodeRequest, codexRequest } from '../fakes/agent-requests.ts';
import { parseCall } from '../fakes/call-parts.ts';
import { agentTools, prose } from '../fakes/chat-requests.ts';
import { bytesOf } from './json-bodies.ts';

const { 'openai-chat': chat, 'openai-completions': completions, 'openai-responses': responses } = dialects;
const { 'anthropic-messages': messages, 'anthropic-count-tokens': count } = dialects;

const printOf = (dialect: Dialect, body: object, indent?: number): PromptPrint => {
  const print = parseCall(dialect, bytesOf(JSON.stringify(body, null, indent))).print();
  if (print === null) throw new Error('no print');
  return print;
};

type Turn = { readonly ask: string; readonly turns: number; readonly system?: string };
const SYSTEM = prose(9_000, 3);
const TOOLS = agentTools(8, 900);

/** One program's conversation after some turns, in each dialect. */
const conversation: Record<'chat' | 'responses' | 'messages', (turn: Turn) => Record<string, unknown>> = {
  chat: ({ ask, turns, system = SYSTEM }) => ({
    model: 'm',
    temperature: turns / 10,
    tools: TOOLS,
    messages: [
      { role: 'system', content: system },
      { role: 'user', content: ask },
      ...Array.from({ length: turns }, (_, at) => [
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: `c${at}`, type: 'function', function: { name: 'read', arguments: '{}' } }],
        },
        { role: 'tool', tool_call_id: `c${at}`, content: prose(800, at + 1) },
      ]).flat(),
    ],
  }),
  responses: ({ ask, turns, system = SYSTEM }) => ({
    model: 'm',
    instructions: system,
    input: [
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: ask }] },
      ...Array.from({ length: turns }, (_, at) => [
        { type: 'function_call', call_id: `c${at}`, name: 'read', arguments: '{}' },
        { type: 'function_call_output', call_id: `c${at}`, output: prose(800, at + 1) },
      ]).flat(),
    ],
    tools: TOOLS,
  }),
  messages: ({ ask, turns, system = SYSTEM }) => ({
    model: 'm',
    max_tokens: 99,
    messages: [
      { role: 'user', content: ask },
      ...Array.from({ length: turns }, (_, at) => [
        { role: 'assistant', content: [{ type: 'tool_use', id: `t${at}`, name: 'read', input: {} }] },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: `t${at}`, content: prose(800, at + 1) }] },
      ]).flat(),
    ],
    system: [{ type: 'text', text: system }],
    tools: TOOLS.map(({ function: { name, description, parameters } }) => ({
      name,
      description,
      input_schema: parameters,
    })),
    metadata: { user_id: `u${turns}` },
  }),
};
const each = [
  ['chat', chat],
  ['responses', responses],
  ['messages', messages],
] as const;

describe('the print of a conversation', () => {
  it.each(each)('%s: is one over all turns of a run', (name, dialect) => {
    const first = printOf(dialect, conversation[name]({ ask: 'fix the test', turns: 0 }));
    for (const turns of [1, 2, 40])
      expect(printOf(dialect, conversation[name]({ ask: 'fix the test', turns }))).toEqual(first);
    expect(first.common).toBeGreaterThan(0);
    expect(first.opening).toBeGreaterThan(0);
    expect(first.opening).not.toBe(first.common);
  });

  it.each(each)('%s: two runs of one program have the common part alone in common', (name, dialect) => {
    const one = printOf(dialect, conversation[name]({ ask: 'fix the test', turns: 3 }));
    const other = printOf(dialect, conversation[name]({ ask: 'write the docs', turns: 3 }));
    expect(other.common).toBe(one.common);
    expect(other.opening).not.toBe(one.opening);
  });

  it.each(each)(
    '%s: another program, by its instructions or one of its tools, has nothing in common',
    (name, dialect) => {
      const made = conversation[name]({ ask: 'fix the test', turns: 1 });
      const one = printOf(dialect, made);
      const told = printOf(dialect, conversation[name]({ ask: 'fix the test', turns: 1, system: `${SYSTEM}.` }));
      const armed = printOf(dialect, { ...made, tools: (made['tools'] as object[]).slice(1) });
      const bare = printOf(dialect, { ...made, tools: undefined });
      expect(new Set([one, told, armed, bare].map(({ common }) => common)).size).toBe(4);
      expect(new Set([one, told, armed, bare].map(({ opening }) => opening)).size).toBe(4);
    },
  );

  it('a text and a list with that one text are the same, as are marks of what is cached and white space', () => {
    const cached = { cache_control: { type: 'ephemeral' } };
    const made = conversation.messages({ ask: 'fix the test', turns: 2 }) as { messages: object[]; tools: object[] };
    const one = printOf(messages, made);
    const blocks = [
      { role: 'user', content: [{ type: 'text', text: 'fix the test', ...cached }] },
      ...made.messages.slice(1),
    ];
    const marked = made.tools.map((tool, at) => (at === made.tools.length - 1 ? { ...tool, ...cached } : tool));
    expect(printOf(messages, { ...made, messages: blocks, system: SYSTEM, tools: marked })).toEqual(one);
    expect(printOf(messages, { ...made, system: [{ ...cached, type: 'text', text: SYSTEM }] })).toEqual(one);
    const { common } = printOf(messages, { ...made, tools: undefined });
    expect(printOf(messages, { ...made, tools: undefined }, 2).common).toBe(common);
  });

  it('Claude Code: attribution that changes with every call does not count, wherever tools and messages stand', () => {
    const body = claudeCodeRequest('m').body as { system: { text: string }[]; messages: object[] };
    const one = printOf(messages, body);
    const [attribution, ...system] = body.system;
    for (const text of [attribution!.text.replace('00000', 'a91f3'), 'x-anthropic-billing-header: cc_version=9'])
      expect(printOf(messages, { ...body, system: [{ type: 'text', text }, ...system] })).toEqual(one);
    expect(printOf(messages, { ...body, system })).toEqual(one);
    expect(printOf(messages, Object.fromEntries(Object.entries(body).reverse()))).toEqual(one);
    expect(printOf(messages, { ...body, messages: [...body.messages, { role: 'user', content: 'next' }] })).toEqual(
      one,
    );
    expect(printOf(messages, { ...body, system: [attribution, { type: 'text', text: 'You help.' }] }).common).not.toBe(
      one.common,
    );
  });

  it('Codex: instructions of its developer are common, the user’s items open the run', () => {
    const body = codexRequest('m').body as { input: object[] };
    const [developer, user, ...rest] = body.input;
    const one = printOf(responses, body);
    expect(printOf(responses, { ...body, input: [developer, user] })).toEqual(one);
    const other = printOf(responses, { ...body, input: [developer, { role: 'user', content: 'else' }, ...rest] });
    expect(other.common).toBe(one.common);
    expect(other.opening).not.toBe(one.opening);
    expect(printOf(responses, { ...body, input: [user, ...rest] }).common).not.toBe(one.common);
  });

  it('where a first message holds what all runs in one place share, the ones behind it tell them apart', () => {
    const place = { role: 'user', content: `<environment>${prose(600)}</environment>` };
    const asks = (content: string) => ({ model: 'm', messages: [place, { role: 'user', content }] });
    expect(printOf(chat, asks('a')).opening).not.toBe(printOf(chat, asks('b')).opening);
  });

  it('a greeting of the model before the first message does not hide it', () => {
    const asks = (content: string) => ({
      model: 'm',
      messages: [
        { role: 'assistant', content: 'Hi!' },
        { role: 'user', content },
      ],
    });
    expect(printOf(chat, asks('a')).opening).not.toBe(0);
    expect(printOf(chat, asks('a')).opening).not.toBe(printOf(chat, asks('b')).opening);
  });

  it('pictures in the first message count, and what is no message does no harm', () => {
    const asks = (url: string) => ({
      model: 'm',
      messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }],
    });
    expect(printOf(chat, asks('data:a')).opening).not.toBe(printOf(chat, asks('data:b')).opening);
    for (const odd of [
      null,
      7,
      'x',
      {},
      [],
      [7],
      [[{}]],
      [{ role: 'user' }],
      [{ role: 'user', content: [7, null, []] }],
    ])
      expect(printOf(chat, { model: 'm', messages: odd }).common).toBe(0);
    expect(printOf(chat, { model: 'm', messages: [] })).toEqual({ common: 0, opening: 0 });
    expect(printOf(responses, { model: 'm', previous_response_id: 'r' })).toEqual({ common: 0, opening: 0 });
  });

  it('a text completion shares the beginning of a long prompt and names no run; a count shares nothing', () => {
    const asks = (prompt: unknown) => parseCall(completions, bytesOf(JSON.stringify({ model: 'm', prompt }))).print();
    const template = prose(1_500);
    const one = asks(`${template}Q: a`);
    expect(one).toEqual({ common: expect.any(Number), opening: 0 });
    expect(asks(`${template}Q: b, and longer`)).toEqual(one);
    expect(asks(`!${template}`)).not.toEqual(one);
    for (const none of ['short', [1, 2, 3], ['a', 'b']]) expect(asks(none)).toBe(null);
    expect(parseCall(count, bytesOf('{"model":"m","messages":[{"role":"user","content":"x"}]}')).print()).toBe(null);
  });
});
