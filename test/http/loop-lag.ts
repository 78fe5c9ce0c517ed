// Decides how long the router's event loop was busy without a break while a caller did its worst. The caller writes from
// a thread of its own, and CPU time is counted, so that neighbours on the machine do not matter. For hostile bodies.

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/** `repeat` is written `times` times between `head` and `tail`, in pieces of about 64 KiB and under back-pressure. */
export interface Flood {
  readonly port: number;
  readonly head: string;
  readonly repeat: string;
  readonly times: number;
  readonly tail: string;
}

export interface Flooded {
  /** All that came back until the router closed or answered with `connection: close`. */
  readonly text: string;
  /** CPU time of the longest turn of the router's loop: nobody else was served meanwhile. */
  readonly longestStallMs: number;
  readonly sentBytes: number;
}

const caller = `
const { parentPort, workerData } = require('node:worker_threads');
const { connect } = require('node:net');
const { port, head, repeat, times, tail } = workerData;
const perPiece = Math.max(1, Math.floor(65536 / repeat.length));
const piece = Buffer.from(repeat.repeat(perPiece));
const socket = connect(port, '127.0.0.1');
let text = '', left = times, over = false, sentBytes = 0;
const finish = () => {
  if (over) return;
  over = true;
  parentPort.postMessage({ text, sentBytes });
  socket.destroy();
};
const pump = () => {
  while (left > 0 && !over && !socket.destroyed) {
    const count = Math.min(perPiece, left);
    left -= count;
    sentBytes += count * repeat.length;
    if (!socket.write(count === perPiece ? piece : piece.subarray(0, count * repeat.length))) return;
  }
  if (left === 0) { left = -1; socket.write(tail); }
};
const whole = () => {
  const end = text.indexOf('\\r\\n\\r\\n');
  const length = /content-length: (\\d+)/i.exec(text);
  return end >= 0 && length !== null && text.length >= end + 4 + Number(length[1]);
};
socket.on('connect', () => { socket.write(head); pump(); });
socket.on('drain', pump);
socket.on('data', (bytes) => { text += bytes.toString('latin1'); if (whole()) finish(); });
socket.on('error', finish);
socket.on('close', finish);
`;

export async function flood(options: Flood): Promise<Flooded> {
  const worker = new Worker(caller, { eval: true, workerData: options });
  let longestStallMs = 0;
  let over = false;
  let lastMs = Number.NaN;
  const look = () => {
    const { user, system } = process.threadCpuUsage();
    const spentMs = (user + system) / 1000;
    if (spentMs - lastMs > longestStallMs) longestStallMs = spentMs - lastMs;
    lastMs = spentMs;
    if (!over) setImmediate(look);
  };
  await once(worker, 'online');
  look();
  const [answer] = (await once(worker, 'message')) as [{ text: string; sentBytes: number }];
  over = true;
  await worker.terminate();
  return { ...answer, longestStallMs };
}

/** The calmest of three runs: a collection of garbage that falls due in one of them is not its own. */
export async function calmestOf(run: () => Promise<Flooded>): Promise<Flooded> {
  let best = await run();
  for (let i = 0; i < 2; i++) {
    const next = await run();
    if (next.longestStallMs < best.longestStallMs) best = next;
  }
  return best;
}
