// The reference: node:http and undici's Pool.dispatch with nothing between them. Every ratio is to this.
import { createServer } from 'node:http';
import { portArgument, readBody, upstreamDispatch } from './exchange.ts';
import { socketSink } from './socket-sink.ts';

const dispatch = upstreamDispatch(portArgument(3));
createServer((incoming, outgoing) => {
  readBody(incoming, (body) =>
    dispatch(
      incoming,
      body,
      socketSink(outgoing, () => {}),
    ),
  );
}).listen(portArgument(2), '127.0.0.1', 4_096);
