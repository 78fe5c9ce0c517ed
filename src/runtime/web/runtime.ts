// What the router takes from a web-standard host: fetch, timers, crypto. For apps that embed it, and for the edge.
import type { Log, Runtime } from '../../core/runtime.ts';
import { createWebLog, SILENT, type WebLogLevel, type WriteLine } from './log.ts';
import { newWebId, webClock, webDigest, webRandom } from './machine.ts';
import { createWebTransport, type Fetch, type WebTransportOptions } from './transport.ts';

export interface WebRuntimeOptions extends Partial<WebTransportOptions> {
  /** Where log lines go, such as `console.log`; without it nothing is logged. */
  readonly write?: WriteLine;
  /** Default `summary`: warnings, errors and one line per call. */
  readonly level?: WebLogLevel;
  /** Keeps the host alive for work that outlives a reply; Workers need theirs. */
  readonly waitUntil?: (work: Promise<unknown>) => void;
}

export function createWebRuntime(options: WebRuntimeOptions = {}): Runtime {
  const { write, level = 'summary', waitUntil, decodes } = options;
  const log = write === undefined ? SILENT : createWebLog(level, write);
  return {
    transport: createWebTransport({
      fetch: options.fetch ?? hostFetch,
      ...(decodes === undefined ? {} : { decodes }),
    }),
    clock: webClock,
    random: webRandom,
    newId: newWebId,
    digest: webDigest,
    background(task) {
      const work = quietly(task, log);
      waitUntil?.(work);
    },
    log,
  };
}

/** Looked up at each call, so that a host or a test may put another in its place. */
const hostFetch: Fetch = (url, init) => globalThis.fetch(url, init);

/** Nobody waits for this work, so a failure of it ends in the log. */
async function quietly(task: () => void | Promise<void>, log: Log): Promise<void> {
  try {
    // The caller's own turn comes first.
    await null;
    await task();
  } catch (thrown) {
    log.error('fault', { name: thrown instanceof Error ? thrown.name : typeof thrown });
  }
}
