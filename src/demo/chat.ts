// What POST /v1/chat/completions answers. For chat workers.
import { assembled, type Choice, type Delta, excerpt, opening, textChoice, toolChoice } from './answer.ts';
import { answerRoom, type Call, checkModel, run, seconds } from './call.ts';
import { badRequest } from './errors.ts';
import { type Body, isObject, optionalWhole, type Sampling, samplingOf } from './fields.ts';
import { generationJob, openStream, type Shape } from './generation.ts';
import { sample } from './json-sample.ts';
import { lastToolResult, lastUserText, type Message, messagesOf, promptIdsOf } from './prompt.ts';
import { encode } from './tokenizer.ts';
import { decideToolCalls, toolsOf, toolWishOf } from './tool-calls.ts';

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

function choicesOf(call: Call, messages: readonly Message[], sampling: Sampling, mostTokens: number): Choice[] {
  const { body, settings } = call;
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
    if (calls.length > 0) return toolChoice(calls, mostTokens);
    return textChoice({
      text: json === undefined ? opening(settings.model, about) : JSON.stringify(json),
      leastTokens: settings.answerTokens,
      mostTokens,
      sampling,
      variation: settings.seed * 31 + index,
      padded: json === undefined,
    });
  });
}

function deltaJson(delta: Delta): string {
  if ('content' in delta) return `{"content":${JSON.stringify(delta.content)}}`;
  const call =
    'id' in delta
      ? { index: delta.call, id: delta.id, type: 'function', function: { name: delta.name, arguments: '' } }
      : { index: delta.call, function: { arguments: delta.piece } };
  return `{"tool_calls":[${JSON.stringify(call)}]}`;
}

function chatShape(call: Call, choices: readonly Choice[]): Shape {
  const id = `chatcmpl-${call.requestId}`;
  const rest = { created: seconds(call.clock), model: call.settings.model, system_fingerprint: null };
  const head = JSON.stringify({ id, object: 'chat.completion.chunk', ...rest }).slice(0, -1);
  const chunk = (index: number, delta: string, reason: string | null = null, stop: string | null = null) => {
    const tail = reason === null ? '' : `,"stop_reason":${JSON.stringify(stop)}`;
    return `${head},"choices":[{"index":${index},"delta":${delta},"logprobs":null,"finish_reason":${JSON.stringify(reason)}${tail}}]}`;
  };
  return {
    opening: (index) => [chunk(index, '{"role":"assistant","content":""}')],
    delta: (index, delta) => chunk(index, deltaJson(delta)),
    ending: (index, { finishReason, stopReason }) => chunk(index, '{}', finishReason, stopReason),
    usage: (usage) => `${head},"choices":[],"usage":${JSON.stringify(usage)}}`,
    whole: (usage, steps, endingOf) =>
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
        usage,
      }),
  };
}

export function chatCompletions(call: Call): void {
  const { body } = call;
  const messages = messagesOf(body);
  checkModel(call);
  if (body['logprobs'] === true) throw badRequest('logprobs are not available at a demo worker.', 'logprobs');
  const asked = optionalWhole(body, 'max_completion_tokens', 1) ?? optionalWhole(body, 'max_tokens', 1);
  const sampling = samplingOf(body, asked);
  const promptIds = promptIdsOf(messages, body['tools']);
  const choices = choicesOf(call, messages, sampling, answerRoom(call, promptIds.length, asked));
  const shape = chatShape(call, choices);
  const job = generationJob({
    response: call.response,
    shape,
    choices,
    promptIds,
    // A tool call comes back as JSON of the whole call, so only a text answer is a prefix of the next turn.
    answerIds: () => encode(assembled(choices[0]!, Number.POSITIVE_INFINITY).content ?? ''),
    cacheable: true,
    salt: sampling.salt,
    stream: sampling.stream,
    includeUsage: sampling.includeUsage,
  });
  call.engine.check();
  if (sampling.stream) openStream(call.response);
  run(call, job);
}
