// What chat and text completions share: the fields read, the allowed edits, the shape of a whole reply. For those two dialects.
import type { BodyLimits, CheckedReply, ParsedCall, PromptMarks, PromptPrint, UpstreamCall } from '../core/dialect.ts';
import { RouterError } from '../core/errors.ts';
import type { Capability } from '../core/names.ts';
import type { Target } from '../core/plan.ts';
import type { RunIdentity, Stop } from '../core/runs.ts';
import { firstEntry, memberAt, nextEntry, stringAt, valueEnd } from '../wire/entries.ts';
import { fieldOf, parseSpan, stringOf } from '../wire/json-view.ts';
import type { Field, ScannedObject } from '../wire/scan.ts';
import { type Edit, jsonString, splice } from '../wire/splice.ts';
import { readCount, readFlag, readModel, scanBody, wrong } from './fields.ts';
import { countInputs } from './inputs.ts';
import { runInCacheKey } from './named-run.ts';
import { checkedReply } from './openai-reply.ts';
import { stopWith } from './openai-stop.ts';
import { createChunkJudge, type HasContent } from './openai-stream.ts';
import { usageAt } from './openai-usage.ts';
import { Prompt, type PromptForm } from './prompt.ts';
import { NONE } from './same-form.ts';
import { timingsIn } from './timings.ts';
import { tierIn } from './usage.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const OPTIONS_FIELD = bytesOf('"stream_options":{"include_usage":true},');
const OPTIONS_VALUE = bytesOf('{"include_usage":true}');
const USAGE_FIELD = bytesOf('"include_usage":true');
const USAGE_FIELD_MORE = bytesOf('"include_usage":true,');
const TRUE = bytesOf('true');

/** What tells the two generating dialects apart. */
export interface GenerateForm {
  readonly path: string;
  readonly required: 'messages' | 'prompt';
  needs(call: GenerateCall): readonly Capability[];
  readonly hasContent: HasContent;
  readonly prompt: PromptForm;
}

/** One parsed body of a generating dialect. */
export class GenerateCall implements ParsedCall {
  readonly model: string;
  readonly stream: boolean;
  /** The caller asked for the usage event of a stream. */
  readonly usageAsked: boolean;
  readonly maxOutputTokens: number | null;
  /** How many finish reasons make a stream whole. */
  readonly choices: number;
  readonly stored = false;
  readonly items = 1;
  readonly scan: ScannedObject;
  readonly #body: Uint8Array;
  readonly #modelField: Field;
  readonly #usageEdit: Edit | null;
  readonly #form: GenerateForm;
  readonly #prompt: Prompt;

  constructor(body: Uint8Array, limits: BodyLimits, form: GenerateForm) {
    const { required } = form;
    const scan = scanBody(body, limits);
    const { model, field } = readModel(body, scan);
    const asked = fieldOf(scan, required);
    if (asked === undefined) {
      throw new RouterError('missing_field', `The body has no "${required}".`, { param: required });
    }
    this.scan = scan;
    this.#body = body;
    this.model = model;
    this.#modelField = field;
    this.stream = readFlag(scan, 'stream');
    // A text completion answers each prompt of a list with `n` choices.
    const prompts = required === 'prompt' ? Math.max(1, countInputs(body, asked)) : 1;
    this.choices = prompts * (readCount(body, scan, 'n', 1) ?? 1);
    this.maxOutputTokens = readCount(body, scan, 'max_completion_tokens', 0) ?? readCount(body, scan, 'max_tokens', 0);
    this.#usageEdit = this.stream ? usageEdit(body, scan) : null;
    this.usageAsked = this.#usageEdit === null;
    this.#form = form;
    this.#prompt = new Prompt(scan, form.prompt);
  }

  /** Read only for targets that declare what they can do. */
  get needs(): readonly Capability[] {
    return this.#form.needs(this);
  }

  get inputTokens(): number {
    return this.#prompt.inputTokens;
  }

  get answersTool(): boolean {
    return this.#prompt.answersTool;
  }

  namedRun(): RunIdentity | null {
    return runInCacheKey(this.scan);
  }

  print(): PromptPrint | null {
    return this.#prompt.print();
  }

