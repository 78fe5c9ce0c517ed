// Judges the events of a streamed response: what is content, what ends it, what is a failure. For openai-responses.
import type { StreamJudge, Usage } from '../core/dialect.ts';
import { RouterError } from '../core/errors.ts';
import { REPLY_LIMITS } from '../core/limits.ts';
import { boundedId, type Stop } from '../core/runs.ts';
import { fieldOf, parseSpan, stringOf } from '../wire/json-view.ts';
import type { Field, ScannedObject } from '../wire/scan.ts';
import { DROP, eventData, eventName, FORWARD, STOP } from '../wire/sse.ts';
import { textOf } from '../wire/text.ts';
import { failedEvent } from './openai-responses-failure.ts';
import { responseFault } from './openai-responses-fault.ts';
import { responseFacts, scanned, statedFault } from './openai-responses-reply.ts';
import { asksForTool } from './openai-responses-tools.ts';

const DONE = '[DONE]';
const BRACE = 0x7b;
const ITEM_DONE = 'response.output_item.done';
/** What a tool on the target's side printed: no token of the model's, so no bound on tokens counts it. */
const TOOL_OUTPUT = 'response.shell_call_output_content.delta';

const upstreamError = (text: string) => new RouterError('upstream_error', text);

export interface ResponseJudgeOptions {
  /** The name by which the target knows the model. */
  readonly model: string;
  /** The caller's bound on output; a reply of more than eight bytes per token, at one byte per event, is a runaway. */
  readonly maxOutputTokens: number | null;
}

/** State of one streamed response. */
class ResponseJudge implements StreamJudge {
  started = false;
  finished = false;
  fault: RouterError | null = null;
  usage: Usage | null = null;
  stop: Stop | null = null;
  reportedMs: number | null = null;
  skippedEvents = 0;
  readonly #model: string;
  readonly #maxDeltas: number;
  /** The response object as it began, unparsed: it repeats the call's instructions and tools. */
  #begun: Uint8Array | null = null;
  #served: string | null = null;
  #replyId: string | null = null;
  #askedForTool = false;
  #deltas = 0;
  #sequenceNumber = -1;

  constructor(model: string, maxDeltas: number) {
    this.#model = model;
    this.#maxDeltas = maxDeltas;
  }

  /** A client may close right after the terminal event; what some servers send behind it is no part of the reply. */
  get done(): boolean {
    return this.finished;
  }

  get contentEvents(): number {
    return this.started ? 1 + this.#deltas : 0;
  }

  get servedModel(): string | null {
    const begun = this.#begun;
    if (this.#served === null && begun !== null) {
      const scan = scanned(begun, 0, begun.length);
      this.#served = scan === null ? null : responseFacts(begun, scan).servedModel;
    }
    return this.#served;
  }

  /** Of one that was cut short, too: what it began with tells. */
  get replyId(): string | null {
    const begun = this.#begun;
    if (this.#replyId === null && begun !== null) {
      const scan = scanned(begun, 0, begun.length);
      this.#replyId = scan === null ? null : boundedId(stringOf(begun, fieldOf(scan, 'id')));
    }
    return this.#replyId;
  }

  judge(bytes: Uint8Array, start: number, end: number): number {
    if (this.finished) return DROP;
    const data = eventData(bytes, start, end);
    if (data === null) {
      if (bytes[start] === BRACE) return this.#rawTail(bytes, start, end);
      return eventName(bytes, start, end) === 'error' ? this.#stop(responseFault(null)) : FORWARD;
    }
    const { bytes: source, start: from, end: to } = data;
    const scan = scanned(source, from, to);
    if (scan === null) {
      if (to - from === DONE.length && textOf(source, from, to) === DONE)
        return this.#stop(upstreamError('The target ended its stream before the response was over.'));
      // Clients take an event of this name for the end, whatever it holds.
      return eventName(bytes, start, end) === 'error' ? this.#stop(responseFault(null)) : this.#skip();
    }
    const type = stringOf(source, fieldOf(scan, 'type')) ?? eventName(bytes, start, end) ?? '';
    const verdict = type.startsWith('response.')
      ? this.#event(type, source, scan)
      : this.#stranger(type === 'error' || eventName(bytes, start, end) === 'error', source, scan);
    if (verdict === FORWARD) this.#sequenceNumber = countOf(source, fieldOf(scan, 'sequence_number')) ?? this.#next;
    return verdict;
  }

  tail(bytes: Uint8Array): void {
    if (this.fault === null && !this.finished && bytes[0] === BRACE) this.#rawTail(bytes, 0, bytes.length);
  }

