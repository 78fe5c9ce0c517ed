// Decides in which ways managed APIs refuse and fail, in each family's own words, key and prompt echoed,
// for the tables of provider faults.

import { anthropicError, anthropicFrame } from './anthropic-api.ts';
import type { ApiFailure } from './managed-api.ts';
import { apiError } from './openai-api.ts';

export type Family = 'openai' | 'anthropic';
export type NamedFailure = ApiFailure & { readonly what: string };

/** Both are in every error text, as careless gateways put them there. */
export interface Echoed {
  readonly key: string;
  readonly prompt: string;
}

function openaiBody(code: string | null, { key, prompt }: Echoed, type = 'invalid_request_error') {
  return apiError(`Key ${key} was used for ${JSON.stringify(prompt)}: ${code ?? type}`, type, null, code);
}

function anthropicBody(type: string, { key, prompt }: Echoed, more: object = {}) {
  return anthropicError(type, `Key ${key} was used for ${JSON.stringify(prompt)}: ${type}`, more);
}

/** Money is gone: no second try of any kind is of use. */
export function billing(family: Family, echoed: Echoed): readonly NamedFailure[] {
  if (family === 'anthropic') {
    const spent = { details: { error_visibility: 'user_facing', error_code: 'enforced_spend_limit_reached' } };
    return [
      { what: '402', status: 402, body: anthropicBody('billing_error', echoed) },
      { what: '429 at the spend limit', status: 429, body: anthropicBody('rate_limit_error', echoed, spent) },
      {
        what: '400 without credit',
        status: 400,
        body: anthropicError('invalid_request_error', 'Your credit balance is too low to access the Anthropic API.'),
      },
    ];
  }
  const codes = [
    'insufficient_quota',
    'billing_hard_limit_reached',
    'credit_balance_exhausted',
    'project_spend_limit_exceeded',
    'organization_spend_limit_exceeded',
    'organization_usage_limit_exceeded',
  ];
  return [
    { what: '402', status: 402, body: openaiBody(null, echoed) },
    ...codes.map((code) => ({
      what: `429 ${code}`,
      status: 429,
      // A hint beside it means nothing: waiting brings no money.
      headers: { 'retry-after': '1' },
      body: openaiBody(
        code,
        echoed,
        code === 'billing_hard_limit_reached' ? 'invalid_request_error' : 'insufficient_quota',
      ),
    })),
    {
      what: '429 with a code alone',
      status: 429,
      body: apiError('No credit.', 'billing_error', null, 'credit_balance_exhausted'),
    },
  ];
}

/** At its rate limit, with every way to say until when. `seconds` is what all of them mean. */
export function rate(family: Family, echoed: Echoed, seconds: number, wallMs: number): readonly NamedFailure[] {
  const at = new Date(wallMs + seconds * 1000);
  const body =
    family === 'openai'
      ? openaiBody('rate_limit_exceeded', echoed, 'tokens')
      : anthropicBody('rate_limit_error', echoed);
  const failure = (what: string, headers: Record<string, string>): NamedFailure => ({
    what,
    status: 429,
    body,
    headers,
  });
  const common = [
    failure('retry-after in seconds', { 'retry-after': String(seconds) }),
    failure('retry-after-ms', { 'retry-after-ms': String(seconds * 1000), 'retry-after': '1' }),
    failure('retry-after as a date', { 'retry-after': at.toUTCString() }),
  ];
  if (family === 'anthropic') {
    const reset = {
      'anthropic-ratelimit-requests-remaining': '0',
      'anthropic-ratelimit-requests-reset': at.toISOString(),
    };
    return [...common, failure('a reset as a time', reset)];
  }
  const duration = seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
  const reset = { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': duration };
  return [...common, failure('a reset as a duration', reset)];
}

/** Everything else that is over once it has happened. */
export function outages(family: Family, echoed: Echoed): readonly NamedFailure[] {
  const body = (type: string) => (family === 'openai' ? openaiBody(type, echoed) : anthropicBody(type, echoed));
  const inBand =
    family === 'openai'
      ? `data: ${JSON.stringify(openaiBody('server_error', echoed, 'server_error'))}\n\n`
      : anthropicFrame(anthropicBody('overloaded_error', echoed));
  return [
    { what: '401', status: 401, body: body('invalid_api_key') },
    { what: '403', status: 403, body: body('permission_error') },
    { what: '404', status: 404, body: body('not_found_error') },
    { what: '500', status: 500, body: body('api_error') },
    { what: '503', status: 503, body: body('overloaded_error') },
    { what: '504', status: 504, body: body('timeout_error') },
    { what: '529', status: 529, body: body('overloaded_error') },
    {
      what: 'a page that is no JSON',
      status: 502,
      body: `<html>${echoed.key} ${echoed.prompt}</html>`,
      headers: { 'content-type': 'text/html' },
    },
    {
      what: '200 with a page',
      status: 200,
      body: `<html>${echoed.key} ${echoed.prompt}</html>`,
      headers: { 'content-type': 'text/html' },
    },
    { what: 'an error inside a 200', status: 200, events: [inBand] },
  ];
}

/** What the caller did wrong: final, and nothing against the provider. */
export function callersFaults(family: Family, echoed: Echoed): readonly NamedFailure[] {
  const body = (type: string) => (family === 'openai' ? openaiBody(type, echoed) : anthropicBody(type, echoed));
  return [
    { what: '400', status: 400, body: body('invalid_request_error') },
    { what: '413', status: 413, body: body('request_too_large') },
    { what: '422', status: 422, body: body('invalid_request_error') },
  ];
}
