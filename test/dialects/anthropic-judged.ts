// Decides how a test shows a streamed message to its judge. For tests of the Anthropic dialects.
import { expect } from 'vitest';
import { anthropicMessages as messages } from '../../src/dialects/anthropic-messages.ts';
import { frame } from './anthropic-events.ts';
import { judging } from './judged.ts';

export function streaming(more: Record<string, unknown> = {}) {
  const j = judging(messages, more);
  return Object.assign(j, { say: (event: { readonly type: string }) => j.raw(frame(event)) });
}

/** A judge that has seen these events. */
export function having(...events: readonly { readonly type: string }[]) {
  const j = streaming();
  for (const event of events) expect(j.say(event)).toBe('forward');
  return j;
}
