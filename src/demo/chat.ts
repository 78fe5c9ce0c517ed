// What POST /v1/chat/completions answers. For chat workers.
import { assembled, type Choice, type Delta } from './answer.ts';
import { type Call, checkModel, seconds } from './call.ts';
import { converse } from './conversation.ts';
import { badRequest } from './errors.ts';
import { chunksEnd, chunksFailure, dataEvent, usageOf } from './events.ts';
import type { Shape } from './generation.ts';
import { messagesOf } from './prompt.ts';

function deltaJson(delta: Delta): string {
  if ('content' in delta) return `{"content":${JSON.stringify(delta.content)}}`;
  const call =
    'id' in delta
      ? { index: delta.call, id: delta.id, type: 'function', function: { name: delta.name, arguments: '' } }
      : { index: delta.call, function: { arguments: delta.piece } };
  return `{"tool_calls":[${JSON.stringify(call)}]}`;
}

function chatShape(call: Call, choices: readonly Choice[], includeUsage: boolean): Shape {
  const id = `chatcmpl-${call.requestId}`;
  const rest = { created: seconds(call.clock), model: call.settings.model, system_fingerprint: null };
  const head = JSON.stringify({ id, object: 'chat.completion.chunk', ...rest }).slice(0, -1);
  const chunk = (index: number, delta: string, reason: string | null = null, stop: string | null = null) => {
    const tail = reason === null ? '' : `,"stop_reason":${JSON.stringify(stop)}`;
    return dataEvent(
      `${head},"choices":[{"index":${index},"delta":${delta},"logprobs":null,"finish_reason":${JSON.stringify(reason)}${tail}}]}`,
    );
  };
  return {
    accepted: () => '',
    opening: (index) => chunk(index, '{"role":"assistant","content":""}'),
    delta: (index, delta) => chunk(index, deltaJson(delta)),
    ending: (index, { finishReason, stopReason }) => chunk(index, '{}', finishReason, stopReason),
    closing: (tokens) =>
      chunksEnd(includeUsage ? `${head},"choices":[],"usage":${JSON.stringify(usageOf(tokens))}}` : null),
    failed: chunksFailure,
    whole: (tokens, steps, endingOf) =>
      JSON.stringify({
        id,
        object: 'chat.completion',
        ...rest,
        service_tier: null,
        choices: choices.map((choice, index) => {
          const { content, calls } = assembled(choice, steps);
          const ending = endingOf(index);
          const toolCalls = calls.map(({ id, name, arguments: args }) => ({
            id,
            type: 'function',
            function: { name, arguments: args },
          }));
          const message = {
            role: 'assistant',
            content,
            refusal: null,
            ...(toolCalls.length > 0 ? { tool_calls: toolCalls } : {}),
          };
          return { index, message, logprobs: null, finish_reason: ending.finishReason, stop_reason: ending.stopReason };
        }),
        usage: usageOf(tokens),
      }),
  };
}

export function chatCompletions(call: Call): void {
  const { body } = call;
  const messages = messagesOf(body);
  checkModel(call);
  if (body['logprobs'] === true) throw badRequest('logprobs are not available at a demo worker.', 'logprobs');
  converse(call, body, messages, {
    shape: (choices, { includeUsage }) => chatShape(call, choices, includeUsage),
  });
}
