// Decides what workers answer, event by event on a virtual clock, without sockets. For tests of src/router.
import type { Clock, Timer } from '../../src/core/runtime.ts';
import type { Transport, TransportFaultKind, UpstreamHandler, UpstreamRequest } from '../../src/core/transport.ts';
import { chatReply, chatStream } from '../fakes/chat-fixtures.ts';

/** One event of an exchange, `afterMs` after the one before it. */
export type Step = { readonly afterMs: number } & (
  | { readonly is: 'sent' }
  | { readonly is: 'end' }
  | { readonly is: 'head'; readonly status: number; readonly headers: Record<string, string> }
  | { readonly is: 'data'; readonly bytes: Uint8Array }
  | { readonly is: 'fail'; readonly kind: TransportFaultKind }
);
export type Script = readonly Step[];

const bytes = (text: string) => new TextEncoder().encode(text);
const sent: Step = { afterMs: 0, is: 'sent' };
const end: Step = { afterMs: 0, is: 'end' };
const data = (text: string | Uint8Array, afterMs = 0): Step => ({
  afterMs,
  is: 'data',
  bytes: typeof text === 'string' ? bytes(text) : text,
});
const head = (status: number, headers: Record<string, string>, afterMs = 0): Step => ({
  afterMs,
  is: 'head',
  status,
  headers,
});

const JSON_HEAD = { 'content-type': 'application/json' };
const SSE_HEAD = { 'content-type': 'text/event-stream' };
const whole = () => JSON.stringify(chatReply({ text: 'Hello there.' }));
const events = () => chatStream({ text: 'Hello there.', usageEvents: 'last' });

/** What a worker can do; `ms` is how long its first event takes. */
export const plays = {
  reply: (ms = 0): Script => [sent, head(200, JSON_HEAD, ms), data(whole()), end],
  stream: (ms = 0, gapMs = 0): Script => [
    sent,
    head(200, SSE_HEAD, ms),
    ...events().map((event) => data(event, gapMs)),
    end,
  ],
  /** Ends in silence after `count` events. */
  stall: (count: number): Script => [
    sent,
    head(200, SSE_HEAD),
    ...events()
      .slice(0, count)
      .map((event) => data(event)),
  ],
  cut: (count: number, ms = 0): Script => [...plays.stall(count), { afterMs: ms, is: 'fail', kind: 'reset' }],
  status: (status: number, headers: Record<string, string> = {}, body = '{}'): Script => [
    sent,
    head(status, { ...JSON_HEAD, ...headers }),
    data(body),
    end,
  ],
  fault: (kind: TransportFaultKind, ms = 0): Script => [{ afterMs: ms, is: 'fail', kind }],
  silent: (): Script => [sent],
  inBand: (error: unknown): Script => [sent, head(200, SSE_HEAD), data(`data: ${JSON.stringify({ error })}\n\n`), end],
} as const;

export interface Sent {
  readonly request: UpstreamRequest;
  aborted: boolean;
  over: boolean;
}

export interface ScriptedTransport extends Transport {
  readonly sent: Sent[];
  /** Origins asked, in order. */
  origins(): string[];
  /** Exchanges that neither ended nor were aborted. */
  readonly open: number;
  /** What a worker does with its n-th request (from 0). Origins without a play refuse the connection. */
  play(origin: string, script: Script | ((n: number) => Script)): void;
}

export function scriptedTransport(clock: Clock): ScriptedTransport {
  const scripts = new Map<string, Script | ((n: number) => Script)>();
  const sent: Sent[] = [];
  return {
    sent,
    origins: () => sent.map(({ request }) => request.origin),
    get open() {
      return sent.filter(({ aborted, over }) => !aborted && !over).length;
    },
    play: (origin, script) => void scripts.set(origin, script),
    send(request, handler) {
      const n = sent.filter((other) => other.request.origin === request.origin).length;
      const known = scripts.get(request.origin) ?? plays.fault('refused');
      const record: Sent = { request, aborted: false, over: false };
      sent.push(record);
      const runner = run(clock, typeof known === 'function' ? known(n) : known, handler, record);
      return {
        pause: () => runner.pause(),
        resume: () => runner.resume(),
        abort: () => {
          record.aborted = !record.over;
          runner.stop();
        },
      };
    },
    connections: () => 0,
    close: () => Promise.resolve(),
  };
}

function run(clock: Clock, script: Script, handler: UpstreamHandler, record: Sent) {
  let at = 0;
  let timer: Timer | null = null;
  let paused = false;
  let stopped = false;
  const next = () => {
    timer = null;
    if (stopped || paused) return;
    const step = script[at];
    if (step === undefined) return;
    timer = clock.after(step.afterMs, () => {
      timer = null;
      at++;
      if (step.is === 'end' || step.is === 'fail') record.over = true;
      if (step.is === 'sent') handler.sent();
      else if (step.is === 'head') handler.head(step.status, step.headers);
      else if (step.is === 'data') handler.data(step.bytes);
      else if (step.is === 'end') handler.end();
      else handler.fail({ kind: step.kind, text: '' });
      if (timer === null) next();
    });
  };
  next();
  return {
    stop() {
      stopped = true;
      timer?.cancel();
    },
    pause() {
      paused = true;
      timer?.cancel();
      timer = null;
    },
    resume() {
      paused = false;
      if (timer === null) next();
    },
  };
}
