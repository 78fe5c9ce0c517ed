// What POST /v1/responses answers: the Responses API as vLLM serves it. For chat workers.
import type { assembled } from './answer.ts';
import { type Call, checkModel } from './call.ts';
import { converse } from './conversation.ts';
import { badRequest, WorkerError } from './errors.ts';
import { type Body, optionalText } from './fields.ts';
import { messagesOf } from './prompt.ts';
import { chatFields, inputMessages } from './responses-request.ts';
import { responsesShape } from './responses-shape.ts';

/** The conversation that the caller goes on with. */
function earlierMessages({ body, stored }: Call): readonly Body[] {
  const id = optionalText(body, 'previous_response_id');
  if (id === undefined) return [];
  const messages = stored.get(id);
  if (messages !== undefined) return messages;
  const text = `Previous response with id '${id}' not found.`;
  throw new WorkerError(404, 'invalid_request_error', text, 'previous_response_id', {
    code: 'previous_response_not_found',
  });
}

function answerMessage({ content, calls }: ReturnType<typeof assembled>): Body {
  const made = calls.map(({ id, name, arguments: args }) => ({
    id,
    type: 'function',
    function: { name, arguments: args },
  }));
  return { role: 'assistant', content, ...(made.length > 0 ? { tool_calls: made } : {}) };
}

export function responses(call: Call): void {
  const { body, stored, requestId } = call;
  const instructions = optionalText(body, 'instructions');
  const conversation = [...earlierMessages(call), ...inputMessages(body)];
  if (conversation.length === 0) throw badRequest('input must hold at least one message.', 'input');
  const first = instructions === undefined ? [] : [{ role: 'system', content: instructions }];
  const messages = messagesOf({ messages: [...first, ...conversation] });
  checkModel(call);
  const id = `resp_${requestId}`;
  converse(call, chatFields(body), messages, {
    shape: (choices) => responsesShape(call, choices[0]!, id),
    answered: (answer) => {
      if (body['store'] !== false) stored.keep(id, [...conversation, answerMessage(answer)]);
    },
  });
}
