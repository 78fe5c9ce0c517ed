// What POST /v1/messages and /v1/messages/count_tokens answer: the Messages API as vLLM serves it. For chat workers.
import { assembled, type Choice, type Delta, type ToolCall } from './answer.ts';
import { type Call, checkModel, sendJson } from './call.ts';
import { converse } from './conversation.ts';
import { namedEvent } from './events.ts';
import { isObject } from './fields.ts';
import type { Ending, Shape, TokenCounts } from './generation.ts';
import { chatFields, promptFields } from './messages-request.ts';
import type { FinishReason } from './metrics.ts';
import { messagesOf, promptIdsOf } from './prompt.ts';

/** An answer that sleep ended has none, as at vLLM. */
const STOP_REASONS: Record<FinishReason, string | null> = {
  stop: 'end_turn',
  length: 'max_tokens',
  tool_calls: 'tool_use',
  abort: null,
};

function stopOf({ finishReason, stopReason }: Ending) {
  if (finishReason === 'stop' && stopReason !== null)
    return { stop_reason: 'stop_sequence', stop_sequence: stopReason };
  return { stop_reason: STOP_REASONS[finishReason], stop_sequence: null };
}

/** Here cached tokens are no part of the input's. */
const usageOf = ({ prompt, cached, completion }: TokenCounts) => ({
  input_tokens: prompt - cached,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: cached,
  output_tokens: completion,
});

/** Arguments that the length cut in the middle are no JSON any more. */
function inputOf(call: ToolCall): unknown {
  try {
    const value: unknown = JSON.parse(call.arguments);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

const toolUse = ({ id, name }: { id: string; name: string }, input: unknown) => ({ type: 'tool_use', id, name, input });

function contentOf(choice: Choice, steps: number) {
  const { content, calls } = assembled(choice, steps);
  const text = content === null ? [] : [{ type: 'text', text: content }];
  return [...text, ...calls.map((call) => toolUse(call, inputOf(call)))];
}

/** Numbers the blocks of a stream; a block ends where the next one begins. */
class Blocks {
  #index = -1;
  #open = false;

  end(): string {
    if (!this.#open) return '';
    this.#open = false;
    return namedEvent('content_block_stop', { index: this.#index });
  }

  begin(block: object): string {
    const ended = this.end();
    this.#open = true;
    this.#index += 1;
    return ended + namedEvent('content_block_start', { index: this.#index, content_block: block });
  }

  add(delta: Delta): string {
    if ('id' in delta) return this.begin(toolUse(delta, {}));
    const begun = this.#open ? '' : this.begin({ type: 'text', text: '' });
    const said =
      'content' in delta
        ? { type: 'text_delta', text: delta.content }
        : { type: 'input_json_delta', partial_json: delta.piece };
    return begun + namedEvent('content_block_delta', { index: this.#index, delta: said });
  }
}

function messagesShape(call: Call, choice: Choice): Shape {
  // The id is chat's, because vLLM makes this reply of a chat reply.
  const base = { id: `chatcmpl-${call.requestId}`, type: 'message', role: 'assistant', model: call.settings.model };
  const blocks = new Blocks();
  return {
    accepted: () => '',
    opening: (_index, tokens) => {
      const message = { ...base, content: [], stop_reason: null, stop_sequence: null, usage: usageOf(tokens) };
      return namedEvent('message_start', { message });
    },
    delta: (_index, delta) => blocks.add(delta),
    ending: () => blocks.end(),
    closing: (tokens, _steps, ending) =>
      namedEvent('message_delta', { delta: stopOf(ending), usage: usageOf(tokens) }) + namedEvent('message_stop', {}),
    failed: ({ type, message }) => namedEvent('error', { error: { type, message } }),
    whole: (tokens, steps, endingOf) =>
      JSON.stringify({ ...base, content: contentOf(choice, steps), ...stopOf(endingOf(0)), usage: usageOf(tokens) }),
  };
}

export function messages(call: Call): void {
  const body = chatFields(call.body);
  const conversation = messagesOf(body);
  checkModel(call);
  converse(call, body, conversation, { shape: (choices) => messagesShape(call, choices[0]!) });
}

export function countTokens(call: Call): void {
  const body = promptFields(call.body);
  const tokens = promptIdsOf(messagesOf(body), body['tools']).length;
  checkModel(call);
  sendJson(call.response, 200, {
    input_tokens: tokens,
    context_management: { original_input_tokens: tokens },
  });
}
