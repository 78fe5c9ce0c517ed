// What a demo worker says, token by token, and why it stops. For chat and completions.
import type { Sampling } from './fields.ts';
import type { FinishReason } from './metrics.ts';
import { encode, pieces } from './tokenizer.ts';

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
}

/** One token of an answer. */
export type Delta =
  | { readonly content: string }
  | { readonly call: number; readonly id: string; readonly name: string }
  | { readonly call: number; readonly piece: string };

export interface Choice {
  readonly deltas: readonly Delta[];
  readonly finishReason: FinishReason;
  /** The stop string that ended it. */
  readonly stopReason: string | null;
}

const FILLER = [
  'The words come from a fixed list and mean nothing.',
  'Every request with the same text gets the same reply.',
  'It counts tokens, keeps a prefix cache and waits in line as a real server does.',
  'Put a real model behind the router to get real answers.',
  'Its speed is set by flags, so that tests can measure the router and not the model.',
  'Nothing you send is stored.',
  'It stops where max_tokens or a stop string says so.',
  'A slow reader slows it down and a closed connection ends it.',
];

const EXCERPT_CHARS = 120;

/** Short and printable: one line, no control characters, no quotes that end ours. */
export function excerpt(text: string): string {
  const flat = text
    .slice(0, 2000)
    .replace(/[\p{C}\s]+/gu, ' ')
    .replaceAll('"', "'")
    .trim();
  const chars = Array.from(flat);
  return chars.length <= EXCERPT_CHARS ? flat : `${chars.slice(0, EXCERPT_CHARS).join('')}…`;
}

export function opening(model: string, about: string): string {
  return `This is ${model}, a demo worker of Spillway, not a language model. ${about}`;
}

function fillerStart(text: string, variation: number): number {
  let hash = variation | 0;
  for (const id of encode(text.slice(0, 400))) hash = Math.imul(hash ^ id, 0x01000193);
  return (hash >>> 8) % FILLER.length;
}

export interface TextOrder {
  readonly text: string;
  /** Sentences are added until it has this many tokens. */
  readonly leastTokens: number;
  readonly mostTokens: number;
  readonly sampling: Sampling;
  readonly variation: number;
  /** JSON must not be padded. */
  readonly padded: boolean;
}

export function textChoice(order: TextOrder): Choice {
  const { sampling, mostTokens } = order;
  const tokens = pieces(order.text);
  if (order.padded) {
    const wanted = sampling.ignoreEos
      ? mostTokens
      : Math.min(mostTokens, Math.max(order.leastTokens, sampling.minTokens));
    for (let at = fillerStart(order.text, order.variation); tokens.length < wanted; at += 1) {
      tokens.push(...pieces(` ${FILLER[at % FILLER.length]}`));
    }
  }
  const cut = tokens.length > mostTokens || (order.padded && sampling.ignoreEos);
  if (tokens.length > mostTokens) tokens.length = mostTokens;
  const stopped = firstStop(tokens, sampling);
  const kept = stopped === undefined ? tokens : pieces(stopped.text);
  return {
    deltas: kept.map((content) => ({ content })),
    finishReason: stopped === undefined && cut ? 'length' : 'stop',
    stopReason: stopped?.stop ?? null,
  };
}

function firstStop(tokens: readonly string[], sampling: Sampling): { text: string; stop: string } | undefined {
  if (sampling.stop.length === 0) return undefined;
  const text = tokens.join('');
  const from = tokens.slice(0, sampling.minTokens).join('').length;
  let best: { at: number; stop: string } | undefined;
  for (const stop of sampling.stop) {
    const at = text.indexOf(stop, from);
    if (at >= 0 && (best === undefined || at < best.at)) best = { at, stop };
  }
  if (best === undefined) return undefined;
  return { text: text.slice(0, best.at + (sampling.keepStop ? best.stop.length : 0)), stop: best.stop };
}

export function toolChoice(calls: readonly ToolCall[], mostTokens: number): Choice {
  const deltas: Delta[] = calls.flatMap((call, index) => [
    { call: index, id: call.id, name: call.name },
    ...pieces(call.arguments).map((piece) => ({ call: index, piece })),
  ]);
  const cut = deltas.length > mostTokens;
  return {
    deltas: cut ? deltas.slice(0, mostTokens) : deltas,
    finishReason: cut ? 'length' : 'tool_calls',
    stopReason: null,
  };
}

/** What `steps` tokens of a choice amount to. */
export function assembled(choice: Choice, steps: number): { content: string | null; calls: ToolCall[] } {
  let content: string | null = null;
  const calls: { id: string; name: string; arguments: string }[] = [];
  for (const delta of choice.deltas.slice(0, steps)) {
    if ('content' in delta) content = (content ?? '') + delta.content;
    else if ('id' in delta) calls[delta.call] = { id: delta.id, name: delta.name, arguments: '' };
    else calls[delta.call]!.arguments += delta.piece;
  }
  return { content: calls.length > 0 ? content : (content ?? ''), calls };
}
