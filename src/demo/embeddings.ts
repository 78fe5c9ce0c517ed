// What POST /v1/embeddings answers. For embed workers.
import { type Call, checkModel, run, seconds, sendJson } from './call.ts';
import { promptsOf } from './completions.ts';
import { badRequest, promptTooLong } from './errors.ts';
import { base64Of, embed } from './feature-hashing.ts';
import { optionalWhole } from './fields.ts';
import { prefillJob } from './prefill.ts';
import { decode } from './tokenizer.ts';

export function embeddings(call: Call): void {
  const { body, settings, response, clock } = call;
  const inputs = promptsOf(body, 'input');
  checkModel(call);
  // As at vLLM: left out it means float, but an explicit null is an error.
  const format = 'encoding_format' in body ? body['encoding_format'] : 'float';
  if (format !== 'float' && format !== 'base64') {
    throw badRequest("encoding_format must be 'float' or 'base64'.", 'encoding_format');
  }
  const kept = optionalWhole(body, 'dimensions', 1, settings.dimensions) ?? settings.dimensions;
  for (const ids of inputs) {
    if (ids.length > settings.maxModelLen) throw promptTooLong(settings.maxModelLen, ids.length, 0);
  }
  const promptIds = inputs.flat();
  const reply = () => {
    const data = inputs.map((ids, index) => {
      const vector = embed(decode(ids), settings.dimensions, kept);
      return { index, object: 'embedding', embedding: format === 'base64' ? base64Of(vector) : [...vector] };
    });
    const tokens = promptIds.length;
    sendJson(response, 200, {
      id: `embd-${call.requestId}`,
      object: 'list',
      created: seconds(clock),
      model: settings.model,
      data,
      usage: { prompt_tokens: tokens, total_tokens: tokens, completion_tokens: 0, prompt_tokens_details: null },
    });
  };
  run(call, prefillJob(call, promptIds, reply));
}
