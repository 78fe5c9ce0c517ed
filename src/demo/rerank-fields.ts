// Which fields a rerank request must have, in the words that the forms share. For the forms of rerank.
import { type Call, checkModel } from './call.ts';
import { badRequest } from './errors.ts';
import { type Body, flagOf, isObject, optionalWhole } from './fields.ts';

export interface RerankQuestion {
  readonly query: string;
  readonly documents: readonly string[];
  /** How many are answered; 0: all. */
  readonly top: number;
  /** The documents come back with their scores. */
  readonly texts: boolean;
  /** Scores are not squashed. */
  readonly raw: boolean;
}

export function textField(body: Body, key: string): string {
  const value = body[key];
  if (typeof value !== 'string') throw badRequest(`Field required: ${key} must be a string.`, key);
  return value;
}

const asText = (value: unknown, objects: boolean) => {
  if (typeof value === 'string') return value;
  return objects && isObject(value) && typeof value['text'] === 'string' ? value['text'] : undefined;
};

/** A list of texts; with `objects` also of `{ "text": … }`. */
export function textsField(body: Body, key: string, objects = false): string[] {
  const list = body[key];
  if (!Array.isArray(list)) throw badRequest(`Field required: ${key} must be a list.`, key);
  if (list.length === 0) throw badRequest(`${key} must not be empty.`, key);
  return list.map((one: unknown, at) => {
    const text = asText(one, objects);
    if (text === undefined) throw badRequest(`${key}[${at}] must be a text.`, key);
    return text;
  });
}

/** Absent or null is 0, which means all. */
export const topField = (body: Body, key: string, least = 0) => optionalWhole(body, key, least) ?? 0;

export function requireModel(call: Call): void {
  textField(call.body, 'model');
  checkModel(call);
}

/** What Cohere, Jina, Voyage, vLLM, Infinity and llama.cpp have in common. */
export function documentsQuestion(body: Body, top: string, objects = false): RerankQuestion {
  return {
    query: textField(body, 'query'),
    documents: textsField(body, 'documents', objects),
    top: topField(body, top),
    texts: flagOf(body, 'return_documents'),
    raw: flagOf(body, 'raw_scores'),
  };
}
