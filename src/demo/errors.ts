// How a demo worker says no: vLLM's error objects and their HTTP status. For every route.

export class WorkerError extends Error {
  readonly status: number;
  readonly type: string;
  readonly param: string | null;

  constructor(status: number, type: string, message: string, param: string | null = null) {
    super(message);
    this.name = 'WorkerError';
    this.status = status;
    this.type = type;
    this.param = param;
  }
}

export function errorBody(error: WorkerError): string {
  return JSON.stringify({
    error: { message: error.message, type: error.type, param: error.param, code: error.status },
  });
}

export const badRequest = (message: string, param: string | null = null) =>
  new WorkerError(400, 'BadRequestError', message, param);

export const modelNotFound = (model: string) =>
  new WorkerError(404, 'NotFoundError', `The model \`${model}\` does not exist.`, 'model');

export const queueFull = (limit: number) =>
  new WorkerError(503, 'ServiceUnavailableError', `The request queue is full (max_num_queued_reqs=${limit}).`);

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
