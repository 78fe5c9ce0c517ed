// The calls of a soak: streams, whole replies, embeddings and cut connections of eight tenants' agents, one at a time. For the load.
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { Random } from '../../src/core/runtime.ts';
import { weighted } from '../../src/simulation/chance.ts';

export const KINDS = ['stream', 'whole', 'embed', 'cut'] as const;
export type Kind = (typeof KINDS)[number];
const SHARES = [0.4, 0.3, 0.15, 0.15];
/** Of each tenant. What the router remembers of runs is bounded, but far above what ten minutes fill. */
const RUNS = 25;
const ANSWER_TOKENS = 24;
const LONGEST_CUT_MS = 600;
/** One call in so many waits but briefly. */
const IMPATIENT = 5;
/** Longer than anything may take here. */
const TIMEOUT_MS = 30_000;
const SYSTEM = 'You are the assistant of a workshop; answer in one sentence and name the part. '.repeat(12);

/** How a call ended: as it should, refused by name, cut by its caller, or in a way that no call may end in. */
export type Ended = 'complete' | 'refused' | 'cut' | `wrong: ${string}`;

export interface Caller {
  /** Begins one call; `random` says which. */
  call(random: Random, kind?: Kind): Promise<{ readonly kind: Kind; readonly ended: Ended }>;
  /** Connections of its own, open and idle. */
  close(): void;
}

export function createCaller(origin: string, keys: readonly string[]): Caller {
  const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  return {
    async call(random, kind = KINDS[weighted(random, SHARES)]!) {
      const tenant = Math.floor(random() * keys.length);
      const body = kind === 'embed' ? embedBody(random) : chatBody(tenant, kind !== 'whole', random);
      const path = kind === 'embed' ? '/v1/embeddings' : '/v1/chat/completions';
      const headers: Record<string, string | number> = {
        authorization: `Bearer ${keys[tenant]}`,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      };
      if (random() < 0.5) headers['x-spillway-run'] = `run-${Math.floor(random() * RUNS)}`;
      if (random() * IMPATIENT < 1) headers['x-spillway-max-wait'] = '100ms';
      const sent = request(`${origin}${path}`, { method: 'POST', agent, headers });
      const cutMs = kind === 'cut' ? random() * LONGEST_CUT_MS : null;
      const ended = ending(sent, kind, cutMs);
      sent.end(body);
      return { kind, ended: await ended };
    },
    close: () => agent.destroy(),
  };
}

function chatBody(tenant: number, stream: boolean, random: Random): string {
  const run = Math.floor(random() * RUNS);
  return JSON.stringify({
    model: 'chat',
    stream,
    max_tokens: ANSWER_TOKENS,
    ignore_eos: true,
    messages: [
      { role: 'system', content: `Workshop ${tenant}. ${SYSTEM}` },
      { role: 'user', content: `Question ${run}: which part goes where?` },
    ],
  });
}

function embedBody(random: Random): string {
  const texts = Array.from({ length: 3 }, () => `part ${Math.floor(random() * 1_000)} of the pump`);
  return JSON.stringify({ model: 'embed', input: texts });
}

function ending(sent: ClientRequest, kind: Kind, cutMs: number | null): Promise<Ended> {
  return new Promise((resolve) => {
    let cut = false;
    const timers = [setTimeout(() => over('wrong: no end in time'), TIMEOUT_MS)];
    const over = (ended: Ended) => {
      for (const timer of timers) clearTimeout(timer);
      if (!cut && ended.startsWith('wrong')) sent.destroy();
      resolve(cut ? 'cut' : ended);
    };
    if (cutMs !== null) {
      timers.push(
        setTimeout(() => {
          cut = true;
          sent.destroy();
          over('cut');
        }, cutMs),
      );
    }
    sent.on('error', (error) => over(`wrong: ${error.message}`));
    sent.on('response', (reply) => void read(reply).then((text) => over(judged(reply, text, kind))));
  });
}

async function read(reply: IncomingMessage): Promise<string> {
  let text = '';
  try {
    for await (const chunk of reply.setEncoding('utf8')) text += chunk;
  } catch {
    return '';
  }
  return text;
}

function judged({ statusCode, headers }: IncomingMessage, text: string, kind: Kind): Ended {
  if (statusCode === 429 || statusCode === 503) {
    return headers['retry-after'] === undefined ? 'wrong: refused without a word of when' : 'refused';
  }
  if (statusCode !== 200) return `wrong: ${statusCode} ${text.slice(0, 200)}`;
  if (kind === 'embed') return text.includes('"embedding"') ? 'complete' : 'wrong: no embeddings';
  if (kind === 'whole') return text.includes('"finish_reason":"length"') ? 'complete' : 'wrong: not whole';
  return text.endsWith('data: [DONE]\n\n') ? 'complete' : `wrong: a stream that was cut: ${text.slice(-200)}`;
}
