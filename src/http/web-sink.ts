// The web-standard way in and out: a Request's body, a Response's stream. The reference for every other sink.
import type { Context } from 'hono';
import { RouterError } from '../core/errors.ts';
import type { HttpLimits } from '../core/limits.ts';
import type { Sink } from '../core/reply.ts';
import { CallSignal } from '../core/signal.ts';
import { joined } from '../wire/join.ts';
import type { Exit, Ingress } from './ingress.ts';

export const webIngress: Ingress = {
  headers: (context) => Object.fromEntries(context.req.raw.headers),
  body: (context, limits) => readBody(context.req.raw, limits),
  signal(context) {
    const signal = new CallSignal();
    const { signal: theirs } = context.req.raw;
    if (theirs.aborted) signal.abort();
    else theirs.addEventListener('abort', () => signal.abort(), { once: true });
    return signal;
  },
  exit: (_context: Context, signal, encode) => createWebExit(signal, encode),
  answer: (_context, { status, headers, body }) => new Response(body, { status, headers }),
};

async function readBody(request: Request, limits: HttpLimits): Promise<Uint8Array> {
  const tooLarge = () => new RouterError('request_too_large', `The body is larger than ${limits.maxBodyBytes} bytes.`);
  if (Number(request.headers.get('content-length') ?? 0) > limits.maxBodyBytes) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const reader = request.body?.getReader();
  for (;;) {
    const read = await reader?.read();
    if (read === undefined || read.done) break;
    bytes += read.value.length;
    if (bytes > limits.maxBodyBytes) {
      void reader?.cancel();
      throw tooLarge();
    }
    chunks.push(read.value);
  }
  return joined(chunks, bytes);
}

/** Answers with a Response whose body is whole where it can be and a stream where it cannot. */
export function createWebExit(signal: CallSignal, encode: (error: RouterError) => Uint8Array | null): Exit {
  const { promise, resolve } = Promise.withResolvers<Response>();
  return { sink: new WebSink(signal, encode, resolve), response: promise };
}

class WebSink implements Sink {
  readonly #signal: CallSignal;
  readonly #encode: (error: RouterError) => Uint8Array | null;
  readonly #answer: (response: Response) => void;
  #init: ResponseInit = {};
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  #pulled: (() => void) | null = null;
  #over = false;

  constructor(
    signal: CallSignal,
    encode: (error: RouterError) => Uint8Array | null,
    answer: (response: Response) => void,
  ) {
    this.#signal = signal;
    this.#encode = encode;
    this.#answer = answer;
  }

  head(status: number, headers: Readonly<Record<string, string>>, length: number | null): void {
    this.#init = { status, headers: length === null ? headers : { ...headers, 'content-length': String(length) } };
  }

  write(bytes: Uint8Array): boolean {
    if (this.#over) return true;
    const controller = this.#open();
    controller.enqueue(bytes);
    return (controller.desiredSize ?? 0) > 0;
  }

  drained(): Promise<void> {
    if (this.#over || (this.#controller?.desiredSize ?? 1) > 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#pulled = resolve;
    });
  }

  end(last?: Uint8Array): void {
    if (this.#over) return;
    if (this.#controller === null) {
      this.#over = true;
      this.#answer(new Response((last ?? null) as BodyInit | null, this.#init));
      return;
    }
    if (last !== undefined) this.#controller.enqueue(last);
    this.#over = true;
    this.#controller.close();
  }

  fail(error: RouterError): void {
    if (this.#over) return;
    const controller = this.#open();
    this.#over = true;
    const bytes = this.#encode(error);
    if (bytes === null) controller.error(error);
    else {
      controller.enqueue(bytes);
      controller.close();
    }
  }

  #open(): ReadableStreamDefaultController<Uint8Array> {
    if (this.#controller === null) {
      const body = new ReadableStream<Uint8Array>(
        {
          start: (controller) => {
            this.#controller = controller;
          },
          pull: () => this.#release(),
          cancel: () => {
            this.#over = true;
            this.#release();
            this.#signal.abort();
          },
        },
        new ByteLengthQueuingStrategy({ highWaterMark: 16 * 1024 }),
      );
      this.#answer(new Response(body, this.#init));
    }
    return this.#controller!;
  }

  #release(): void {
    const pulled = this.#pulled;
    this.#pulled = null;
    pulled?.();
  }
}
