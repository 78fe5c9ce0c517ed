// Decides what a refusal and an in-band error look like in each dialect, and what the official clients read in them.
// For suites that hold for all surfaces alike.
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { expect } from 'vitest';
import type { ErrorCode } from '../../src/core/errors.ts';
import { type RawResponse, strictEvents } from '../fakes/raw-client.ts';
import type { Frames } from '../upstream/wire-streams.ts';
import type { Surface } from './surfaces.ts';

/** What must be true of one refusal, whatever the surface. */
export interface Expected {
  /** As OpenAI's dialects say it; 503 is 529 in Anthropic's. */
  readonly status: number;
  readonly code: ErrorCode;
  /** Waiting cures it. */
  readonly waits: boolean;
  readonly text?: RegExp;
}

const ANTHROPIC_TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  415: 'invalid_request_error',
  429: 'rate_limit_error',
  502: 'api_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};
const TEI_TYPES: Readonly<Partial<Record<ErrorCode, string>>> = {
  model_warming: 'Unhealthy',
  draining: 'Unhealthy',
  capacity_contended: 'Overloaded',
};

export const speaksAnthropic = ({ dialect }: Surface): boolean => dialect.startsWith('anthropic-');

/** Shows status, headers and shape of a refusal; answers with its text. */
export function isRefused(surface: Surface, response: RawResponse, expected: Expected): string {
  const status = speaksAnthropic(surface) && expected.status === 503 ? 529 : expected.status;
  const { headers, body } = response;
  expect(response.status, body.toString()).toBe(status);
  expect(response.complete).toBe(true);
  expect(headers['content-type']).toBe('application/json');
  expect(headers['cache-control']).toBe('no-store');
  expect(headers['x-content-type-options']).toBe('nosniff');
  expect(headers['x-request-id']).toMatch(/^req_[0-9a-f]{32}$/);
  expect(headers['request-id']).toBe(speaksAnthropic(surface) ? headers['x-request-id'] : undefined);
  if (expected.waits) {
    expect(headers['retry-after']).toMatch(/^([1-9]|[1-4]\d|5[0-5])$/);
    expect(headers).not.toHaveProperty('x-should-retry');
  } else {
    expect(headers).not.toHaveProperty('retry-after');
    expect(headers['x-should-retry']).toBe('false');
  }
  for (const name of ['served', 'rung', 'degraded', 'queue-ms', 'scores', 'dropped'])
    expect(headers).not.toHaveProperty(`x-spillway-${name}`);
  const text = shapeOf(surface, response, status, expected.code);
  expect(text.length).toBeGreaterThan(10);
  if (expected.text !== undefined) expect(text).toMatch(expected.text);
  return text;
}

function shapeOf(surface: Surface, response: RawResponse, status: number, code: ErrorCode): string {
  const value = JSON.parse(response.body.toString());
  const id = response.headers['x-request-id'];
  const headers = new Headers(response.headers);
  switch (surface.dialect) {
    case 'rerank':
      return rerankText(surface, value, id, status, code);
    case 'anthropic-messages':
    case 'anthropic-count-tokens': {
      const { message } = value.error;
      const type = ANTHROPIC_TYPES[status];
      expect(value).toEqual({
        type: 'error',
        error: { type, message, details: { error_code: code } },
        request_id: id,
      });
      const thrown = Anthropic.APIError.generate(status, value, undefined, headers);
      expect(thrown).toMatchObject({ status, type, requestID: id });
      return message;
    }
    default: {
      const { message, type, param } = value.error;
      expect(value).toEqual({ error: { message, type, param, code } });
      const thrown = OpenAI.APIError.generate(status, value, undefined, headers);
      expect(thrown).toMatchObject({ status, type, code, requestID: id });
      return message;
    }
  }
}

function rerankText(
  { path }: Surface,
  value: Record<string, string>,
  id: string | undefined,
  status: number,
  code: ErrorCode,
): string {
  const { message, detail, error } = value;
  if (path === '/v2/rerank') expect(value).toEqual({ id, message });
  else if (path === '/v1/rerank') expect(value).toEqual({ detail: message, message });
  else {
    const type = code === 'missing_field' ? 'Empty' : (TEI_TYPES[code] ?? (status < 500 ? 'Validation' : 'Backend'));
    expect(value).toEqual({ error, error_type: type, detail: error });
  }
  return (message ?? detail)!;
}

/** What the official clients of a dialect take for the failure of a stream: exactly one event behind those that went out. */
export function endsInBand(
  surface: Surface,
  response: RawResponse,
  frames: Frames,
  whole: number,
  code: ErrorCode = 'upstream_error',
): void {
  expect(response).toMatchObject({ status: 200, complete: true });
  const sent = Buffer.concat(frames.events.slice(0, whole).filter((_, at) => frames.shown(at)));
  expect(response.body.subarray(0, sent.length).equals(sent)).toBe(true);
  const [failure, ...more] = strictEvents(response.body.subarray(sent.length));
  expect(more).toEqual([]);
  const said = JSON.parse(failure!.data);
  const id = response.headers['x-request-id'];
  switch (surface.dialect) {
    case 'anthropic-messages': {
      const { type, message } = said.error;
      expect(failure!.event).toBe('error');
      expect(said).toEqual({ type: 'error', error: { type, message, details: { error_code: code } }, request_id: id });
      return;
    }
    case 'openai-responses':
      expect(failure!.event).toBe('response.failed');
      expect(said).toMatchObject({
        type: 'response.failed',
        sequence_number: whole,
        response: { id: frames.mark, status: 'failed', output: [], usage: null },
      });
      expect(said.response.error.code).toMatch(/^(server_error|rate_limit_exceeded)$/);
      return;
    default:
      expect(failure!.event).toBeUndefined();
      expect(said).toMatchObject({ error: { code }, request_id: id });
  }
}
