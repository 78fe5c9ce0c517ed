// Finds the newest part of a conversation and what tells it from others. For the generating dialects.
import type { PromptPrint } from '../core/dialect.ts';
import {
  entryBefore,
  firstEntry,
  firstMember,
  isString,
  isText,
  memberAt,
  memberValue,
  nextEntry,
  valueEnd,
} from '../wire/entries.ts';
import { finishedPrint, printSpan } from '../wire/print.ts';
import type { Field } from '../wire/scan.ts';

/** Behind the newest message, clients put at most a few that only instruct. */
const MOST_INSTRUCTIONS = 4;
/** Leading messages of a user that tell one run from others: a first one often holds what all runs in a place share. */
const MOST_OPENING = 4;
const SEED = 0x53_50_49_4c;
/** Claude Code's first block: a version and a checksum that may change with every call. */
const ATTRIBUTION = 'x-anthropic-billing-header';

/** A message that instructs the model, wherever it stands. */
const instructs = (body: Uint8Array, at: number): boolean => {
  const role = memberAt(body, at, 'role');
  return isText(body, role, 'system') || isText(body, role, 'developer');
};

/** The last entry of a list of messages that is no instruction; -1 where there is none. */
export function newestMessage(body: Uint8Array, list: Field | undefined): number {
  if (list?.kind !== 'array') return -1;
  let at = list.lastEntry;
  for (let passed = 0; at >= 0 && instructs(body, at); passed++) {
    if (passed === MOST_INSTRUCTIONS) return -1;
    at = entryBefore(body, list.start, at);
  }
  return at;
}

export interface ConversationParts {
  readonly tools: readonly (Field | undefined)[];
  /** Instructions that stand apart from the messages. */
  readonly system: Field | undefined;
  readonly messages: Field | undefined;
}

/**
 * The print of tools, of instructions that stand apart, and of a list's leading instructions and user messages. White space
 * between members, `cache_control`, attribution and the form of a text (a string, or a list of blocks) do not count.
 */
export function conversationPrint(body: Uint8Array, { tools, system, messages }: ConversationParts): PromptPrint {
  let print = SEED;
  for (const list of tools) if (list?.kind === 'array') print = printEntries(print, body, list.start);
  if (system !== undefined) print = printContent(print, body, system.start);
  let at = messages === undefined ? -1 : firstEntry(body, messages.start);
  for (; at >= 0 && instructs(body, at); at = nextEntry(body, valueEnd(body, at)))
    print = printContent(print, body, memberAt(body, at, 'content'));
  const common = print;
  if (messages?.kind === 'string') print = printContent(print, body, messages.start);
  for (let seen = 0; seen < MOST_OPENING && at >= 0; seen++, at = nextEntry(body, valueEnd(body, at))) {
    if (isText(body, memberAt(body, at, 'role'), 'user'))
      print = printContent(print, body, memberAt(body, at, 'content'));
    // Some conversations open with the model's greeting.
    else if (print !== common) break;
  }
  return {
    common: common === SEED ? 0 : finishedPrint(common),
    opening: print === common ? 0 : finishedPrint(print),
  };
}

/** A text, or a list of blocks; each text is printed without its quotes, so both forms are one. */
function printContent(seed: number, body: Uint8Array, at: number): number {
  if (isString(body, at)) return printText(seed, body, at);
  let print = seed;
  if (at < 0) return print;
  for (let block = firstEntry(body, at); block >= 0; block = nextEntry(body, valueEnd(body, block))) {
    const text = isString(body, block) ? block : memberAt(body, block, 'text');
    print = isString(body, text) ? printText(print, body, text) : printMembers(print, body, block);
  }
  return print;
}

function printText(seed: number, body: Uint8Array, quote: number): number {
  const end = valueEnd(body, quote) - 1;
  for (let i = 0; i < ATTRIBUTION.length; i++)
    if (body[quote + 1 + i] !== ATTRIBUTION.charCodeAt(i)) return printSpan(seed, body, quote + 1, end);
  return seed;
}

function printEntries(seed: number, body: Uint8Array, list: number): number {
  let print = seed;
  for (let at = firstEntry(body, list); at >= 0; at = nextEntry(body, valueEnd(body, at)))
    print = printMembers(print, body, at);
  return print;
}

/** Each member of an object but for its mark of what is cached. */
function printMembers(seed: number, body: Uint8Array, open: number): number {
  let print = seed;
  let key = firstMember(body, open);
  if (key < 0) return printSpan(print, body, open, valueEnd(body, open));
  while (key >= 0) {
    const keyEnd = valueEnd(body, key);
    const value = memberValue(body, keyEnd);
    const end = valueEnd(body, value);
    if (!isText(body, key, 'cache_control')) print = printSpan(printSpan(print, body, key, keyEnd), body, value, end);
    key = nextEntry(body, end);
  }
  return print;
}
