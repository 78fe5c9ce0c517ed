// What a conversation is answered with, whichever surface it came by. For chat, messages and responses, which all put
// their request into the fields of chat completions first, as vLLM does.
import { assembled, type Choice, excerpt, opening, textChoice, toolChoice } from './answer.ts';
import { answerRoom, type Call, run } from './call.ts';
import { badRequest } from './errors.ts';
import { type Body, isObject, optionalWhole, type Sampling, samplingOf } from './fields.ts';
import { generationJob, openStream, type Shape } from './generation.ts';
import { sample } from './json-sample.ts';
import { lastToolResult, lastUserText, type Message, promptIdsOf } from './prompt.ts';
import { encode } from './tokenizer.ts';
import { decideToolCalls, toolsOf, toolWishOf } from './tool-calls.ts';

export interface Surface {
  readonly shape: (choices: readonly Choice[], sampling: Sampling) => Shape;
  /** Told the answer once it is whole. */
  readonly answered?: (answer: ReturnType<typeof assembled>) => void;
}

/** The JSON value that response_format asks for, or undefined for plain text. */
function jsonOf(body: Body, model: string, about: string): unknown {
  const format = body['response_format'];
  if (format === undefined || format === null) return undefined;
  if (!isObject(format)) throw badRequest('response_format must be an object.', 'response_format');
  if (format['type'] === 'text') return undefined;
  if (format['type'] === 'json_object') return { demo: true, message: opening(model, about) };
  if (format['type'] !== 'json_schema') {
    throw badRequest('response_format.type must be text, json_object or json_schema.', 'response_format');
  }
  const described = format['json_schema'];
  if (!isObject(described) || !isObject(described['schema'])) {
    throw badRequest('response_format of type json_schema must have a json_schema with a schema.', 'response_format');
  }
  return sample(described['schema']);
}

function aboutOf(messages: readonly Message[]): string {
  const result = lastToolResult(messages);
  if (result !== undefined) return `The tool ${result.name} returned: "${excerpt(result.text)}".`;
  return `You asked: "${excerpt(lastUserText(messages))}".`;
}

function choicesOf(call: Call, body: Body, messages: readonly Message[], sampling: Sampling, most: number): Choice[] {
  const { settings } = call;
  const tools = toolsOf(body);
  const wish = toolWishOf(body, tools);
  const about = aboutOf(messages);
  const json = jsonOf(body, settings.model, about);
  const question = {
    tools,
    wish,
    lastUserText: lastUserText(messages),
    answered: messages.at(-1)?.role === 'tool',
    parallel: body['parallel_tool_calls'] !== false,
    newId: call.newId,
  };
  return Array.from({ length: sampling.n }, (_, index) => {
    const calls = decideToolCalls(question);
    if (calls.length > 0) return toolChoice(calls, most);
    return textChoice({
      text: json === undefined ? opening(settings.model, about) : JSON.stringify(json),
      leastTokens: settings.answerTokens,
      mostTokens: most,
      sampling,
      variation: settings.seed * 31 + index,
      padded: json === undefined,
    });
  });
}

/** `body` has the fields of chat completions; `messages` are its messages. */
export function converse(call: Call, body: Body, messages: readonly Message[], surface: Surface): void {
  const asked = optionalWhole(body, 'max_completion_tokens', 1) ?? optionalWhole(body, 'max_tokens', 1);
  const sampling = samplingOf(body, asked);
  const promptIds = promptIdsOf(messages, body['tools']);
  const choices = choicesOf(call, body, messages, sampling, answerRoom(call, promptIds.length, asked));
  const shape = surface.shape(choices, sampling);
  const { answered } = surface;
  const job = generationJob({
    response: call.response,
    refuse: call.refuse,
    shape,
    choices,
    promptIds,
    // A tool call comes back as JSON of the whole call, so only a text answer is a prefix of the next turn.
    answerIds: () => encode(assembled(choices[0]!, Number.POSITIVE_INFINITY).content ?? ''),
    cacheable: true,
    salt: sampling.salt,
    stream: sampling.stream,
    ...(answered === undefined ? {} : { finished: (steps) => answered(assembled(choices[0]!, steps)) }),
  });
  call.engine.check();
  if (sampling.stream) openStream(call.response, shape);
  run(call, job);
}
