// Starts a demo worker for one test and closes it after; instant unless the test sets rates. For the tests of src/demo.
import OpenAI from 'openai';
import { onTestFinished } from 'vitest';
import { type DemoWorker, type DemoWorkerOptions, startDemoWorker } from '../../src/demo/index.ts';

export interface Started {
  readonly worker: DemoWorker;
  readonly client: OpenAI;
  post(path: string, body: unknown, init?: RequestInit): Promise<Response>;
  get(path: string, init?: RequestInit): Promise<Response>;
}

export async function started(options: DemoWorkerOptions = {}): Promise<Started> {
  const worker = await startDemoWorker({ prefillTokensPerSecond: 0, decodeTokensPerSecond: 0, ...options });
  onTestFinished(() => worker.close());
  const client = new OpenAI({ baseURL: `${worker.url}/v1`, apiKey: options.apiKey ?? 'none', maxRetries: 0 });
  return {
    worker,
    client,
    post: (path, body, init = {}) =>
      fetch(worker.url + path, {
        method: 'POST',
        body: typeof body === 'string' ? body : JSON.stringify(body),
        ...init,
        headers: { 'content-type': 'application/json', ...init.headers },
      }),
    get: (path, init) => fetch(worker.url + path, init),
  };
}

export const ask = (content: string, more: object = {}) => ({
  model: 'demo-large',
  messages: [{ role: 'user' as const, content }],
  ...more,
});

/** The JSON of each event, and whether the stream said that it is whole. */
export function eventsOf(text: string): { events: Record<string, unknown>[]; done: boolean } {
  const lines = text.split('\n\n').filter((part) => part !== '');
  const data = lines.map((line) => {
    if (!line.startsWith('data: ')) throw new Error(`not an event: ${line}`);
    return line.slice('data: '.length);
  });
  const done = data.at(-1) === '[DONE]';
  return { events: (done ? data.slice(0, -1) : data).map((json) => JSON.parse(json)), done };
}
