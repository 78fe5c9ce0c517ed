// Hono routes, the reply goes to the socket beside it. One side of the reply sink decision.
import { createServer } from 'node:http';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono } from 'hono';
import { portArgument, readBody, upstreamDispatch } from './exchange.ts';
import { socketSink } from './socket-sink.ts';

const dispatch = upstreamDispatch(portArgument(3));
const app = new Hono<{ Bindings: HttpBindings }>();
app.post('/v1/chat/completions', (context) => {
  const { incoming, outgoing } = context.env;
  return new Promise<Response>((resolve) => {
    readBody(incoming, (body) => {
      dispatch(
        incoming,
        body,
        socketSink(outgoing as import('node:http').ServerResponse, () => resolve(RESPONSE_ALREADY_SENT)),
      );
    });
  });
});
createServer(getRequestListener(app.fetch)).listen(portArgument(2), '127.0.0.1', 4_096);