  marks(): PromptMarks | null {
    return this.#prompt.marks();
  }

  split(): null {
    return null;
  }

  toward(_target: Target, model: string): UpstreamCall {
    const { path, hasContent } = this.#form;
    const { usageAsked, choices, maxOutputTokens } = this;
    const judge = () => createChunkJudge({ hasContent, usageAsked, choices, maxOutputTokens });
    // One object and no copy of it: this is made for every attempt.
    const body = this.#edited(model);
    return { path, headers: NONE, body, dropped: NONE, translated: false, judge, check: checkChoices };
  }

  #edited(servedModel: string): Uint8Array {
    const rename = servedModel !== this.model;
    if (!rename && this.#usageEdit === null) return this.#body;
    const edits: Edit[] = [];
    if (rename)
      edits.push({ start: this.#modelField.start, end: this.#modelField.end, bytes: jsonString(servedModel) });
    if (this.#usageEdit !== null) edits.push(this.#usageEdit);
    if (edits.length === 2 && edits[0]!.start > edits[1]!.start) edits.reverse();
    return splice(this.#body, edits);
  }

  /** A span of the body as a value. */
  value(key: string): unknown {
    const field = fieldOf(this.scan, key);
    return field === undefined ? undefined : parseSpan(this.#body, field.start, field.end);
  }
}

/** The edit that makes a stream report its usage; null when the caller asked for it already. */
function usageEdit(body: Uint8Array, scan: ScannedObject): Edit | null {
  const options = fieldOf(scan, 'stream_options');
  if (options === undefined) return { start: scan.open + 1, end: scan.open + 1, bytes: OPTIONS_FIELD };
  if (options.kind === 'null') return { start: options.start, end: options.end, bytes: OPTIONS_VALUE };
  if (options.kind !== 'object') throw wrong('stream_options', 'an object');
  const inner = scanBody(body.subarray(options.start, options.end), { maxDepth: 64, maxTokens: 10_000, maxInputs: 0 });
  const include = fieldOf(inner, 'include_usage');
  if (include === undefined) {
    const at = options.start + 1;
    return { start: at, end: at, bytes: inner.fields.length === 0 ? USAGE_FIELD : USAGE_FIELD_MORE };
  }
  if (include.kind === 'true') return null;
  if (include.kind !== 'false' && include.kind !== 'null') throw wrong('stream_options.include_usage', 'true or false');
  return { start: options.start + include.start, end: options.start + include.end, bytes: TRUE };
}

/** Checks a whole reply of choices and reads its usage. */
function checkChoices(reply: Uint8Array): CheckedReply {
  const scan = checkedReply(reply);
  const choices = fieldOf(scan, 'choices');
  if (choices?.kind !== 'array')
    throw new RouterError('upstream_error', 'The target answered 200 with a reply that has no choices.');
  return factsOf(reply, scan, stopOf(scan, choices));
}

/** Longer than any reason there is. */
const MOST_REASON_BYTES = 64;

/** Looks at each choice's finish reason without parsing the rest. Throws where one says that the target failed. */
function stopOf(scan: ScannedObject, choices: Field): Stop | null {
  let stop: Stop | null = null;
  for (let at = firstEntry(scan, choices.start); at >= 0; ) {
    const reason = stringAt(scan, memberAt(scan, at, 'finish_reason'), MOST_REASON_BYTES);
    if (reason === 'error') throw new RouterError('upstream_error', 'The target ended its reply with an error.');
    if (reason !== null && reason !== '') stop = stopWith(stop, reason);
    at = at === choices.lastEntry ? -1 : nextEntry(scan, valueEnd(scan, at));
  }
  return stop;
}

/** Usage and model of a whole reply. */
export function factsOf(reply: Uint8Array, scan: ScannedObject, stop: Stop | null = null): CheckedReply {
  const usage = fieldOf(scan, 'usage');
  const model = fieldOf(scan, 'model');
  return {
    usage: usage?.kind === 'object' ? usageAt(scan, usage.start, tierIn(reply, scan)) : null,
    servedModel: stringOf(reply, model) ?? null,
    stop,
    reportedMs: timingsIn(scan),
    body: reply,
  };
}
