// Runs one caller's list in the parts that a worker takes, and answers as if it had been one call. For router/dispatch.
import type { CheckedReply, JoinedReply, ParsedCall, SplitCall } from '../core/dialect.ts';
import { RouterError } from '../core/errors.ts';
import { REPLY_LIMITS } from '../core/limits.ts';
import type { Disclosure, InferenceReply, Sink } from '../core/reply.ts';
import type { InferenceRequest } from '../core/request.ts';
import { CallSignal } from '../core/signal.ts';
import { joined } from '../wire/join.ts';
import { JoinedBody } from './joined-body.ts';

/** Parts of one call under way at once, so that a long list does not take a pool for itself. */
const MOST_AT_ONCE = 8;

export interface SplitRun {
  readonly request: InferenceRequest;
  /** Items that the worker takes at once. */
  readonly most: number;
  /** Asks for one part, with a permit of its own. Its reply is read to the end. */
  one(part: InferenceRequest): Promise<InferenceReply>;
}

/** A part's whole reply. */
interface PartAnswer {
  readonly reply: InferenceReply;
  readonly checked: CheckedReply;
}

const clientGone = () => new RouterError('client_gone', 'The caller is gone.');
const isClientGone = (thrown: unknown) => thrown instanceof RouterError && thrown.code === 'client_gone';

/** The call itself where it needs no splitting. One part's failure ends all, and is thrown once none is under way. */
export async function runSplit({ request, most, one }: SplitRun): Promise<InferenceReply> {
  const split = request.call.split(most);
  if (split === null) return one(request);
  const signal = new CallSignal();
  const abort = () => signal.abort();
  request.signal.onAbort(abort);
  try {
    const answers = await answersOf(split, request, signal, one);
    return wholeReply(answers, split.join(answers.map(({ checked }) => checked)));
  } finally {
    request.signal.offAbort(abort);
  }
}

async function answersOf(
  { parts }: SplitCall,
  request: InferenceRequest,
  signal: CallSignal,
  one: SplitRun['one'],
): Promise<readonly PartAnswer[]> {
  const answers: PartAnswer[] = new Array(parts.length);
  const held = { bytes: 0 };
  const failures: unknown[] = [];
  let served: string | null = null;
  let next = 0;
  const ask = async (part: ParsedCall) => {
    const answer = await answerOf(await one({ ...request, call: part, signal }), held, signal);
    served ??= answer.reply.disclosure.served;
    if (answer.reply.disclosure.served !== served) throw mixed();
    return answer;
  };
  const lane = async () => {
    try {
      while (next < parts.length && !signal.aborted) {
        const at = next++;
        answers[at] = await ask(parts[at]!);
      }
    } catch (thrown) {
      failures.push(thrown);
      signal.abort();
    }
  };
  await Promise.all(Array.from({ length: Math.min(MOST_AT_ONCE, parts.length) }, lane));
  // Whose part was ended for another's sake says that the caller is gone.
  if (failures.length > 0) throw failures.find((thrown) => !isClientGone(thrown)) ?? failures[0];
  if (signal.aborted) throw clientGone();
  return answers;
}

async function answerOf(reply: InferenceReply, held: { bytes: number }, signal: CallSignal): Promise<PartAnswer> {
  if (signal.aborted) {
    reply.body.discard();
    throw clientGone();
  }
  const sink = new HoldingSink(held, signal);
  const { how, error, usage, stop } = await reply.body.pipe(sink, signal);
  if (sink.isOver) throw runaway();
  if (how !== 'complete') throw error ?? clientGone();
  return { reply, checked: { body: sink.body(), usage, stop, servedModel: null, reportedMs: null } };
}

const mixed = () => new RouterError('upstream_error', 'The parts of one list were answered by different models.');
const runaway = () =>
  new RouterError('upstream_error', 'The target sent more than a reply may hold.', { retryable: false });

/** Keeps one part's bytes; `held` is what all parts of the call keep. Beyond the bound of one reply it ends the call. */
class HoldingSink implements Sink {
  readonly #held: { bytes: number };
  readonly #signal: CallSignal;
  readonly #runs: Uint8Array[] = [];
  #bytes = 0;
  isOver = false;

  constructor(held: { bytes: number }, signal: CallSignal) {
    this.#held = held;
    this.#signal = signal;
  }

  head(): void {}

  write(run: Uint8Array): boolean {
    this.#held.bytes += run.length;
    if (this.#held.bytes <= REPLY_LIMITS.maxReplyBytes) {
      this.#runs.push(run);
      this.#bytes += run.length;
    } else if (!this.isOver) {
      this.isOver = true;
      this.#signal.abort();
    }
    return true;
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }

  end(last?: Uint8Array): void {
    if (last !== undefined) this.write(last);
  }

  fail(): void {}

  body(): Uint8Array {
    return joined(this.#runs, this.#bytes);
  }
}

function wholeReply(answers: readonly PartAnswer[], whole: JoinedReply): InferenceReply {
  const { contentType } = answers[0]!.reply;
  const disclosure = disclosureOf(answers.map(({ reply }) => reply.disclosure));
  // A header of the target's tells of one part, and may say other things in the next.
  return { contentType, disclosure, headers: [], body: new JoinedBody(whole) };
}

/** The parts went side by side to one target: they took all their attempts, and the longest of their waits. */
function disclosureOf(parts: readonly Disclosure[]): Disclosure {
  return {
    ...parts[0]!,
    charge: parts.reduce<number | null>((sum, { charge }) => (sum === null || charge == null ? null : sum + charge), 0),
    attempts: parts.reduce((sum, { attempts }) => sum + attempts, 0),
    queueMs: parts.reduce((most, { queueMs }) => Math.max(most, queueMs), 0),
    coldMs: parts.reduce((most, { coldMs }) => Math.max(most, coldMs), 0),
    dropped: [...new Set(parts.flatMap(({ dropped }) => dropped))],
  };
}
