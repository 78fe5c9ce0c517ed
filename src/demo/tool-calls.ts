// Whether an answer calls tools, which ones and with what arguments. For chat.
import type { ToolCall } from './answer.ts';
import { badRequest } from './errors.ts';
import { type Body, isObject } from './fields.ts';
import { sample } from './json-sample.ts';

export interface Tool {
  readonly name: string;
  readonly parameters: unknown;
}

export type ToolWish =
  | { readonly kind: 'none' | 'auto' | 'required' }
  | { readonly kind: 'named'; readonly name: string };

export function toolsOf(body: Body): Tool[] {
  const { tools } = body;
  if (tools === undefined || tools === null) return [];
  if (!Array.isArray(tools)) throw badRequest('tools must be a list.', 'tools');
  return tools.map((tool: unknown) => {
    const described = isObject(tool) ? tool['function'] : undefined;
    if (!isObject(described) || typeof described['name'] !== 'string' || described['name'] === '') {
      throw badRequest('Each tool must have a function with a name.', 'tools');
    }
    return { name: described['name'], parameters: described['parameters'] ?? { type: 'object', properties: {} } };
  });
}

export function toolWishOf(body: Body, tools: readonly Tool[]): ToolWish {
  const choice = body['tool_choice'];
  if (choice === undefined || choice === null) return { kind: tools.length > 0 ? 'auto' : 'none' };
  if (choice === 'none') return { kind: 'none' };
  if (tools.length === 0) throw badRequest('When using `tool_choice`, `tools` must be set.', 'tool_choice');
  if (choice === 'auto' || choice === 'required') return { kind: choice };
  const named = isObject(choice) && isObject(choice['function']) ? choice['function']['name'] : undefined;
  if (typeof named !== 'string')
    throw badRequest('tool_choice must be none, auto, required or name a function.', 'tool_choice');
  if (!tools.some((tool) => tool.name === named)) {
    throw badRequest('The tool specified in `tool_choice` does not match any of the specified `tools`', 'tool_choice');
  }
  return { kind: 'named', name: named };
}

/** Tools whose name stands in the text as a word of its own, in order of appearance. */
export function toolsNamedIn(text: string, tools: readonly Tool[]): Tool[] {
  const found = tools.flatMap((tool) => {
    const escaped = tool.name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    const at = text.search(new RegExp(`(?<![\\w-])${escaped}(?![\\w-])`));
    return at < 0 ? [] : [{ tool, at }];
  });
  return found.sort((a, b) => a.at - b.at).map(({ tool }) => tool);
}

export interface ToolQuestion {
  readonly tools: readonly Tool[];
  readonly wish: ToolWish;
  readonly lastUserText: string;
  /** A tool's result came after the last user text: the loop is over unless the caller insists. */
  readonly answered: boolean;
  readonly parallel: boolean;
  readonly newId: () => string;
}

export function decideToolCalls(question: ToolQuestion): ToolCall[] {
  const { tools, wish } = question;
  let chosen: Tool[] = [];
  if (wish.kind === 'named') chosen = tools.filter((tool) => tool.name === wish.name).slice(0, 1);
  else if (wish.kind === 'required' || (wish.kind === 'auto' && !question.answered)) {
    chosen = toolsNamedIn(question.lastUserText, tools);
    if (chosen.length === 0 && wish.kind === 'required') chosen = tools.slice(0, 1);
    if (!question.parallel) chosen = chosen.slice(0, 1);
  }
  return chosen.map((tool) => {
    const value = sample(tool.parameters);
    return { id: `call_${question.newId()}`, name: tool.name, arguments: JSON.stringify(isObject(value) ? value : {}) };
  });
}
