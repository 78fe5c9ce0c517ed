// Which tokens a conversation is. For chat and /tokenize.
// Each part is encoded by itself, tools first, so that a later turn begins with exactly the tokens of the earlier one.
import { badRequest } from './errors.ts';
import { type Body, isObject } from './fields.ts';
import { encode } from './tokenizer.ts';

export interface Message {
  readonly role: string;
  readonly text: string;
  readonly name: string | undefined;
  readonly toolCallId: string | undefined;
  readonly toolCalls: readonly unknown[];
}

function textOfPart(part: unknown): string {
  if (typeof part === 'string') return part;
  if (!isObject(part) || typeof part['type'] !== 'string')
    throw badRequest('Each content part must have a type.', 'messages');
  if (typeof part['text'] === 'string') return part['text'];
  if (typeof part['refusal'] === 'string') return part['refusal'];
  // The kind stands for the picture or sound: its bytes are no tokens of the text.
  return `<|${part['type']}|>`;
}

function textOf(content: unknown): string {
  if (content === undefined || content === null) return '';
  if (typeof content === 'string') return content;
  if (Array.isArray(content)) return content.map(textOfPart).join('');
  throw badRequest('content must be a string or a list of content parts.', 'messages');
}

export function messagesOf(body: Body): Message[] {
  const { messages } = body;
  if (!Array.isArray(messages)) throw badRequest('messages must be a list.', 'messages');
  if (messages.length === 0) throw badRequest('messages must hold at least one message.', 'messages');
  return messages.map((message: unknown) => {
    if (!isObject(message) || typeof message['role'] !== 'string')
      throw badRequest('Each message must have a role.', 'messages');
    const { role, name, tool_call_id: id, tool_calls: calls } = message;
    return {
      role,
      text: textOf(message['content']),
      name: typeof name === 'string' ? name : undefined,
      toolCallId: typeof id === 'string' ? id : undefined,
      toolCalls: Array.isArray(calls) ? calls : [],
    };
  });
}

const END = encode('<|end|>\n');
const ANSWER = encode('<|assistant|>\n');

export function promptIdsOf(messages: readonly Message[], tools: unknown): number[] {
  const ids: number[] = [];
  // Spread arguments have a limit far below a long prompt's length.
  const add = (more: readonly number[]) => {
    for (const id of more) ids.push(id);
  };
  if (Array.isArray(tools) && tools.length > 0) {
    add(encode(`<|tools|>\n${JSON.stringify(tools)}\n`));
    add(END);
  }
  for (const message of messages) {
    add(message.role === 'assistant' ? ANSWER : encode(`<|${message.role}|>\n`));
    add(encode(message.text));
    if (message.toolCalls.length > 0) add(encode(JSON.stringify(message.toolCalls)));
    add(END);
  }
  add(ANSWER);
  return ids;
}

/** What the last tool message answered, and under which tool's name. */
export function lastToolResult(messages: readonly Message[]): { name: string; text: string } | undefined {
  const last = messages.at(-1);
  if (last?.role !== 'tool') return undefined;
  for (const { toolCalls } of messages) {
    for (const call of toolCalls) {
      if (!isObject(call) || call['id'] !== last.toolCallId || !isObject(call['function'])) continue;
      return { name: String(call['function']['name']), text: last.text };
    }
  }
  return { name: last.name ?? 'tool', text: last.text };
}

export function lastUserText(messages: readonly Message[]): string {
  return messages.findLast((message) => message.role === 'user')?.text ?? messages.at(-1)!.text;
}
