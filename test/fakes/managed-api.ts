// Decides what all fake managed APIs have in common: a server on loopback that records each call, answers it or fails on
// command, for the fakes of one family each.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type ApiRequest = { method: string; path: string; headers: Record<string, string>; body: string };
export type ApiAnswer = {
  status: number;
  json?: unknown;
  /** An event stream instead of `json`, event by event. */
  events?: readonly (string | Buffer)[];
  headers?: Record<string, string>;
};
/** `body` is sent as it is where it is a text, else as JSON. */
export type ApiFailure = Omit<ApiAnswer, 'json'> & { body?: unknown };

export interface ManagedApi {
  /** Scheme, host and port. */
  readonly origin: string;
  readonly requests: ApiRequest[];
  /** The next `times` calls get this answer; with `only`, the next ones whose body names that model. */
  fail(failure: ApiFailure, times?: number, only?: string): void;
  close(): Promise<void>;
}

export interface ManagedApiRules {
  answer(request: ApiRequest): ApiAnswer;
  /** Of every reply; `number` counts from 1. */
  headers(number: number, tookMs: number): Record<string, string>;
}

type Order = { failure: ApiFailure; left: number; only: string | undefined };

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

export async function startManagedApi({ answer, headers }: ManagedApiRules): Promise<ManagedApi> {
  const requests: ApiRequest[] = [];
  let orders: Order[] = [];

  function ordered(body: string): ApiFailure | undefined {
    const order = orders.find(({ only }) => only === undefined || body.includes(`"model":"${only}"`));
    if (order === undefined) return undefined;
    order.left--;
    orders = orders.filter(({ left }) => left > 0);
    return order.failure;
  }

  const respond = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const startedMs = performance.now();
    const received: Record<string, string> = {};
    for (const [name, value] of Object.entries(incoming.headers)) received[name] = String(value);
    const { method = '', url: path = '' } = incoming;
    const request: ApiRequest = { method, path, headers: received, body: await bodyOf(incoming) };
    requests.push(request);
    const failure = ordered(request.body);
    const said: ApiAnswer = failure === undefined ? answer(request) : { json: failure.body, ...failure };
    outgoing.writeHead(said.status, {
      'content-type': said.events ? 'text/event-stream; charset=utf-8' : 'application/json',
      ...headers(requests.length, performance.now() - startedMs),
      ...said.headers,
    });
    for (const one of said.events ?? []) outgoing.write(one);
    outgoing.end(said.events ? undefined : typeof said.json === 'string' ? said.json : JSON.stringify(said.json));
  };

  const server = createServer((incoming, outgoing) => {
    // A caller that leaves while its body is read has nobody to answer to.
    respond(incoming, outgoing).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    fail(failure, times = 1, only) {
      orders.push({ failure, left: times, only });
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
