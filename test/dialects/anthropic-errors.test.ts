// How Anthropic's clients are told of failures, and what a target's own errors mean. For src/dialects/anthropic-errors.
import Anthropic, { APIError } from '@anthropic-ai/sdk';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { ERROR_CODES, type ErrorCode, RouterError } from '../../src/core/errors.ts';
import { anthropicFault, errorObject, streamError } from '../../src/dialects/anthropic-errors.ts';
import { anthropicMessages as messages } from '../../src/dialects/anthropic-messages.ts';
import { dialects } from '../../src/dialects/index.ts';
import { strictEvents } from '../fakes/strict-events.ts';

const codes = Object.keys(ERROR_CODES) as ErrorCode[];

/** What the official client throws when it gets this error as a reply. */
function thrownFor(error: RouterError): APIError {
  const body = JSON.parse(messages.errorBody(error, 'req_1')) as object;
  return APIError.generate(messages.errorStatus(error), body, undefined, new Headers({ 'request-id': 'req_1' }));
}

describe('an error reply', () => {
  it.each<[ErrorCode, number, Anthropic.ErrorType | 'request_too_large', new (...of: never[]) => Error]>([
    ['invalid_value', 400, 'invalid_request_error', Anthropic.BadRequestError],
    ['invalid_api_key', 401, 'authentication_error', Anthropic.AuthenticationError],
    ['not_allowed', 403, 'permission_error', Anthropic.PermissionDeniedError],
    ['model_not_found', 404, 'not_found_error', Anthropic.NotFoundError],
    ['method_not_allowed', 405, 'invalid_request_error', Anthropic.APIError],
    ['body_timeout', 408, 'invalid_request_error', Anthropic.RequestTimeoutError],
    ['request_too_large', 413, 'request_too_large', Anthropic.ContentTooLargeError],
    ['upgrade_required', 426, 'invalid_request_error', Anthropic.APIError],
    ['headers_too_large', 431, 'invalid_request_error', Anthropic.RequestHeaderFieldsTooLargeError],
    ['rate_limit_exceeded', 429, 'rate_limit_error', Anthropic.RateLimitError],
    ['capacity_contended', 429, 'rate_limit_error', Anthropic.RateLimitError],
    ['internal_error', 500, 'api_error', Anthropic.InternalServerError],
    ['upstream_error', 502, 'api_error', Anthropic.InternalServerError],
    ['worker_full', 529, 'overloaded_error', Anthropic.OverloadedError],
    ['model_warming', 529, 'overloaded_error', Anthropic.OverloadedError],
    ['upstream_timeout', 504, 'timeout_error', Anthropic.GatewayTimeoutError],
  ])('%s is a %i of type %s to the official client', (code, status, type, kind) => {
    const thrown = thrownFor(new RouterError(code, 'Why.'));
    expect(thrown).toBeInstanceOf(kind);
    expect(thrown).toMatchObject({ status, type, errorCode: code, apiMessage: 'Why.', requestID: 'req_1' });
  });

  it('has the same shape for every code', () => {
    for (const code of codes) {
      const body = JSON.parse(messages.errorBody(new RouterError(code, 'Why.'), 'req_1')) as object;
      expect(body, code).toEqual({
        type: 'error',
        error: {
          type: expect.stringMatching(/_error$|^request_too_large$/),
          message: 'Why.',
          details: { error_code: code },
        },
        request_id: 'req_1',
      });
      expect(messages.errorStatus(new RouterError(code, 'Why.')), code).not.toBe(503);
    }
  });

  it('is the same of both routes, with the request’s id where clients look for it', () => {
    const { 'anthropic-messages': one, 'anthropic-count-tokens': other } = dialects;
    expect(one.requestIdHeader).toBe('request-id');
    for (const key of ['errorStatus', 'errorBody', 'requestIdHeader'] as const) expect(other[key]).toBe(one[key]);
  });

  it('is what the official client’s types say', () => {
    type Told = ReturnType<typeof errorObject>;
    type Type = Told['error']['type'];
    // The API documents these types; the client has none for the one, and no object for the other.
    expectTypeOf<Exclude<Type, 'request_too_large'>>().toExtend<Anthropic.ErrorType>();
    type Typed = Omit<Told, 'error'> & {
      error: Omit<Told['error'], 'type'> & { type: Exclude<Type, 'request_too_large' | 'conflict_error'> };
    };
    expectTypeOf<Typed>().toExtend<Anthropic.ErrorResponse>();
    expect(errorObject(new RouterError('not_found', 'x'), 'req_1').request_id).toBe('req_1');
  });
});

describe('the event that ends a stream in failure', () => {
  it('is one event named error with the body of the reply', () => {
    const error = new RouterError('upstream_error', 'line\n\ndata: {"type":"message_stop"}\r\u2028end');
    const [event, ...more] = strictEvents(streamError(error, 'req_1'));
    expect(more).toEqual([]);
    expect(event).toEqual({ event: 'error', data: messages.errorBody(error, 'req_1') });
  });
});

describe('an error that a target states', () => {
  const SECRET = 'sk-ant-api03-secret';
  it.each<[string, unknown, ErrorCode]>([
    ['overloaded', { type: 'overloaded_error' }, 'worker_full'],
    ['over a rate', { type: 'rate_limit_error' }, 'worker_full'],
    ['over a ramp', { type: 'rate_limit_error', details: { error_code: 'ramp_limit_exceeded' } }, 'worker_full'],
    [
      'over a spend limit',
      { type: 'rate_limit_error', details: { error_code: 'enforced_spend_limit_reached' } },
      'upstream_unfunded',
    ],
    ['unpaid', { type: 'billing_error' }, 'upstream_unfunded'],
    [
      'without credit',
      { type: 'invalid_request_error', message: 'Your credit balance is too low' },
      'upstream_unfunded',
    ],
    ['too long', { type: 'invalid_request_error', message: 'prompt is too long: 9 > 8' }, 'context_length_exceeded'],
    ['invalid', { type: 'invalid_request_error' }, 'refused_by_target'],
    ['too large', { type: 'request_too_large' }, 'refused_by_target'],
    ['with a wrong key', { type: 'authentication_error' }, 'upstream_refused_key'],
    ['with a weak key', { type: 'permission_error' }, 'upstream_refused_key'],
    ['not there', { type: 'not_found_error' }, 'upstream_error'],
    ['too late', { type: 'timeout_error' }, 'upstream_timeout'],
    ['failing', { type: 'api_error' }, 'upstream_error'],
    ['new', { type: 'later_error', details: 'x' }, 'upstream_error'],
    ['no object', SECRET, 'upstream_error'],
    ['nothing', null, 'upstream_error'],
  ])('F038 F060 %s: its meaning is kept and its text is not', (_, said, code) => {
    const value = typeof said === 'object' && said !== null ? { message: SECRET, ...said } : said;
    const fault = anthropicFault(value);
    expect(fault.code).toBe(code);
    expect(fault.message).not.toMatch(/secret|credit balance|9 > 8/);
  });
});
