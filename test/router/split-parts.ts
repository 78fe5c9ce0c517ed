// Decides how a test runs one list in parts without a router: a scripted worker of embeddings answers each part when the test's
// clock says so. For tests of src/router/split.
import { RouterError } from '../../src/core/errors.ts';
import type { End, InferenceReply, Sink } from '../../src/core/reply.ts';
import { type InferenceRequest, NO_WANTS } from '../../src/core/request.ts';
import { CallSignal } from '../../src/core/signal.ts';
import { dialects } from '../../src/dialects/index.ts';
import { runSplit } from '../../src/router/split.ts';
import { CALLER, parseCall, toward } from '../fakes/call-parts.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';

const dialect = dialects['openai-embeddings'];
const bytesOf = (text: string) => new TextEncoder().encode(text);

/** What is scripted for a part that begins with this text; what is left out is as it is when all goes well. */
export interface Script {
  readonly delayMs?: number;
  /** Its reply comes although it was told to stop. */
  readonly deaf?: boolean;
  /** `one` throws it. */
  readonly throws?: RouterError;
  /** The reply breaks off after its first bytes. */
  readonly cut?: RouterError;
  readonly served?: string;
  readonly queueMs?: number;
  readonly attempts?: number;
  /** The reply is this long instead. */
  readonly bytes?: number;
}

export interface Ran {
  readonly text: string;
  readonly reply: InferenceReply | null;
  readonly end: End | null;
  readonly error: RouterError | null;
  /** First texts of the parts that were asked for, in order. */
  readonly asked: readonly string[];
  /** Those that were told to stop. */
  readonly stopped: readonly string[];
  readonly discarded: readonly string[];
  readonly mostAtOnce: number;
  readonly open: number;
}

const gone = () => new RouterError('client_gone', 'The caller is gone.');

export async function runScripted(
  inputs: readonly string[],
  most: number,
  script: (first: string) => Script,
  signal = new CallSignal(),
  at: (clock: VirtualClock) => void = () => {},
): Promise<Ran> {
  const clock = new VirtualClock();
  const asked: string[] = [];
  const stopped: string[] = [];
  const discarded: string[] = [];
  let open = 0;
  let mostAtOnce = 0;

  const waited = (first: string, ms: number, part: CallSignal) =>
    new Promise<boolean>((resolve) => {
      const timer = clock.after(ms, () => {
        part.offAbort(stop);
        resolve(true);
      });
      const stop = () => {
        timer.cancel();
        stopped.push(first);
        resolve(false);
      };
      part.onAbort(stop);
    });

  async function one(part: InferenceRequest): Promise<InferenceReply> {
    const { input } = JSON.parse(new TextDecoder().decode(toward(part.call, 'served').body)) as { input: string[] };
    const first = input[0]!;
    const {
      delayMs = 0,
      throws,
      cut,
      deaf = false,
      served = 'pool/served',
      queueMs = 0,
      attempts = 1,
      bytes,
    } = script(first);
    asked.push(first);
    mostAtOnce = Math.max(mostAtOnce, ++open);
    const over = <T>(value: T): T => {
      open--;
      return value;
    };
    if (!(await waited(first, delayMs, deaf ? new CallSignal() : part.signal))) throw over(gone());
    if (throws !== undefined) throw over(throws);
    const data = input.map((text, index) => ({ object: 'embedding', index, embedding: [Number(text.slice(1))] }));
    const usage = { prompt_tokens: input.length, total_tokens: input.length };
    const body = bytes === undefined ? bytesOf(JSON.stringify({ object: 'list', data, usage })) : new Uint8Array(bytes);
    const end: End = {
      how: 'complete',
      error: null,
      bytes: body.length,
      usage: { uncachedTokens: input.length, cachedTokens: 0, outputTokens: 0, reasoningTokens: 0 },
      stop: null,
    };
    return {
      contentType: 'application/json',
      disclosure: {
        asked: 'm',
        served,
        rung: 1,
        degraded: null,
        attempts,
        queueMs,
        coldMs: 0,
        zone: null,
        dropped: ['priority'],
        scores: null,
      },
      headers: ['x-part', first],
      body: {
        length: body.length,
        async pipe(sink: Sink, signal: CallSignal): Promise<End> {
          const half = body.length >> 1;
          sink.write(body.subarray(0, half));
          const whole = await waited(first, delayMs, signal);
          over(null);
          if (!whole) return { ...end, how: 'client_gone', usage: null };
          if (cut !== undefined) {
            sink.fail(cut);
            return { ...end, how: 'failed', error: cut, usage: null };
          }
          sink.write(body.subarray(half));
          sink.end();
          return end;
        },
        failure: () => null,
        discard() {
          over(null);
          discarded.push(first);
        },
      },
    };
  }

  const bytes = bytesOf(JSON.stringify({ model: 'm', input: inputs }));
  const request: InferenceRequest = {
    id: 'req_1',
    dialect,
    body: bytes,
    call: parseCall(dialect, bytes),
    caller: CALLER,
    wants: NO_WANTS,
    run: null,
    signal,
    receivedMs: 0,
  };
  const ran = {
    text: '',
    reply: null as InferenceReply | null,
    end: null as End | null,
    error: null as RouterError | null,
  };
  let over = false;
  const going = runSplit({ request, most, one })
    .then(async (reply) => {
      const runs: Uint8Array[] = [];
      const sink: Sink = {
        head() {},
        write: (run) => runs.push(run) > 0,
        drained: () => Promise.resolve(),
        end: (last) => void (last === undefined || runs.push(last)),
        fail() {},
      };
      ran.end = await reply.body.pipe(sink, signal);
      ran.reply = reply;
      ran.text = Buffer.concat(runs).toString();
    })
    .catch((thrown: unknown) => {
      if (!(thrown instanceof RouterError)) throw thrown;
      ran.error = thrown;
    })
    .finally(() => {
      over = true;
    });
  at(clock);
  while (!over) await clock.advanceSettling(clock.nextInMs ?? 0);
  await going;
  return { ...ran, asked, stopped, discarded, mostAtOnce, open };
}
