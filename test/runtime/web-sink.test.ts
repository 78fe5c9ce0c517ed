// Decides that the web-standard sink is a sink. For apps that mount the router, and for the edge.

import { CallSignal } from '../../src/core/signal.ts';
import { createWebExit } from '../../src/http/web-sink.ts';
import { sinkConformance } from './sink-conformance.ts';

sinkConformance('web sink', async (encode) => {
  const signal = new CallSignal();
  const { sink, response } = createWebExit(signal, encode);
  const answered = Promise.resolve(response);
  return {
    sink,
    signal,
    async read() {
      const { status, headers, body } = await answered;
      const parts: Uint8Array[] = [];
      let broken = false;
      try {
        if (body !== null) for await (const part of body) parts.push(part);
      } catch {
        broken = true;
      }
      return { status, headers: Object.fromEntries(headers), bytes: new Uint8Array(Buffer.concat(parts)), broken };
    },
    leave: () => void answered.then(({ body }) => (body?.locked === false ? body.cancel() : undefined)),
    close: () => Promise.resolve(),
  };
});
