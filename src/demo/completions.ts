// What POST /v1/completions answers. For chat workers.
import { assembled, type Choice, excerpt, opening, textChoice } from './answer.ts';
import { answerRoom, type Call, checkModel, run, seconds } from './call.ts';
import { badRequest } from './errors.ts';
import { chunksEnd, chunksFailure, dataEvent, usageOf } from './events.ts';
import { type Body, flagOf, optionalWhole, samplingOf } from './fields.ts';
import { generationJob, openStream, type Shape } from './generation.ts';
import { decode, encode, isToken } from './tokenizer.ts';

/** OpenAI's default for this route, which vLLM keeps. */
const DEFAULT_MAX_TOKENS = 16;

/** A text, texts, tokens, or lists of tokens; also the input of an embedding. */
export function promptsOf(body: Body, key: string): number[][] {
  const given = body[key];
  if (typeof given === 'string') return [encode(given)];
  if (!Array.isArray(given)) throw badRequest(`${key} must be a string, a list of strings, or tokens.`, key);
  const list: unknown[] = given;
  if (list.length === 0) throw badRequest(`${key} must not be empty.`, key);
  if (list.every(isToken)) return [list];
  return list.map((one) => {
    if (typeof one === 'string') return encode(one);
    if (Array.isArray(one) && one.length > 0 && one.every(isToken)) return one;
    throw badRequest(`${key} must be a string, a list of strings, or tokens.`, key);
  });
}

function completionShape(call: Call, choices: readonly Choice[], includeUsage: boolean): Shape {
  const base = {
    id: `cmpl-${call.requestId}`,
    object: 'text_completion',
    created: seconds(call.clock),
    model: call.settings.model,
  };
  const head = JSON.stringify({ ...base, system_fingerprint: null }).slice(0, -1);
  const chunk = (index: number, text: string, reason: string | null = null, stop: string | null = null) =>
    dataEvent(
      `${head},"choices":[{"index":${index},"text":${JSON.stringify(text)},"logprobs":null,` +
        `"finish_reason":${JSON.stringify(reason)},"stop_reason":${JSON.stringify(stop)}}]}`,
    );
  return {
    accepted: () => '',
    opening: () => '',
    delta: (index, delta) => chunk(index, 'content' in delta ? delta.content : ''),
    ending: (index, { finishReason, stopReason }) => chunk(index, '', finishReason, stopReason),
    closing: (tokens) =>
      chunksEnd(includeUsage ? `${head},"choices":[],"usage":${JSON.stringify(usageOf(tokens))}}` : null),
    failed: chunksFailure,
    whole: (tokens, steps, endingOf) =>
      JSON.stringify({
        ...base,
        system_fingerprint: null,
        choices: choices.map((choice, index) => {
          const { finishReason, stopReason } = endingOf(index);
          const text = assembled(choice, steps).content ?? '';
          return { index, text, logprobs: null, finish_reason: finishReason, stop_reason: stopReason };
        }),
        usage: usageOf(tokens),
      }),
  };
}

/** The prompt comes back as one piece ahead of the answer and is not counted as generated. */
function echoing(shape: Shape, texts: readonly string[]): Shape {
  return {
    ...shape,
    opening: (index) => shape.delta(index, { content: texts[index]! }),
    whole: (tokens, steps, endingOf) => {
      const reply = JSON.parse(shape.whole(tokens, steps, endingOf)) as { choices: { text: string }[] };
      reply.choices.forEach((choice, index) => {
        choice.text = texts[index]! + choice.text;
      });
      return JSON.stringify(reply);
    },
  };
}

export function completions(call: Call): void {
  const { body, settings } = call;
  const prompts = promptsOf(body, 'prompt');
  checkModel(call);
  if (typeof body['logprobs'] === 'number')
    throw badRequest('logprobs are not available at a demo worker.', 'logprobs');
  const echo = flagOf(body, 'echo');
  const asked = optionalWhole(body, 'max_tokens', echo ? 0 : 1) ?? DEFAULT_MAX_TOKENS;
  const sampling = samplingOf(body, asked);
  const texts: string[] = [];
  const choices: Choice[] = [];
  for (const ids of prompts) {
    const mostTokens = answerRoom(call, ids.length, asked);
    const prompt = decode(ids);
    for (let index = 0; index < sampling.n; index += 1) {
      const text = opening(settings.model, `You wrote: "${excerpt(prompt)}".`);
      const variation = settings.seed * 31 + index;
      choices.push(
        textChoice({ text, leastTokens: settings.answerTokens, mostTokens, sampling, variation, padded: true }),
      );
      texts.push(prompt);
    }
  }
  const plain = completionShape(call, choices, sampling.includeUsage);
  const shape = echo ? echoing(plain, texts) : plain;
  const job = generationJob({
    response: call.response,
    refuse: call.refuse,
    shape,
    choices,
    promptIds: prompts.length === 1 ? prompts[0]! : prompts.flat(),
    answerIds: () => encode(assembled(choices[0]!, Number.POSITIVE_INFINITY).content ?? ''),
    // Several prompts are computed as one: only a single one is a prefix that can be met again.
    cacheable: prompts.length === 1,
    salt: sampling.salt,
    stream: sampling.stream,
  });
  call.engine.check();
  if (sampling.stream) openStream(call.response, shape);
  run(call, job);
}
