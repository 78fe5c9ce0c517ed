// What POST /tokenize and /detokenize answer. For every kind of worker.
import { type Call, checkModel, sendJson } from './call.ts';
import { badRequest } from './errors.ts';
import { flagOf } from './fields.ts';
import { messagesOf, promptIdsOf } from './prompt.ts';
import { decode, encode, isToken } from './tokenizer.ts';

export function tokenize(call: Call): void {
  const { body, response, settings } = call;
  checkModel(call);
  let ids: number[];
  if (typeof body['prompt'] === 'string') ids = encode(body['prompt']);
  else if ('messages' in body) ids = promptIdsOf(messagesOf(body), body['tools']);
  else throw badRequest('prompt must be a string, or messages a list.', 'prompt');
  const strings = flagOf(body, 'return_token_strs') ? ids.map((id) => decode([id])) : null;
  sendJson(response, 200, { count: ids.length, max_model_len: settings.maxModelLen, tokens: ids, token_strs: strings });
}

export function detokenize(call: Call): void {
  const { body, response } = call;
  checkModel(call);
  const ids = body['tokens'];
  if (!Array.isArray(ids) || !ids.every(isToken)) throw badRequest('tokens must be a list of token numbers.', 'tokens');
  sendJson(response, 200, { prompt: decode(ids) });
}
