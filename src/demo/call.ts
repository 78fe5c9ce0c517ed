// What a route is handed and shares with the others. For every route that reads a body.
import type { ServerResponse } from 'node:http';
import type { Clock } from '../core/runtime.ts';
import type { Engine } from './engine.ts';
import { badRequest, modelNotFound, promptTooLong, type WorkerError } from './errors.ts';
import type { Body } from './fields.ts';
import type { Job } from './job.ts';
import type { DemoSettings } from './options.ts';
import type { StoredConversations } from './stored-conversations.ts';

export interface Call {
  readonly body: Body;
  readonly response: ServerResponse;
  /** Also the tail of a generation's id, as at vLLM. */
  readonly requestId: string;
  readonly settings: DemoSettings;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly stored: StoredConversations;
  /** Says no in the route's own form; only as long as no head is out. */
  readonly refuse: (error: WorkerError) => void;
}

export function checkModel({ body, settings }: Call): void {
  const { model } = body;
  if (model === undefined || model === null) return;
  if (typeof model !== 'string') throw badRequest('model must be a string.', 'model');
  if (model !== settings.model) throw modelNotFound(model);
}

/** Tokens an answer may have; throws vLLM's refusal when the call is longer than the context. */
export function answerRoom({ settings }: Call, promptTokens: number, asked: number | undefined): number {
  const room = settings.maxModelLen - promptTokens;
  if (room < (asked ?? 1)) throw promptTooLong(settings.maxModelLen, promptTokens, asked ?? 0);
  return asked ?? room;
}

/** A closed connection frees the slot at once, whatever the call was doing. */
export function run({ engine, response }: Call, job: Job): void {
  const abort = engine.submit(job);
  response.once('close', abort);
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const body = JSON.stringify(value);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

export const seconds = (clock: Clock) => Math.floor(clock.wallMs() / 1000);
