// Judges the events of a streamed chat or text completion: what is content, what ends it, what is a failure. For OpenAI's dialects.
import type { StreamJudge, Usage } from '../core/dialect.ts';
import { RouterError } from '../core/errors.ts';
import type { Stop } from '../core/runs.ts';
import { fieldOf, indexOfBytes, parseSpan, stringOf } from '../wire/json-view.ts';
import { type Field, ScanFault, type ScannedObject, scanObject } from '../wire/scan.ts';
import { DROP, eventData, eventName, FORWARD, STOP } from '../wire/sse.ts';
import { inBandFault } from './faults.ts';
import { streamError } from './openai-errors.ts';
import { stopWith } from './openai-stop.ts';
import { usageFrom } from './openai-usage.ts';
import { timingsIn } from './timings.ts';
import { tierIn } from './usage.ts';

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
const DONE = ascii('[DONE]');
const FINISH_REASON = ascii('"finish_reason"');
const EVENT_LIMITS = { maxDepth: 64, maxTokens: Number.MAX_SAFE_INTEGER, forbidKeys: false } as const;
const BRACE = 0x7b;
/** Beside the verdicts of wire/sse: neither choices, usage nor an error; the event's name decides. */
const BARE = -1;

interface Choice {
  readonly index?: number;
  readonly finish_reason?: string | null;
  readonly [part: string]: unknown;
}

/** Says whether a choice of a chunk carries generated content. */
export type HasContent = (choice: Choice) => boolean;

/** State of one streamed reply. Escaped quotes in generated text keep `"finish_reason"` from matching inside a string. */
class ChunkJudge implements StreamJudge {
  started = false;
  fault: RouterError | null = null;
  usage: Usage | null = null;
  stop: Stop | null = null;
  servedModel: string | null = null;
  reportedMs: number | null = null;
  skippedEvents = 0;
  done = false;
  readonly #hasContent: HasContent;
  readonly #usageAsked: boolean;
  readonly #wanted: number;
  readonly #maxContentEvents: number;
  #ended: Set<number> | null = null;
  #tier: string | undefined;
  /** Behind the one that began the content. */
  #events = 0;

  constructor(hasContent: HasContent, usageAsked: boolean, choices: number, maxContentEvents: number) {
    this.#hasContent = hasContent;
    this.#usageAsked = usageAsked;
    this.#wanted = choices;
    this.#maxContentEvents = maxContentEvents;
  }

  get finished(): boolean {
    return this.#ended !== null && this.#ended.size >= this.#wanted;
  }

  get contentEvents(): number {
    return this.started ? 1 + this.#events : 0;
  }

  judge(bytes: Uint8Array, start: number, end: number): number {
    const data = eventData(bytes, start, end);
    if (data === null) return bytes[start] === BRACE ? this.#rawTail(bytes, start, end) : FORWARD;
    const { bytes: source, start: from, end: to } = data;
    if (equals(source, from, to, DONE)) {
      if (!this.finished)
        return this.#stop(new RouterError('upstream_error', 'The target ended its stream without a finish reason.'));
      this.done = true;
      return FORWARD;
    }
    let scan: ScannedObject;
    try {
      scan = scanObject(source, EVENT_LIMITS, from, to);
    } catch (thrown) {
      if (!(thrown instanceof ScanFault)) throw thrown;
      this.skippedEvents++;
      return DROP;
    }
    const verdict = this.#chunk(source, scan);
    if (verdict !== BARE) return verdict;
    if (eventName(bytes, start, end) !== 'error') return FORWARD;
    return this.#stop(inBandFault(parseSpan(source, scan.open, scan.close + 1)));
  }

  failure(error: RouterError, requestId: string): Uint8Array {
    return streamError(error, requestId);
  }

  tail(bytes: Uint8Array): void {
    if (this.fault === null && bytes[0] === BRACE) this.#rawTail(bytes, 0, bytes.length);
  }

