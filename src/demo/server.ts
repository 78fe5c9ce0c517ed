// When a demo worker's port opens and closes, and what its owner sees of it. For startDemoWorker.
import { randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../core/runtime.ts';
import { seconds } from './call.ts';
import { machineClock } from './clock.ts';
import { Engine } from './engine.ts';
import { openAiRefusal, refuse } from './errors.ts';
import { answer } from './exchange.ts';
import type { Counters, Gauges } from './metrics.ts';
import { type DemoSettings, type DemoWorkerOptions, settingsFrom } from './options.ts';
import { bodiedRoutes, plainRoutes, type Site } from './routes.ts';
import { StoredConversations } from './stored-conversations.ts';

// An import would look at all that the module offers, its WebSocket too, for whose sake Node compiles a whole HTTP client.
const { createServer } = process.getBuiltinModule('node:http');

export interface DemoWorkerStats extends Gauges {
  readonly counters: Counters;
  readonly cachedBlocks: number;
  readonly connections: number;
}

export interface DemoWorker {
  readonly url: string;
  readonly port: number;
  readonly settings: DemoSettings;
  /** Settled when the model is loaded; at once unless it answers while loading. */
  readonly ready: Promise<void>;
  /** A copy: it does not change afterwards. */
  stats(): DemoWorkerStats;
  /** From now on every call is a 500 and /health a 503. */
  killEngine(): void;
  /** Takes no further calls, lets running ones finish for at most `graceMs` (0), then cuts every connection. */
  close(graceMs?: number): Promise<void>;
}

/** Waits while the model "loads"; ends early, without error, when the owner gives up. */
function loading(clock: Clock, delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  if (delayMs === 0 || signal?.aborted === true) return Promise.resolve();
  return new Promise((done) => {
    const timer = clock.after(delayMs, done);
    signal?.addEventListener('abort', () => {
      timer.cancel();
      done();
    });
  });
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function idsFrom(random: DemoWorkerOptions['random']): () => string {
  if (random === undefined) return () => randomBytes(16).toString('hex');
  return () => Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16)).join('');
}

/** Rejects with the signal's reason when it is aborted before the port is open. */
export async function startDemoWorker(options: DemoWorkerOptions = {}): Promise<DemoWorker> {
  const { clock = machineClock, random, signal, ...given } = options;
  const settings = settingsFrom(given);
  const engine = new Engine(settings, clock);
  const site: Site = {
    settings,
    clock,
    engine,
    newId: idsFrom(random),
    stored: new StoredConversations(),
    plain: plainRoutes(settings),
    bodied: bodiedRoutes(settings),
    createdSeconds: seconds(clock),
    loading: false,
  };
  let closing = false;
  const server = createServer((request, response) => {
    // While closing, a connection whose reply is out has nothing to wait for.
    response.once('close', () => {
      if (closing) setImmediate(() => server.closeIdleConnections());
    });
    answer(site, request, response).catch((error: unknown) => refuse(response, error, openAiRefusal));
  });
  let connections = 0;
  server.on('connection', (socket) => {
    connections += 1;
    socket.once('close', () => {
      connections -= 1;
    });
  });

  let ready = Promise.resolve();
  if (settings.startUpMode === 'refuse') await loading(clock, settings.startUpMs, signal);
  else {
    site.loading = settings.startUpMs > 0;
    ready = loading(clock, settings.startUpMs, signal).then(() => {
      site.loading = false;
    });
  }
  signal?.throwIfAborted();
  const port = await listen(server, settings.host, settings.port);
  const host = settings.host.includes(':') ? `[${settings.host}]` : settings.host;

  return {
    url: `http://${host}:${port}`,
    port,
    settings,
    ready,
    stats: () => ({
      ...engine.gauges(),
      counters: structuredClone(engine.counters),
      cachedBlocks: engine.cachedBlocks,
      connections,
    }),
    killEngine: () => engine.kill(),
    close: async (graceMs = 0) => {
      closing = true;
      const closed = new Promise<void>((done) => server.close(() => done()));
      if (graceMs === 0) server.closeAllConnections();
      const timer = graceMs === 0 ? undefined : clock.after(graceMs, () => server.closeAllConnections());
      await closed;
      timer?.cancel();
      engine.close();
    },
  };
}