  failure(error: RouterError, requestId: string): Uint8Array {
    return failedEvent({ begun: this.#begun, model: this.#model, sequenceNumber: this.#next }, error, requestId);
  }

  /** Only events that went on are counted: the next one is the next that the client sees. */
  get #next(): number {
    return this.#sequenceNumber + 1;
  }

  #event(type: string, source: Uint8Array, scan: ScannedObject): number {
    if (type.endsWith('.delta')) return this.#delta(type, source, fieldOf(scan, 'delta'));
    switch (type) {
      case 'response.created':
      case 'response.queued':
      case 'response.in_progress':
        return this.#begin(source, fieldOf(scan, 'response'));
      case 'response.completed':
      case 'response.incomplete':
      case 'response.failed':
        return this.#end(type, source, fieldOf(scan, 'response'));
    }
    if (!this.started && isContent(type)) this.started = true;
    if (type === ITEM_DONE) {
      const item = fieldOf(scan, 'item');
      if (item !== undefined && asksForTool(scan, item.start)) this.#askedForTool = true;
    }
    return FORWARD;
  }

  /** No event of a response: an error in one of its forms, or something to come that is not known here. */
  #stranger(isError: boolean, source: Uint8Array, scan: ScannedObject): number {
    // As published, code and message stand at the top; as sent by many, in `error`.
    const error = fieldOf(scan, 'error');
    if (error !== undefined && error.kind !== 'null')
      return this.#stop(responseFault(parseSpan(source, error.start, error.end)));
    if (!isError && stringOf(source, fieldOf(scan, 'object')) !== 'error') return FORWARD;
    return this.#stop(responseFault(parseSpan(source, scan.open, scan.close + 1)));
  }

  #begin(source: Uint8Array, response: Field | undefined): number {
    // Copied to its size: the bytes around it are not held, nor reused under it.
    if (this.#begun === null && response?.kind === 'object') this.#begun = source.slice(response.start, response.end);
    return FORWARD;
  }

  #delta(type: string, source: Uint8Array, delta: Field | undefined): number {
    if (!this.started) this.started = !isEmpty(source, delta);
    else if (type !== TOOL_OUTPUT && ++this.#deltas > this.#maxDeltas)
      return this.#stop(upstreamError('The target kept on far beyond the asked number of tokens.'));
    return FORWARD;
  }

  #end(type: string, source: Uint8Array, field: Field | undefined): number {
    const failed = type === 'response.failed';
    const response = field === undefined ? null : scanned(source, field.start, field.end);
    // An end that does not say of what is none.
    if (response === null) return failed ? this.#stop(responseFault(null)) : this.#skip();
    const { usage, servedModel, stop, replyId, reportedMs } = responseFacts(source, response);
    this.usage = usage;
    this.#replyId = replyId ?? this.replyId;
    this.reportedMs = reportedMs;
    // Some servers show items as they come and not again at the end.
    this.stop = stop === 'end_turn' && this.#askedForTool ? 'tool_use' : stop;
    this.#served = servedModel ?? this.servedModel;
    const fault = statedFault(source, response) ?? (failed ? responseFault(null) : null);
    if (fault !== null) return this.#stop(fault);
    this.started = true;
    this.finished = true;
    this.#begun = null;
    return FORWARD;
  }

  /** Some servers append a bare JSON error to a stream of events. */
  #rawTail(bytes: Uint8Array, start: number, end: number): number {
    const scan = scanned(bytes, start, end);
    const error = scan === null ? undefined : fieldOf(scan, 'error');
    if (error === undefined || error.kind === 'null') return this.#skip();
    return this.#stop(responseFault(parseSpan(bytes, error.start, error.end)));
  }

  #skip(): number {
    this.skippedEvents++;
    return DROP;
  }

  #stop(fault: RouterError): number {
    this.fault = fault;
    return STOP;
  }
}

/** Beside deltas: what comes whole or is shown while it is made. The frames that only open something are none of it. */
const isContent = (type: string): boolean =>
  type.endsWith('.done') || type.endsWith('.partial_image') || type === 'response.output_text.annotation.added';

/** Nothing, null, and a string, list or object with nothing in it. */
function isEmpty(source: Uint8Array, delta: Field | undefined): boolean {
  if (delta === undefined || delta.kind === 'null') return true;
  if (delta.kind === 'string') return delta.end - delta.start === 2;
  if (delta.kind !== 'object' && delta.kind !== 'array') return false;
  let at = delta.start + 1;
  while (source[at]! <= 0x20) at++;
  return at === delta.end - 1;
}

/** A number that an event can have in its order; undefined where it has none. */
function countOf(source: Uint8Array, field: Field | undefined): number | undefined {
  if (field?.kind !== 'number') return undefined;
  const count = Number(textOf(source, field.start, field.end));
  return Number.isSafeInteger(count) && count >= 0 ? count : undefined;
}

export function createResponseJudge({ model, maxOutputTokens }: ResponseJudgeOptions): StreamJudge {
  const bound =
    maxOutputTokens === null ? Number.MAX_SAFE_INTEGER : maxOutputTokens * REPLY_LIMITS.maxBytesPerToken + 64;
  return new ResponseJudge(model, bound);
}
