// Hono routes, the reply goes out as a web Response: whole when buffered, a ReadableStream when not. The other side of
// the reply sink decision.
import { createServer, type IncomingMessage } from 'node:http';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { keptHeaders, portArgument, readBody, upstreamDispatch } from './exchange.ts';

const dispatch = upstreamDispatch(portArgument(3));
const streaming = process.argv[4] === 'stream';

/** Collected, then answered in one piece; the override of the globals makes this Response the adapter's light one. */
function whole(incoming: IncomingMessage, body: Buffer, resolve: (response: Response) => void): void {
  const chunks: Buffer[] = [];
  let status = 502;
  let headers: Record<string, string> = {};
  dispatch(incoming, body, {
    onRequestStart() {},
    onResponseStart(_controller, code, received) {
      status = code;
      headers = keptHeaders(received);
    },
    onResponseData(_controller, chunk) {
      chunks.push(chunk);
    },
    onResponseEnd() {
      const reply = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
      resolve(new Response(reply as Uint8Array<ArrayBuffer>, { status, headers }));
    },
    onResponseError() {
      resolve(new Response(null, { status: 502 }));
    },
  });
}

/** Pushed into a ReadableStream as it comes, paused while the reader is behind. */
function pushed(incoming: IncomingMessage, body: Buffer, resolve: (response: Response) => void): void {
  let out!: ReadableStreamDefaultController<Uint8Array>;
  let resume = () => {};
  let abort = (_reason: Error) => {};
  dispatch(incoming, body, {
    onRequestStart(controller) {
      resume = () => controller.resume();
      abort = (reason) => controller.abort(reason);
    },
    onResponseStart(_controller, status, received) {
      const stream = new ReadableStream<Uint8Array>(
        {
          start(controller) {
            out = controller;
          },
          pull: () => resume(),
          cancel: () => abort(new Error('client gone')),
        },
        { highWaterMark: 65_536, size: (chunk) => chunk!.byteLength },
      );
      resolve(new Response(stream, { status, headers: keptHeaders(received) }));
    },
    onResponseData(controller, chunk) {
      out.enqueue(chunk);
      if (out.desiredSize !== null && out.desiredSize <= 0) controller.pause();
    },
    onResponseEnd() {
      out.close();
    },
    onResponseError(_controller, error) {
      if (out === undefined) resolve(new Response(null, { status: 502 }));
      else out.error(error);
    },
  });
}

const app = new Hono<{ Bindings: HttpBindings }>();
const answer = streaming ? pushed : whole;
app.post('/v1/chat/completions', (context) => {
  const { incoming } = context.env;
  return new Promise<Response>((resolve) =>
    readBody(incoming as IncomingMessage, (body) => answer(incoming as IncomingMessage, body, resolve)),
  );
});
createServer(getRequestListener(app.fetch)).listen(portArgument(2), '127.0.0.1', 4_096);
