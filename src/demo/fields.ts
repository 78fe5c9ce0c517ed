// Which request fields are well formed. For every route that reads a body; unknown fields pass, as at vLLM.
import { badRequest } from './errors.ts';

export type Body = Record<string, unknown>;

export const isObject = (value: unknown): value is Body =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export function optionalWhole(
  body: Body,
  key: string,
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): number | undefined {
  const value = body[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !Number.isInteger(value)) throw badRequest(`${key} must be an integer.`, key);
  if (value < least) throw badRequest(`${key} must be at least ${least}, got ${value}.`, key);
  if (value > most) throw badRequest(`${key} must be at most ${most}, got ${value}.`, key);
  return value;
}

export function flagOf(body: Body, key: string): boolean {
  const value = body[key];
  if (value === undefined || value === null) return false;
  if (typeof value !== 'boolean') throw badRequest(`${key} must be a boolean.`, key);
  return value;
}

export function optionalText(body: Body, key: string): string | undefined {
  const value = body[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw badRequest(`${key} must be a string.`, key);
  return value;
}

export function textList(body: Body, key: string): string[] {
  const value = body[key];
  if (value === undefined || value === null) return [];
  const list: unknown[] = Array.isArray(value) ? value : [value];
  if (!list.every((one): one is string => typeof one === 'string')) {
    throw badRequest(`${key} must be a string or a list of strings.`, key);
  }
  return list;
}

/** What all generating routes share. */
export interface Sampling {
  readonly maxTokens: number | undefined;
  readonly minTokens: number;
  readonly ignoreEos: boolean;
  readonly stop: readonly string[];
  readonly keepStop: boolean;
  readonly n: number;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly salt: string;
}

export function samplingOf(body: Body, maxTokens: number | undefined): Sampling {
  const stream = flagOf(body, 'stream');
  const options = body['stream_options'];
  if (options !== undefined && options !== null) {
    if (!stream) throw badRequest('Stream options can only be defined when `stream=True`.', 'stream_options');
    if (!isObject(options)) throw badRequest('stream_options must be an object.', 'stream_options');
  }
  for (const key of ['temperature', 'top_p', 'presence_penalty', 'frequency_penalty', 'seed']) {
    const value = body[key];
    if (value !== undefined && value !== null && typeof value !== 'number')
      throw badRequest(`${key} must be a number.`, key);
  }
  const minTokens = optionalWhole(body, 'min_tokens', 0) ?? 0;
  if (maxTokens !== undefined && minTokens > maxTokens) {
    throw badRequest(
      `min_tokens must be less than or equal to max_tokens=${maxTokens}, got ${minTokens}.`,
      'min_tokens',
    );
  }
  return {
    maxTokens,
    minTokens,
    ignoreEos: flagOf(body, 'ignore_eos'),
    stop: textList(body, 'stop').filter((text) => text !== ''),
    keepStop: flagOf(body, 'include_stop_str_in_output'),
    n: optionalWhole(body, 'n', 1, 128) ?? 1,
    stream,
    includeUsage: isObject(options) && flagOf(options, 'include_usage'),
    salt: optionalText(body, 'cache_salt') ?? '',
  };
}
