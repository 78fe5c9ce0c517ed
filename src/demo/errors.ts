// How a demo worker says no: vLLM's error objects and their HTTP status. For every route.
import type { ServerResponse } from 'node:http';

export class WorkerError extends Error {
  readonly status: number;
  readonly type: string;
  readonly param: string | null;
  readonly code: string | number;
  /** What the Messages API says for programs beside its message. */
  readonly details: object | null;

  constructor(
    status: number,
    type: string,
    message: string,
    param: string | null = null,
    { code = status, details = null }: { code?: string | number; details?: object | null } = {},
  ) {
    super(message);
    this.name = 'WorkerError';
    this.status = status;
    this.type = type;
    this.param = param;
    this.code = code;
    this.details = details;
  }
}

export function errorBody({ message, type, param, code }: WorkerError): string {
  return JSON.stringify({ error: { message, type, param, code } });
}

export const anthropicErrorBody = ({ type, message, details }: WorkerError) =>
  JSON.stringify({ type: 'error', error: { type, message, ...(details === null ? {} : { details }) } });

/** An error as one kind of route says it. */
export type Refusal = (error: WorkerError) => {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
};

export const jsonRefusal =
  (bodyOf: (error: WorkerError) => string): Refusal =>
  (error) => ({ status: error.status, contentType: 'application/json', body: bodyOf(error) });

export const openAiRefusal = jsonRefusal(errorBody);
export const anthropicRefusal = jsonRefusal(anthropicErrorBody);

export function refuse(response: ServerResponse, error: unknown, refusal: Refusal): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const known = error instanceof WorkerError ? error : new WorkerError(500, 'InternalServerError', String(error));
  const { status, contentType, body } = refusal(known);
  // A body that was not read to its end leaves the connection unusable.
  const closing = known.status === 413 ? { connection: 'close' } : {};
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body), ...closing });
  response.end(body);
}

export const badRequest = (message: string, param: string | null = null) =>
  new WorkerError(400, 'BadRequestError', message, param);

export const modelNotFound = (model: string) =>
  new WorkerError(404, 'NotFoundError', `The model \`${model}\` does not exist.`, 'model');

export const queueFull = (limit: number) =>
  new WorkerError(503, 'ServiceUnavailableError', `The request queue is full (max_num_queued_reqs=${limit}).`);

export const wentToSleep = () => new WorkerError(503, 'ServiceUnavailableError', 'The engine went to sleep.');

export const asleep = () => new WorkerError(503, 'ServiceUnavailableError', 'The engine is sleeping.');

export const engineDead = () =>
  new WorkerError(
    500,
    'InternalServerError',
    'EngineCore encountered an issue. See stack trace (above) for the root cause.',
  );

export const loadingBody = JSON.stringify({
  error: { code: 503, message: 'Loading model', type: 'unavailable_error' },
});

export function promptTooLong(limit: number, promptTokens: number, outputTokens: number): WorkerError {
  return badRequest(
    `This model's maximum context length is ${limit} tokens. However, you requested ${outputTokens} output tokens ` +
      `and your prompt contains ${promptTokens} input tokens, for a total of ${promptTokens + outputTokens} tokens. ` +
      'Please reduce the length of the input prompt or the number of requested output tokens. ' +
      `(parameter=input_tokens, value=${promptTokens})`,
    'input_tokens',
  );
}
