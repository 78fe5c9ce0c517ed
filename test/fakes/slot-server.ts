// A worker of a known size, as a process of its own: so many calls at once, each for so long, a bounded line, 503 beyond it. It
// can be made slower, or to come and go, while it serves. Started by slot-worker.ts; for tests of overload over real sockets.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SlotOrders, SlotReport, SlotShape } from './slot-worker.ts';

/** Of its service a stream's first content comes after this share, as an engine reads before it writes. */
const READING = 0.3;
const OUTPUT_TOKENS = 20;

const shape = JSON.parse(process.argv[2]!) as SlotShape;
let serviceMs = shape.serviceMs;
let running = 0;
let flapping: NodeJS.Timeout | null = null;
const line: Job[] = [];
const report: SlotReport = { served: 0, refused: 0, gone: 0, mostRunning: 0 };

interface Job {
  readonly response: ServerResponse;
  readonly stream: boolean;
  timer: NodeJS.Timeout | null;
}

const server = createServer(async (request: IncomingMessage, response) => {
  if (request.method !== 'POST') return void response.end('{}');
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  if (running >= shape.slots && line.length >= shape.waiting) {
    report.refused++;
    response.writeHead(503, { 'content-type': 'application/json' });
    return void response.end('{"error":{"message":"full","type":"server_error"}}');
  }
  const job: Job = { response, stream: text.includes('"stream":true'), timer: null };
  response.once('close', () => leave(job));
  if (running < shape.slots) start(job);
  else line.push(job);
});

function start(job: Job): void {
  running++;
  report.mostRunning = Math.max(report.mostRunning, running);
  const readMs = job.stream ? serviceMs * READING : serviceMs;
  const writeMs = serviceMs - readMs;
  job.timer = setTimeout(() => {
    if (!job.stream) return finish(job);
    job.response.writeHead(200, { 'content-type': 'text/event-stream' });
    job.response.write(event({ choices: [{ index: 0, delta: { role: 'assistant', content: 'word' } }] }));
    job.timer = setTimeout(() => finish(job), writeMs);
  }, readMs);
}

function finish({ response, stream }: Job): void {
  report.served++;
  const usage = { prompt_tokens: 10, completion_tokens: OUTPUT_TOKENS, total_tokens: 10 + OUTPUT_TOKENS };
  if (stream) {
    response.write(event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }));
    response.end(`${event({ choices: [], usage })}data: [DONE]\n\n`);
    return;
  }
  const message = { role: 'assistant', content: 'word' };
  const choices = [{ index: 0, message, finish_reason: 'stop' }];
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ id: 'x', object: 'chat.completion', created: 1, model: 'served', choices, usage }));
}

function event(more: object): string {
  const chunk = { id: 'x', object: 'chat.completion.chunk', created: 1, model: 'served', ...more };
  return `data: ${JSON.stringify(chunk)}\n\n`;
}

/** Its reply is over, or its caller is gone: either way the slot is the next one's. */
function leave(job: Job): void {
  if (!job.response.writableFinished) report.gone++;
  const at = line.indexOf(job);
  if (at >= 0) return void line.splice(at, 1);
  if (job.timer === null) return;
  clearTimeout(job.timer);
  job.timer = null;
  running--;
  const next = line.shift();
  if (next !== undefined) start(next);
}

async function listen(port: number): Promise<number> {
  server.listen(port, '127.0.0.1', 4_096);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Down is what a killed process looks like: connections are reset, new ones refused. */
function flap(port: number, everyMs: number): void {
  flapping = setInterval(() => {
    if (!server.listening) return void server.listen(port, '127.0.0.1', 4_096);
    server.close();
    server.closeAllConnections();
  }, everyMs);
}

const port = await listen(0);
process.on('message', (orders: SlotOrders) => {
  serviceMs = orders.serviceMs ?? serviceMs;
  if (orders.flapMs !== undefined) {
    if (flapping !== null) clearInterval(flapping);
    flapping = null;
    if (orders.flapMs !== null) flap(port, orders.flapMs);
    else if (!server.listening) server.listen(port, '127.0.0.1', 4_096);
  }
  process.send!(report);
});
process.once('disconnect', () => process.exit(0));
process.send!({ port });
