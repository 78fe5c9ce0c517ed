// Decides how a port fails before any HTTP is spoken: refused, swallowed at connect, or silent,
// for tests of connect and header timers.

import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { Worker } from 'node:worker_threads';

/** A port of loopback on which nothing listens: connection refused. */
export async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

export type SilentPort = {
  port: number;
  connections(): number;
  bytesReceived(): number;
  close(): Promise<void>;
};

/** Accepts, reads, never answers. It also serves as a TLS handshake that stalls. */
export async function silentPort(): Promise<SilentPort> {
  const sockets = new Set<Socket>();
  let bytes = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (part) => {
      bytes += part.length;
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => sockets.size,
    bytesReceived: () => bytes,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

// The thread sleeps inside the 'listening' callback, so the kernel's accept queue is never emptied.
const neverAccepts = `
const { createServer } = require('node:net');
const { parentPort, workerData } = require('node:worker_threads');
const server = createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  parentPort.postMessage(server.address().port);
  Atomics.wait(new Int32Array(workerData), 0, 0);
  process.exit();
});`;

const settledWithinMs = 100;

function connectsInTime(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), settledWithinMs);
    socket.once('connect', () => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}

/** A listener whose accept queue is full: a connect gets neither an answer nor a refusal. */
export async function blackHole(): Promise<{ port: number; close(): Promise<void> }> {
  const bell = new SharedArrayBuffer(4);
  const worker = new Worker(neverAccepts, { eval: true, workerData: bell });
  const [port] = (await once(worker, 'message')) as [number];
  const fillers: Socket[] = [];
  const close = async () => {
    for (const socket of fillers) socket.destroy();
    Atomics.store(new Int32Array(bell), 0, 1);
    Atomics.notify(new Int32Array(bell), 0);
    await worker.terminate();
  };
  for (let tries = 0; tries < 64; tries++) {
    const filler = connect({ port, host: '127.0.0.1' });
    filler.on('error', () => {});
    fillers.push(filler);
    if (!(await connectsInTime(filler))) return { port, close };
  }
  await close();
  throw new Error('this system keeps completing connections beyond the backlog');
}
