// Decides what one attempt meets when the test plays transport, caller and clock itself. For unit tests of upstream/attempt.
import type { RouterError } from '../../src/core/errors.ts';
import type { Timeouts } from '../../src/core/plan.ts';
import type { End, Sink } from '../../src/core/reply.ts';
import { type InferenceRequest, NO_WANTS } from '../../src/core/request.ts';
import { CallSignal } from '../../src/core/signal.ts';
import type { Exchange, Transport, UpstreamHandler, UpstreamRequest } from '../../src/core/transport.ts';
import type { WorkerHealth, WorkerView } from '../../src/core/worker.ts';
import { openaiChat } from '../../src/dialects/openai-chat.ts';
import { Attempt } from '../../src/upstream/attempt.ts';
import { CALLER, parseCall, poolTarget } from '../fakes/call-parts.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';

export class ScriptedExchange implements Exchange {
  paused = false;
  aborted = false;
  readonly request: UpstreamRequest;
  readonly handler: UpstreamHandler;

  constructor(request: UpstreamRequest, handler: UpstreamHandler) {
    this.request = request;
    this.handler = handler;
  }
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }
  abort(): void {
    this.aborted = true;
  }
}

/** Keeps what was said to it, in order; `full` makes it refuse more until `drain`. */
export class RecordingSink implements Sink {
  readonly said: string[] = [];
  bytes = '';
  full = false;
  failure: RouterError | null = null;
  #drained: (() => void)[] = [];

  head(): void {
    this.said.push('head');
  }
  write(bytes: Uint8Array): boolean {
    this.said.push('write');
    this.bytes += Buffer.from(bytes).toString();
    return !this.full;
  }
  drained(): Promise<void> {
    return this.full ? new Promise((resolve) => this.#drained.push(resolve)) : Promise.resolve();
  }
  end(last?: Uint8Array): void {
    this.said.push('end');
    if (last !== undefined) this.bytes += Buffer.from(last).toString();
  }
  fail(error: RouterError): void {
    this.said.push('fail');
    this.failure = error;
  }
  drain(): void {
    this.full = false;
    for (const resolve of this.#drained.splice(0)) resolve();
  }
  /** Which of end and fail came, in order: never more than one. */
  get terminals(): string[] {
    return this.said.filter((word) => word === 'end' || word === 'fail');
  }
}

export const TIMEOUTS: Timeouts = {
  connectMs: 3_000,
  headersMs: 30_000,
  firstContentMs: 60_000,
  idleMs: 60_000,
  totalMs: 600_000,
};

const WORKER: WorkerView & Pick<WorkerHealth, 'replied'> = {
  id: 'pool/1',
  state: 'warm',
  origin: 'http://127.0.0.1:1',
  basePath: '/base',
  headers: ['authorization', 'Bearer key'],
  replyHeaders: [],
  versioned: false,
  reach: 8,
  limit: 1,
  inFlight: 1,
  backlogTokens: 0,
  zone: null,
  contextTokens: null,
  engineLoad: null,
  expectedFirstContentMs: () => 0,
  usualFirstContentMs: () => 0,
  usualWholeMs: () => 0,
  recentWork: () => 0,
  idleSinceMs: 0,
  replied() {},
  admits: () => true,
};

export interface Played {
  readonly clock: VirtualClock;
  readonly attempt: Attempt;
  readonly exchange: ScriptedExchange;
  readonly up: UpstreamHandler;
  readonly signal: CallSignal;
  readonly sink: RecordingSink;
  /** What `committed` said; undefined while it has not. */
  outcome(): Promise<RouterError | null | undefined>;
  pipe(): void;
  /** How the piped reply ended; undefined while it has not. */
  ended(): End | undefined;
}

export interface PlayOptions {
  readonly stream?: boolean;
  readonly timeouts?: Partial<Timeouts>;
  readonly body?: object;
}

export function play({ stream = true, timeouts, body = {} }: PlayOptions = {}): Played {
  const clock = new VirtualClock({ nowMs: 1_000 });
  const signal = new CallSignal();
  const bytes = Buffer.from(JSON.stringify({ model: 'asked', messages: [], stream, ...body }));
  const request: InferenceRequest = {
    id: 'req_1',
    dialect: openaiChat,
    body: bytes,
    call: parseCall(openaiChat, bytes),
    caller: CALLER,
    wants: NO_WANTS,
    run: null,
    signal,
    receivedMs: clock.nowMs(),
  };
  const limits = { ...TIMEOUTS, ...timeouts };
  let exchange: ScriptedExchange | undefined;
  const transport: Transport = {
    send(sent, handler) {
      exchange = new ScriptedExchange(sent, handler);
      return exchange;
    },
    connections: () => 0,
    close: async () => {},
  };
  const callDeadlineMs = clock.nowMs() + limits.totalMs;
  const spec = { request, target: poolTarget(), model: 'served', worker: WORKER, timeouts: limits, callDeadlineMs };
  const attempt = new Attempt(spec, { transport, clock });
  const sink = new RecordingSink();
  let said: RouterError | null | undefined;
  let end: End | undefined;
  void attempt.committed.then((failure) => {
    said = failure;
  });
  return {
    clock,
    attempt,
    exchange: exchange!,
    up: exchange!.handler,
    signal,
    sink,
    async outcome() {
      await turn();
      return said;
    },
    pipe() {
      const answer = attempt.pipe(sink, signal);
      if (answer instanceof Promise) {
        void answer.then((value) => {
          end = value;
        });
      } else end = answer;
    },
    ended: () => end,
  };
}

export const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

const event = (value: unknown) => Buffer.from(`data: ${JSON.stringify(value)}\n\n`);
const chunk = (delta: object, finish: string | null = null) =>
  event({
    id: 'c',
    object: 'chat.completion.chunk',
    model: 'm',
    choices: [{ index: 0, delta, finish_reason: finish }],
  });

/** Events of a chat stream, one of each kind. */
export const EVENTS = {
  role: chunk({ role: 'assistant', content: '' }),
  content: chunk({ content: 'word' }),
  finish: chunk({}, 'stop'),
  usage: event({ choices: [], usage: { prompt_tokens: 2, completion_tokens: 3 } }),
  done: Buffer.from('data: [DONE]\n\n'),
  ping: Buffer.from(': ping\n\n'),
  broken: Buffer.from('data: {"half\n\n'),
  error: event({ error: { message: 'secret of the target', type: 'server_error' } }),
} as const;

export const STREAM_HEAD = { 'content-type': 'text/event-stream' };