  #chunk(source: Uint8Array, scan: ScannedObject): number {
    const error = fieldOf(scan, 'error');
    if (error !== undefined && error.kind !== 'null')
      return this.#stop(inBandFault(parseSpan(source, error.start, error.end)));
    if (this.servedModel === null) {
      this.servedModel = stringOf(source, fieldOf(scan, 'model')) ?? null;
      this.#tier = tierIn(source, scan);
    }
    const choices = fieldOf(scan, 'choices');
    const usage = fieldOf(scan, 'usage');
    this.reportedMs = timingsIn(scan) ?? this.reportedMs;
    if (usage?.kind === 'object') {
      this.#tier = tierIn(source, scan) ?? this.#tier;
      this.usage = usageFrom(parseSpan(source, usage.start, usage.end), this.#tier) ?? this.usage;
    }
    if (choices?.kind === 'array' && !isEmpty(source, choices)) return this.#read(source, choices);
    if (usage?.kind === 'object') return this.#usageAsked ? FORWARD : DROP;
    if (choices?.kind === 'array') return FORWARD;
    if (stringOf(source, fieldOf(scan, 'object')) !== 'error') return BARE;
    return this.#stop(inBandFault(parseSpan(source, scan.open, scan.close + 1)));
  }

  #read(source: Uint8Array, field: Field): number {
    if (this.started) {
      if (++this.#events > this.#maxContentEvents) {
        return this.#stop(
          new RouterError('upstream_error', 'The target kept on far beyond the asked number of tokens.'),
        );
      }
      if (!mayFinish(source, field)) return FORWARD;
    }
    const choices = parseSpan(source, field.start, field.end) as readonly Choice[];
    for (const choice of choices) {
      if (typeof choice !== 'object' || choice === null) continue;
      const reason = choice.finish_reason;
      if (reason === 'error') {
        return this.#stop(new RouterError('upstream_error', 'The target ended its reply with an error.'));
      }
      // Some servers say '' for "not yet".
      if (typeof reason === 'string' && reason !== '') {
        this.#ended ??= new Set();
        this.#ended.add(choice.index ?? 0);
        this.stop = stopWith(this.stop, reason);
        this.started = true;
      } else if (!this.started && this.#hasContent(choice)) this.started = true;
    }
    return FORWARD;
  }

  /** Some servers append a bare JSON error to a stream of events. */
  #rawTail(bytes: Uint8Array, start: number, end: number): number {
    try {
      const scan = scanObject(bytes, EVENT_LIMITS, start, end);
      const error = fieldOf(scan, 'error');
      if (error !== undefined && error.kind !== 'null')
        return this.#stop(inBandFault(parseSpan(bytes, error.start, error.end)));
    } catch (thrown) {
      if (!(thrown instanceof ScanFault)) throw thrown;
    }
    this.skippedEvents++;
    return DROP;
  }

  #stop(fault: RouterError): number {
    this.fault = fault;
    return STOP;
  }
}

/** Sees a finish reason that is not null, without parsing. */
function mayFinish(source: Uint8Array, field: Field): boolean {
  let at = indexOfBytes(source, FINISH_REASON, field.start, field.end);
  while (at >= 0) {
    let next = at + FINISH_REASON.length;
    while (source[next] === 0x20 || source[next] === 0x3a) next++;
    if (source[next] !== 0x6e) return true;
    at = indexOfBytes(source, FINISH_REASON, next, field.end);
  }
  return false;
}

/** An array without elements, whatever the spacing. */
function isEmpty(source: Uint8Array, { start, end }: Field): boolean {
  let at = start + 1;
  while (source[at]! <= 0x20) at++;
  return at === end - 1;
}

function equals(bytes: Uint8Array, start: number, end: number, wanted: Uint8Array): boolean {
  if (end - start !== wanted.length) return false;
  for (let i = 0; i < wanted.length; i++) if (bytes[start + i] !== wanted[i]) return false;
  return true;
}

export interface ChunkJudgeOptions {
  readonly hasContent: HasContent;
  readonly usageAsked: boolean;
  readonly choices: number;
  /** The caller's bound on output; a reply of more than eight bytes per token, at one byte per event, is a runaway. */
  readonly maxOutputTokens: number | null;
}

export function createChunkJudge(options: ChunkJudgeOptions): StreamJudge {
  const bound =
    options.maxOutputTokens === null ? Number.MAX_SAFE_INTEGER : options.maxOutputTokens * 8 * options.choices + 64;
  return new ChunkJudge(options.hasContent, options.usageAsked, options.choices, bound);
}
