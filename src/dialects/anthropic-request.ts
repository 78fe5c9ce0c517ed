// What both of Anthropic's dialects read of a body, and what the call needs of a target. For messages and count_tokens.
import type { BodyLimits, CallHead } from '../core/dialect.ts';
import type { Capability } from '../core/names.ts';
import { firstEntry, isText, memberAt } from '../wire/entries.ts';
import { fieldOf, parseSpan } from '../wire/json-view.ts';
import type { Field, ScannedObject } from '../wire/scan.ts';
import { forwardedHeaders, forwardedQuery } from './anthropic-head.ts';
import { conversationPrint, newestMessage } from './conversation.ts';
import { missing, readModel, scanBody } from './fields.ts';
import { Prompt, type PromptForm } from './prompt.ts';
import { renamed } from './same-form.ts';
import { part } from './values.ts';

/** One body of either dialect. */
export interface Asked {
  readonly model: string;
  readonly scan: ScannedObject;
  readonly prompt: Prompt;
  readonly headers: readonly string[];
  /** With its leading "?"; empty when none of it goes on. */
  readonly query: string;
  /** A field as a value; undefined where there is none. */
  value(key: string): unknown;
  bodyFor(servedModel: string): Uint8Array;
}

const PROMPT: PromptForm = {
  read: ['messages', 'system', 'tools'],
  grows: 'messages',
  /** The API wants results before all else in a message; what clients put behind them, reminders mostly, is no turn. */
  answersTool(scan) {
    const newest = newestMessage(scan, fieldOf(scan, 'messages'));
    if (!isText(scan, memberAt(scan, newest, 'role'), 'user')) return false;
    const content = memberAt(scan, newest, 'content');
    return isText(scan, memberAt(scan, firstEntry(scan, content), 'type'), 'tool_result');
  },
  print: (scan) =>
    conversationPrint(scan, {
      tools: [fieldOf(scan, 'tools')],
      system: fieldOf(scan, 'system'),
      messages: fieldOf(scan, 'messages'),
    }),
};

export function readAsked(body: Uint8Array, limits: BodyLimits, head: CallHead): Asked {
  const scan = scanBody(body, limits);
  const { model, field } = readModel(body, scan);
  if (fieldOf(scan, 'messages') === undefined) throw missing('messages', 'the conversation as a list');
  return {
    model,
    scan,
    prompt: new Prompt(scan, PROMPT),
    headers: forwardedHeaders(head),
    query: forwardedQuery(head),
    value: (key) => parsed(body, fieldOf(scan, key)),
    bodyFor: (served) => renamed(body, field, model, served),
  };
}

function parsed(body: Uint8Array, field: Field | undefined): unknown {
  return field === undefined ? undefined : parseSpan(body, field.start, field.end);
}

/** Parses: read only for targets that declare what they can do. */
export function needsOf(asked: Asked): readonly Capability[] {
  const found: Capability[] = [];
  const tools = asked.value('tools');
  if (Array.isArray(tools) && tools.length > 0) found.push('tools');
  const formats = [part(asked.value('output_config'), 'format'), asked.value('output_format')];
  if (formats.some((format) => part(format, 'type') === 'json_schema')) found.push('schema');
  if (hasImage(asked.value('messages'))) found.push('vision');
  return found;
}

/** Images stand in messages, in tool results and in documents made of blocks. */
function hasImage(blocks: unknown): boolean {
  if (!Array.isArray(blocks)) return false;
  return blocks.some(
    (block) =>
      part(block, 'type') === 'image' ||
      hasImage(part(block, 'content')) ||
      hasImage(part(part(block, 'source'), 'content')),
  );
}

/** A container that exists, or a thread that goes on, is known to the account that made it and to no other. */
export function isStored(asked: Asked): boolean {
  const container = asked.value('container');
  if (typeof container === 'string' || typeof part(container, 'id') === 'string') return true;
  const thread = part(asked.value('thread'), 'type');
  return thread !== undefined && thread !== 'create';
}
