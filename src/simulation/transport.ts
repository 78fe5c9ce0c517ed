// The network of a simulation: which simulated worker answers an exchange, and when each of its events comes. For simulate.
import type { Clock, Timer } from '../core/runtime.ts';
import type { Exchange, Transport, UpstreamHandler, UpstreamRequest } from '../core/transport.ts';
import { type Bodies, streams } from './call.ts';
import type { Door } from './door.ts';
import type { Cancel } from './engine-model.ts';
import { CONTENT_FRAME, endFrame } from './frames.ts';

const STREAM = { 'content-type': 'text/event-stream' };
const JSON_TYPE = { 'content-type': 'application/json' };
const encoder = new TextEncoder();
/** A stream shows that it goes on so often; single tokens would tell a router nothing more. */
const ALIVE_MS = 1_000;

export interface SimulatedNetwork {
  readonly clock: Clock;
  readonly bodies: Bodies;
  /** By origin. */
  readonly doors: ReadonlyMap<string, Door>;
}

/** A request comes to its worker after the worker's overhead; answers come without delay. */
export function simulatedTransport({ clock, bodies, doors }: SimulatedNetwork): Transport {
  const open = new Set<SimulatedExchange>();
  return {
    send(request, handler) {
      const exchange = new SimulatedExchange(handler, clock, () => open.delete(exchange));
      open.add(exchange);
      const door = doors.get(request.origin);
      if (door === undefined) {
        clock.after(0, () => exchange.fail('dns', `${request.origin} is nowhere`));
        return exchange;
      }
      clock.after(door.profile.overheadMs, () => arrive(exchange, door, request, bodies));
      return exchange;
    },
    connections: () => open.size,
    close: async () => {
      for (const exchange of open) exchange.abort();
    },
  };
}

/** Hands on events until the exchange is over. There is no back-pressure: replies are a few bytes long. */
class SimulatedExchange implements Exchange {
  isOver = false;
  cancel: Cancel | null = null;
  readonly #handler: UpstreamHandler;
  readonly #clock: Clock;
  readonly #left: () => void;
  #alive: Timer | null = null;

  constructor(handler: UpstreamHandler, clock: Clock, left: () => void) {
    this.#handler = handler;
    this.#clock = clock;
    this.#left = left;
  }

  pause(): void {}
  resume(): void {}

  abort(): void {
    if (this.isOver) return;
    this.#over();
    this.cancel?.();
  }

  sent(): void {
    if (!this.isOver) this.#handler.sent();
  }

  head(status: number, headers: Readonly<Record<string, string>>): void {
    if (!this.isOver) this.#handler.head(status, headers);
  }

  data(chunk: Uint8Array): void {
    if (!this.isOver) this.#handler.data(chunk);
  }

  /** Content now, and again and again until the end. */
  streams(): void {
    if (this.isOver) return;
    this.#handler.data(CONTENT_FRAME);
    this.#alive = this.#clock.after(ALIVE_MS, () => this.streams());
  }

  end(): void {
    if (this.isOver) return;
    this.#over();
    this.#handler.end();
  }

  fail(kind: 'refused' | 'reset' | 'dns', text: string): void {
    if (this.isOver) return;
    this.#over();
    this.#handler.fail({ kind, text });
  }

  #over(): void {
    this.isOver = true;
    this.#alive?.cancel();
    this.#left();
  }
}

function arrive(exchange: SimulatedExchange, door: Door, request: UpstreamRequest, bodies: Bodies): void {
  if (exchange.isOver) return;
  if (door.closed === 'refused') return exchange.fail('refused', 'the port is closed');
  exchange.sent();
  if (door.closed !== null) return answer(exchange, door.closed, 'Loading model');
  const call = request.body === null ? undefined : bodies.get(request.body);
  if (call === undefined) return answer(exchange, 200, pageOf(door));
  const { spec, served } = call;
  const isStream = streams(spec);
  let cachedTokens = 0;
  // A listener may end the exchange, and so cancel the job, before `submit` has answered.
  let headSent = false;
  const head = () => {
    if (headSent) return;
    headSent = true;
    exchange.head(200, isStream ? STREAM : JSON_TYPE);
  };
  const job = door.engine.submit({
    inputTokens: spec.inputTokens,
    outputTokens: spec.outputTokens,
    blocks: spec.blocks,
    blockTokens: spec.blockTokens,
    isKnown: spec.isKnown,
    started(cached) {
      cachedTokens = cached;
      served.workerId = door.id;
      served.reusedTokens = cached;
    },
    content() {
      head();
      if (isStream) exchange.streams();
    },
    ended() {
      exchange.data(endFrame(spec.inputTokens - cachedTokens, cachedTokens, spec.outputTokens));
      exchange.end();
    },
    cut: () => exchange.fail('reset', 'the worker went down'),
  });
  if (job === 'full') return answer(exchange, 503, 'The queue of this worker is full.');
  if (job === 'too_long') return answer(exchange, 400, 'This exceeds the maximum context length of this worker.');
  exchange.cancel = job;
  if (exchange.isOver) return job();
  // Like vLLM: the head of a stream goes out as soon as the call is accepted.
  if (isStream) head();
}

function answer(exchange: SimulatedExchange, status: number, text: string): void {
  exchange.head(status, JSON_TYPE);
  exchange.data(encoder.encode(text));
  exchange.end();
}

/** What a worker tells of its load, under vLLM's names; whoever asks for its health alone reads the status. */
function pageOf({ engine, profile }: Door): string {
  return [
    `vllm:num_requests_running ${engine.running}`,
    `vllm:num_requests_waiting ${engine.waiting}`,
    `vllm:kv_cache_usage_perc ${engine.memoryShare}`,
    ...(profile.kind === 'batching' && profile.kvHolds
      ? [`vllm:cache_config_info{block_size="1",num_gpu_blocks="${profile.kvTokens}"} 1`]
      : []),
    '',
  ].join('\n');
}
