// The raw sink: an upstream reply written straight to node's ServerResponse, with back-pressure. For bare and hono-raw.
import type { ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import { keptHeaders } from './exchange.ts';

export function socketSink(outgoing: ServerResponse, done: () => void): Dispatcher.DispatchHandler {
  let drain: (() => void) | null = null;
  return {
    onRequestStart(controller) {
      drain = () => controller.resume();
      outgoing.on('close', () => {
        if (!outgoing.writableFinished) controller.abort(new Error('client gone'));
      });
    },
    onResponseStart(_controller, status, headers) {
      outgoing.writeHead(status, keptHeaders(headers));
    },
    onResponseData(controller, chunk) {
      if (!outgoing.write(chunk)) {
        controller.pause();
        outgoing.once('drain', drain!);
      }
    },
    onResponseEnd() {
      outgoing.end();
      done();
    },
    onResponseError() {
      outgoing.destroy();
      done();
    },
  };
}
