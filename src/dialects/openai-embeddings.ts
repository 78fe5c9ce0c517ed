// POST /v1/embeddings. For clients that speak OpenAI's embeddings dialect.
import type { BodyLimits, Dialect, ParsedCall } from '../core/dialect.ts';
import { RouterError } from '../core/errors.ts';
import { fieldOf } from '../wire/json-view.ts';
import { jsonString, splice } from '../wire/splice.ts';
import { errorBody, streamError } from './openai-errors.ts';
import { missing, readModel, scanBody, wrong } from './openai-fields.ts';
import { factsOf } from './openai-generate.ts';
import { countInputs } from './openai-inputs.ts';
import { checkedReply } from './openai-reply.ts';
import { createChunkJudge } from './openai-stream.ts';

function parse(body: Uint8Array, limits: BodyLimits): ParsedCall {
  const scan = scanBody(body, limits, 'input');
  const { model, field } = readModel(body, scan);
  const input = fieldOf(scan, 'input');
  if (input === undefined) throw missing('input', 'a string, a list of strings, or tokens');
  if (input.kind !== 'string' && input.kind !== 'array') throw wrong('input', 'a string, a list of strings, or tokens');
  const inputs = countInputs(body, input);
  if (inputs > limits.maxInputs) {
    throw new RouterError('too_many', `"input" has ${inputs} entries; the limit is ${limits.maxInputs}.`, {
      param: 'input',
    });
  }
  return {
    model,
    stream: false,
    needs: [],
    maxOutputTokens: null,
    choices: 1,
    usageAsked: false,
    upstreamBody: (served) =>
      served === model ? body : splice(body, [{ start: field.start, end: field.end, bytes: jsonString(served) }]),
  };
}

export const openaiEmbeddings: Dialect = {
  name: 'openai-embeddings',
  class: 'embed',
  routes: ['/v1/embeddings'],
  upstreamPath: '/v1/embeddings',
  parse,
  judge: () => createChunkJudge({ usageAsked: false, choices: 1, maxOutputTokens: null, hasContent: () => false }),
  check(reply) {
    const scan = checkedReply(reply);
    if (fieldOf(scan, 'data')?.kind !== 'array') {
      throw new RouterError('upstream_error', 'The target answered 200 with a reply that has no embeddings.');
    }
    return factsOf(reply, scan);
  },
  errorBody,
  streamError,
};
