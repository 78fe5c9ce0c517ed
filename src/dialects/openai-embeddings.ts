// POST /v1/embeddings. For clients that speak OpenAI's embeddings dialect.
import type { BodyLimits, CheckedReply, Dialect, ParsedCall } from '../core/dialect.ts';
import { RouterError } from '../core/errors.ts';
import { fieldOf } from '../wire/json-view.ts';
import { missing, readModel, scanBody, wrong } from './fields.ts';
import { countInputs } from './inputs.ts';
import { errorShape } from './openai-errors.ts';
import { factsOf } from './openai-generate.ts';
import { checkedReply } from './openai-reply.ts';
import { createChunkJudge } from './openai-stream.ts';
import { renamed, sameForm } from './same-form.ts';

const PATH = '/v1/embeddings';

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
    stored: false,
    toward: (_target, served) =>
      sameForm({ path: PATH, body: renamed(body, field, model, served), judge: noStream, check }),
  };
}

const noStream = () =>
  createChunkJudge({ usageAsked: false, choices: 1, maxOutputTokens: null, hasContent: () => false });

function check(reply: Uint8Array): CheckedReply {
  const scan = checkedReply(reply);
  if (fieldOf(scan, 'data')?.kind !== 'array') {
    throw new RouterError('upstream_error', 'The target answered 200 with a reply that has no embeddings.');
  }
  return factsOf(reply, scan);
}

export const openaiEmbeddings: Dialect = {
  name: 'openai-embeddings',
  class: 'embed',
  routes: [PATH],
  parse,
  ...errorShape,
};
