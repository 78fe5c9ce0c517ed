// Decides what an upstream does and reports of each call by what its prompt asks for, and keeps what it said, so that a test can hold
// the router's books against it. For tests of limits and money over real sockets.
import { chatReply, chatStream } from './chat-fixtures.ts';
import { flush, hang, json, pauseMs, reset, type Script, type Step, streamHead, writeAll } from './fault-steps.ts';
import { type FaultUpstream, type LoggedRequest, startFaultUpstream } from './fault-upstream.ts';

/**
 * `whole`: a whole reply. `cut`: the connection is reset after first content. `fail`: 500 everywhere. `fall`: 500 at the first
 * upstream, whole at others. `stall`: some content, then nothing until the caller leaves.
 */
export type Kind = 'whole' | 'cut' | 'fail' | 'fall' | 'stall';

/** What a prompt asks of the upstream; `call` is unique. */
export interface Asked {
  readonly call: string;
  readonly tenant: string;
  readonly kind: Kind;
  readonly holdMs: number;
  /** Tokens to be reported. */
  readonly prompt: number;
  readonly completion: number;
}

export interface Reported {
  readonly prompt: number;
  readonly completion: number;
}

export interface MeteredUpstream {
  readonly url: string;
  readonly upstream: FaultUpstream;
  /** Usage told in whole replies, by call. */
  readonly reported: Map<string, Reported>;
  inFlight(tenant: string): number;
  /** The most that was in flight of a tenant since the last such question. */
  mostInFlight(tenant: string): number;
  close(): Promise<void>;
}

/** The prompt that asks for it; `padding` characters follow. */
export const promptFor = (asked: Asked, padding = 0): string =>
  `${JSON.stringify(asked)}\n${'word '.repeat(padding / 5)}`;

function askedOf({ body }: LoggedRequest): { asked: Asked; stream: boolean } {
  const { messages, stream = false } = JSON.parse(body.toString()) as {
    messages: { content: string }[];
    stream?: boolean;
  };
  const text = messages[0]!.content;
  return { asked: JSON.parse(text.slice(0, text.indexOf('\n'))) as Asked, stream };
}

export async function startMeteredUpstream(place: 'first' | 'other'): Promise<MeteredUpstream> {
  const upstream = await startFaultUpstream({ keep: 1_000 });
  const reported = new Map<string, Reported>();
  const now = new Map<string, number>();
  const most = new Map<string, number>();

  upstream.behave((request): Script => {
    const { asked, stream } = askedOf(request);
    const { tenant, kind, prompt, completion, holdMs } = asked;
    if (kind === 'fail' || (kind === 'fall' && place === 'first'))
      return [json(500, { error: { message: 'down', type: 'server_error' } })];
    const running = (now.get(tenant) ?? 0) + 1;
    now.set(tenant, running);
    most.set(tenant, Math.max(most.get(tenant) ?? 0, running));
    let counted = true;
    // Before the last bytes: from then on the router may let in the next.
    const over: Step = () => {
      if (counted) now.set(tenant, now.get(tenant)! - 1);
      counted = false;
    };
    const gone: Step = (exchange) => void exchange.gone.then(() => over(exchange));
    const tell: Step = () => void reported.set(asked.call, { prompt, completion });
    const usage = { prompt, completion };
    if (kind === 'stall') return [gone, streamHead(), writeAll(chatStream({ usage }).slice(0, 4)), hang()];
    if (kind === 'cut')
      return [gone, pauseMs(holdMs), streamHead(), writeAll(chatStream({ usage }).slice(0, 4)), flush(), over, reset()];
    if (!stream) return [gone, pauseMs(holdMs), over, tell, json(200, chatReply({ usage }))];
    const events = chatStream({ usage, usageEvents: 'last' });
    return [gone, streamHead(), writeAll(events.slice(0, 3)), pauseMs(holdMs), over, tell, writeAll(events.slice(3))];
  });

  return {
    url: upstream.url,
    upstream,
    reported,
    inFlight: (tenant) => now.get(tenant) ?? 0,
    mostInFlight(tenant) {
      const seen = most.get(tenant) ?? 0;
      most.set(tenant, now.get(tenant) ?? 0);
      return seen;
    },
    close: () => upstream.close(),
  };
}
