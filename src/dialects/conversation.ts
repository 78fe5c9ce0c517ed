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
import type { Field, ScannedObject } from '../wire/scan.ts';

/** Behind the newest message, clients put at most a few that only instruct. */
const MOST_INSTRUCTIONS = 4;
/** Leading messages of a user that tell one run from others: a first one often holds what all runs in a place share. */
const MOST_OPENING = 4;
const SEED = 0x53_50_49_4c;
/** Claude Code's first block: a version and a checksum that may change with every call. */
const ATTRIBUTION = 'x-anthropic-billing-header';

/** A message that instructs the model, wherever it stands. */
const instructs = (scan: ScannedObject, at: number): boolean => {
  const role = memberAt(scan, at, 'role');
  return isText(scan, role, 'system') || isText(scan, role, 'developer');
};

/** The last entry of a list of messages that is no instruction; -1 where there is none. */
export function newestMessage(scan: ScannedObject, list: Field | undefined): number {
  if (list?.kind !== 'array') return -1;
  let at = list.lastEntry;
  for (let passed = 0; at >= 0 && instructs(scan, at); passed++) {
    if (passed === MOST_INSTRUCTIONS) return -1;
    at = entryBefore(scan, list.start, at);
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
export function conversationPrint(scan: ScannedObject, { tools, system, messages }: ConversationParts): PromptPrint {
  let print = SEED;
  for (const list of tools) if (list?.kind === 'array' && list.lastEntry >= 0) print = printTools(print, scan, list);
  if (system !== undefined) print = printContent(print, scan, system.start);
  let at = messages === undefined ? -1 : firstEntry(scan, messages.start);
  // Nothing stands behind the last one: its end need not be looked for.
  const after = (message: number) => (message === messages?.lastEntry ? -1 : nextEntry(scan, valueEnd(scan, message)));
  for (; at >= 0 && instructs(scan, at); at = after(at))
    print = printContent(print, scan, memberAt(scan, at, 'content'));
  const common = print;
  if (messages?.kind === 'string') print = printContent(print, scan, messages.start);
  for (let seen = 0; seen < MOST_OPENING && at >= 0; seen++, at = after(at)) {
    if (isText(scan, memberAt(scan, at, 'role'), 'user'))
      print = printContent(print, scan, memberAt(scan, at, 'content'));
    // Some conversations open with the model's greeting.
    else if (print !== common) break;
  }
  return {
    common: common === SEED ? 0 : finishedPrint(common),
    opening: print === common ? 0 : finishedPrint(print),
  };
}

/** A text, or a list of blocks; each text is printed without its quotes, so both forms are one. */
function printContent(seed: number, scan: ScannedObject, at: number): number {
  if (isString(scan, at)) return printText(seed, scan, at);
  let print = seed;
  if (at < 0) return print;
  for (let block = firstEntry(scan, at); block >= 0; block = nextEntry(scan, valueEnd(scan, block))) {
    const text = isString(scan, block) ? block : memberAt(scan, block, 'text');
    print = isString(scan, text) ? printText(print, scan, text) : printMembers(print, scan, block);
  }
  return print;
}

function printText(seed: number, scan: ScannedObject, quote: number): number {
  const end = valueEnd(scan, quote) - 1;
  for (let i = 0; i < ATTRIBUTION.length; i++)
    if (scan.bytes[quote + 1 + i] !== ATTRIBUTION.charCodeAt(i)) return printSpan(seed, scan.bytes, quote + 1, end);
  return seed;
}

/** Tools as they were sent, but for the mark of what is cached at the end of the last one: it comes and goes. */
function printTools(seed: number, scan: ScannedObject, list: Field): number {
  let end = list.start + 1;
  let key = list.lastEntry < 0 ? -1 : firstMember(scan, list.lastEntry);
  while (key >= 0) {
    const keyEnd = valueEnd(scan, key);
    const next = valueEnd(scan, memberValue(scan, keyEnd));
    if (!isText(scan, key, 'cache_control')) end = next;
    key = nextEntry(scan, next);
  }
  return printSpan(seed, scan.bytes, list.start, end);
}

/** Each member of an object but for its mark of what is cached. */
function printMembers(seed: number, scan: ScannedObject, open: number): number {
  let print = seed;
  let key = firstMember(scan, open);
  if (key < 0) return printSpan(print, scan.bytes, open, valueEnd(scan, open));
  while (key >= 0) {
    const keyEnd = valueEnd(scan, key);
    const value = memberValue(scan, keyEnd);
    const end = valueEnd(scan, value);
    if (!isText(scan, key, 'cache_control'))
      print = printSpan(printSpan(print, scan.bytes, key, keyEnd), scan.bytes, value, end);
    key = nextEntry(scan, end);
  }
  return print;
}
