// Sends calls with keys that nobody has, so many a second, from a process of its own. For key-flood.test.ts.
import { once } from 'node:events';
import { connect } from 'node:net';
import { nodeDigest } from '../../src/runtime/node/machine.ts';
import { issueKey } from '../../src/tenants/key-issue.ts';
import { postBytes } from '../fakes/raw-client.ts';

const [port, perSecond, seconds] = process.argv.slice(2).map(Number) as [number, number, number];
const SOCKETS = 20;
const TICK_MS = 10;

const terms = { tenant: 'x', name: '', expiresMs: null, models: null, routes: null };
const randomBytes = (count: number) => crypto.getRandomValues(new Uint8Array(count));
const made = Array.from({ length: 1_000 }, () => issueKey(terms, { randomBytes, digest: nodeDigest, wallMs: 0 }));
// Without a body each connection is kept, which is what costs the router most requests.
const requests = (await Promise.all(made)).map(({ key }) =>
  postBytes('/v1/chat/completions', '', { 'x-api-key': key }),
);
const sockets = Array.from({ length: SOCKETS }, () => connect({ host: '127.0.0.1', port }));
let answers = 0;
for (const socket of sockets) {
  await once(socket, 'connect');
  socket.on('data', (bytes: Buffer) => {
    answers += bytes.toString('latin1').split('HTTP/1.1 401').length - 1;
  });
}
// Getting ready costs the machine more than the flood itself.
process.stdout.write('ready\n');
const startMs = performance.now();
let sent = 0;
const timer = setInterval(() => {
  const elapsedMs = performance.now() - startMs;
  const due = Math.min(perSecond * seconds, Math.floor((elapsedMs * perSecond) / 1_000));
  for (; sent < due; sent++) sockets[sent % SOCKETS]!.write(requests[sent % requests.length]!);
  if (elapsedMs < seconds * 1_000 + 500) return;
  clearInterval(timer);
  process.stdout.write(JSON.stringify({ sent, answers }));
  for (const socket of sockets) socket.destroy();
}, TICK_MS);
