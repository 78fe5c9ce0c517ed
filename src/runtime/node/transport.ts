// Upstream HTTP on Node: undici dispatch, pushed straight into the attempt. For entry/node.
import type { Dispatcher } from 'undici';
import Pool from 'undici/lib/dispatcher/pool.js';
import type { Exchange, HeaderView, Transport, UpstreamHandler, UpstreamRequest } from '../../core/transport.ts';
import { faultOf } from '../fault.ts';
import { Cohort } from './cohort.ts';

export interface NodeTransportOptions {
  /** A connection attempt is given up after this, ms; the attempt's own, shorter timer decides for the call. */
  readonly connectTimeoutMs: number;
  readonly keepAliveMs: number;
}

const DEFAULTS: NodeTransportOptions = { connectTimeoutMs: 10_000, keepAliveMs: 30_000 };

/** Fixed on every request: replies must come as they are, so that nothing has to be unpacked. */
const FIXED = ['content-type', 'application/json', 'accept-encoding', 'identity', 'user-agent', 'spillway'];
const FIXED_GET = ['accept-encoding', 'identity', 'user-agent', 'spillway'];

export function createNodeTransport(options: Partial<NodeTransportOptions> = {}): Transport {
  const { connectTimeoutMs, keepAliveMs } = { ...DEFAULTS, ...options };
  const pools = new Map<string, Pool>();

  function poolOf(origin: string): Pool {
    let pool = pools.get(origin);
    if (pool === undefined) {
      pool = new Pool(origin, {
        // The gate bounds the calls at a worker, and each call has one connection.
        connections: null,
        pipelining: 1,
        allowH2: false,
        connect: { timeout: connectTimeoutMs },
        keepAliveTimeout: keepAliveMs,
        // The attempt's own timers bind, so the ones in here are off.
        headersTimeout: 0,
        bodyTimeout: 0,
        maxHeaderSize: 16 * 1024,
      });
      pools.set(origin, pool);
    }
    return pool;
  }

  return {
    send(request, handler) {
      const exchange = new NodeExchange(handler);
      poolOf(request.origin).dispatch(dispatchOptions(request), exchange);
      return exchange;
    },
    connections() {
      let open = 0;
      for (const pool of pools.values()) open += pool.stats.connected;
      return open;
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
      pools.clear();
    },
  };
}

function dispatchOptions(request: UpstreamRequest): Dispatcher.DispatchOptions {
  const { path, method, headers, body } = request;
  const fixed = method === 'POST' ? FIXED : FIXED_GET;
  return { path, method, headers: headers.length === 0 ? fixed : [...fixed, ...headers], body };
}

/** Exchanges whose replies are whole. */
const answered = new Cohort();

/** Undici's side of one exchange. After `abort` it is deaf. */
class NodeExchange implements Exchange, Dispatcher.DispatchHandler {
  #handler: UpstreamHandler | null;
  #controller: Dispatcher.DispatchController | null = null;
  #paused = false;

  constructor(handler: UpstreamHandler) {
    this.#handler = handler;
  }

  pause(): void {
    this.#paused = true;
    this.#controller?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#controller?.resume();
  }

  abort(): void {
    if (this.#handler === null) return;
    this.#handler = null;
    this.#controller?.abort(ABORTED);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#handler === null) return controller.abort(ABORTED);
    if (this.#paused) controller.pause();
    this.#handler.sent();
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: HeaderView): void {
    // Interim answers are no answer.
    if (status >= 200) this.#handler?.head(status, headers);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    this.#handler?.data(chunk);
  }

  onResponseEnd(): void {
    answered.add(this.#ended);
  }

  /** What breaks in the handler is the exchange's failure, as undici has it. */
  readonly #ended = (): void => {
    const handler = this.#handler;
    this.#handler = null;
    try {
      handler?.end();
    } catch (thrown) {
      handler?.fail(faultOf(thrown as Error));
    }
  };

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const handler = this.#handler;
    this.#handler = null;
    handler?.fail(faultOf(error));
  }

  onRequestUpgrade(controller: Dispatcher.DispatchController): void {
    controller.abort(ABORTED);
  }
}

const ABORTED = Object.assign(new Error('the router ended the exchange'), { code: 'SPILLWAY_ABORTED' });
