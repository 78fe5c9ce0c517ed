// Judges the events of a streamed message: what is content, what ends it, what is a failure. For anthropic-messages.
import type { StreamJudge, Usage } from '../core/dialect.ts';
import { RouterError } from '../core/errors.ts';
import type { Stop } from '../core/runs.ts';
import { fieldOf, parseSpan, stringOf } from '../wire/json-view.ts';
import { ScanFault, type ScannedObject, scanObject } from '../wire/scan.ts';
import { DROP, eventData, eventName, FORWARD, STOP } from '../wire/sse.ts';
import { beginsWithContent, hasContent } from './anthropic-content.ts';
import { anthropicFault, streamError } from './anthropic-errors.ts';
import { stopOf } from './anthropic-stop.ts';
import { type Counted, counted, usageOf } from './anthropic-usage.ts';
import { timingsIn } from './timings.ts';

const EVENT_LIMITS = { maxDepth: 64, maxTokens: Number.MAX_SAFE_INTEGER, forbidKeys: false } as const;
const BRACE = 0x7b;

type Values = Readonly<Record<string, unknown>>;

/** State of one streamed message: begun, then content, then a stop reason, then its end, in that order. */
class MessageJudge implements StreamJudge {
  started = false;
  finished = false;
  fault: RouterError | null = null;
  usage: Usage | null = null;
  stop: Stop | null = null;
  servedModel: string | null = null;
  reportedMs: number | null = null;
  skippedEvents = 0;
  readonly #maxContentEvents: number;
  #begun = false;
  #reasoned = false;
  #counters: Counted | null = null;
  #contentBegan = false;
  /** Behind the one that began the content. */
  #events = 0;

  constructor(maxContentEvents: number) {
    this.#maxContentEvents = maxContentEvents;
  }

  get done(): boolean {
    return this.finished;
  }

  get contentEvents(): number {
    return this.#contentBegan ? 1 + this.#events : 0;
  }

  judge(bytes: Uint8Array, start: number, end: number): number {
    const data = eventData(bytes, start, end);
    if (data === null) {
      if (bytes[start] === BRACE) return this.#rawTail(bytes, start, end);
      return eventName(bytes, start, end) === 'error' ? this.#stop(anthropicFault(null)) : FORWARD;
    }
    const { bytes: source, start: from, end: to } = data;
    let scan: ScannedObject;
    try {
      scan = scanObject(source, EVENT_LIMITS, from, to);
    } catch (thrown) {
      if (!(thrown instanceof ScanFault)) throw thrown;
      // Clients take an event of this name for the end, whatever it holds.
      if (eventName(bytes, start, end) === 'error') return this.#stop(anthropicFault(null));
      this.skippedEvents++;
      return DROP;
    }
    const error = fieldOf(scan, 'error');
    if (error !== undefined && error.kind !== 'null')
      return this.#stop(anthropicFault(parseSpan(source, error.start, error.end)));
    const type = stringOf(source, fieldOf(scan, 'type'));
    switch (type) {
      case 'content_block_delta':
        return this.#content(source, scan, 'delta', hasContent);
      case 'content_block_start':
        return this.#content(source, scan, 'content_block', beginsWithContent);
      case 'message_start':
        return this.#begin(objectOf(source, scan, 'message'));
      case 'message_delta':
        this.reportedMs = timingsIn(scan);
        return this.#change(objectOf(source, scan, 'delta'), objectOf(source, scan, 'usage'));
      case 'message_stop':
        return this.#end();
      case 'content_block_stop':
      case 'ping':
        return FORWARD;
      default:
        if (type !== 'error' && eventName(bytes, start, end) !== 'error') return FORWARD;
        return this.#stop(anthropicFault(objectOf(source, scan)));
    }
  }

  tail(bytes: Uint8Array): void {
    if (this.fault === null && bytes[0] === BRACE) this.#rawTail(bytes, 0, bytes.length);
  }

  failure(error: RouterError, requestId: string): Uint8Array {
    return streamError(error, requestId);
  }

  /** Clients refuse a second message, and pass over all that stands before the first. */
  #begin(message: Values): number {
    if (this.#begun) return this.#broken('The target began a second message in one stream.');
    this.#begun = true;
    if (typeof message['model'] === 'string') this.servedModel = message['model'];
    this.#count(message['usage']);
    const content = message['content'];
    if (Array.isArray(content) && content.length > 0) this.#contentBegan = this.started = true;
    return FORWARD;
  }

  #content(source: Uint8Array, scan: ScannedObject, key: string, fills: (value: Values) => boolean): number {
    if (!this.#begun) return this.#broken('The target sent content before it began a message.');
    if (!this.started) this.#contentBegan = this.started = fills(objectOf(source, scan, key));
    else if (++this.#events > this.#maxContentEvents)
      return this.#broken('The target kept on far beyond the asked number of tokens.');
    return FORWARD;
  }

  #change(delta: Values, usage: Values): number {
    const reason = delta['stop_reason'];
    if (typeof reason === 'string' && reason !== '') {
      this.#reasoned = true;
      this.stop = stopOf(reason);
    }
    this.#count(usage);
    return FORWARD;
  }

  #end(): number {
    if (!this.#begun) return this.#broken('The target ended a message that it never began.');
    if (!this.#reasoned) return this.#broken('The target ended its message without a stop reason.');
    // An empty answer is an answer.
    this.started = true;
    this.finished = true;
    return FORWARD;
  }

  #count(value: unknown): void {
    this.#counters = counted(this.#counters, value);
    if (this.#counters !== null) this.usage = usageOf(this.#counters);
  }

  /** Some servers append a bare JSON error to a stream of events. */
  #rawTail(bytes: Uint8Array, start: number, end: number): number {
    try {
      const scan = scanObject(bytes, EVENT_LIMITS, start, end);
      const error = fieldOf(scan, 'error');
      if (error !== undefined && error.kind !== 'null')
        return this.#stop(anthropicFault(parseSpan(bytes, error.start, error.end)));
      if (stringOf(bytes, fieldOf(scan, 'type')) === 'error') return this.#stop(anthropicFault(null));
    } catch (thrown) {
      if (!(thrown instanceof ScanFault)) throw thrown;
    }
    this.skippedEvents++;
    return DROP;
  }

  #broken(text: string): number {
    return this.#stop(new RouterError('upstream_error', text));
  }

  #stop(fault: RouterError): number {
    this.fault = fault;
    return STOP;
  }
}

const NOTHING: Values = {};

/** One field of an event, or all of it, as an object; an empty one where it is none. */
function objectOf(source: Uint8Array, scan: ScannedObject, key?: string): Values {
  if (key === undefined) return parseSpan(source, scan.open, scan.close + 1) as Values;
  const field = fieldOf(scan, key);
  return field?.kind === 'object' ? (parseSpan(source, field.start, field.end) as Values) : NOTHING;
}

/** A message of more than eight bytes per asked token, at one byte per event, is a runaway. */
export function createMessageJudge(maxOutputTokens: number | null): StreamJudge {
  return new MessageJudge(maxOutputTokens === null ? Number.MAX_SAFE_INTEGER : maxOutputTokens * 8 + 64);
}
