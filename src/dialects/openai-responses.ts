// POST /v1/responses. For clients that speak OpenAI's Responses API, Codex among them.
import type {
  BodyLimits,
  CallHead,
  Dialect,
  ParsedCall,
  PromptMarks,
  PromptPrint,
  UpstreamCall,
} from '../core/dialect.ts';
import type { Capability } from '../core/names.ts';
import type { Target } from '../core/plan.ts';
import { boundedId, type RunIdentity } from '../core/runs.ts';
import { headerOf } from '../core/transport.ts';
import { memberAt, stringAt } from '../wire/entries.ts';
import { fieldOf, parseSpan } from '../wire/json-view.ts';
import type { Field, ScannedObject } from '../wire/scan.ts';
import { conversationPrint, newestMessage } from './conversation.ts';
import { missing, readCount, readFlag, readModel, scanBody, wrong } from './fields.ts';
import { runInCacheKey } from './named-run.ts';
import { errorShape } from './openai-errors.ts';
import { responseNeeds } from './openai-responses-needs.ts';
import { checkResponse } from './openai-responses-reply.ts';
import { createResponseJudge } from './openai-responses-stream.ts';
import { Prompt, type PromptForm } from './prompt.ts';
import { renamed, sameForm } from './same-form.ts';

const PATH = '/v1/responses';
/** Each of them can stand for the input: what it names lies stored at the target. */
const STORED_INPUTS = ['prompt', 'previous_response_id', 'conversation'] as const;
const INPUT = 'a string or a list of items';

const MAX_TYPE_BYTES = 64;
const MAX_ID_BYTES = 128;

const PROMPT: PromptForm = {
  read: ['input', 'instructions', 'tools'],
  grows: 'input',
  /** Of all kinds of tools, the item with the answer is named after it. */
  answersTool(scan) {
    const type = memberAt(scan, newestMessage(scan, fieldOf(scan, 'input')), 'type');
    return stringAt(scan, type, MAX_TYPE_BYTES)?.endsWith('_output') ?? false;
  },
  print: (scan) =>
    conversationPrint(scan, {
      tools: [fieldOf(scan, 'tools')],
      system: fieldOf(scan, 'instructions'),
      messages: fieldOf(scan, 'input'),
    }),
};

/** One parsed body. */
class ResponsesCall implements ParsedCall {
  readonly model: string;
  readonly stream: boolean;
  readonly maxOutputTokens: number | null;
  readonly stored: boolean;
  readonly previousReply: string | null;
  readonly keepsReply: boolean;
  readonly items = 1;
  readonly #body: Uint8Array;
  readonly #scan: ScannedObject;
  readonly #modelField: Field;
  readonly #headers: readonly string[];
  readonly #prompt: Prompt;

  constructor(body: Uint8Array, limits: BodyLimits, head: CallHead) {
    const scan = scanBody(body, limits);
    const { model, field } = asked(body, scan);
    requireInput(scan);
    this.model = model;
    this.stream = readFlag(scan, 'stream');
    this.maxOutputTokens = readCount(body, scan, 'max_output_tokens', 0);
    const previous = fieldOf(scan, 'previous_response_id');
    this.stored = previous?.kind === 'string' || given(scan, 'conversation');
    this.previousReply = previous === undefined ? null : boundedId(stringAt(scan, previous.start, MAX_ID_BYTES));
    this.keepsReply = fieldOf(scan, 'store')?.kind !== 'false';
    this.#body = body;
    this.#scan = scan;
    this.#prompt = new Prompt(scan, PROMPT);
    this.#modelField = field;
    const beta = headerOf(head.headers, 'openai-beta');
    this.#headers = beta === null ? [] : ['openai-beta', beta];
  }

  /** Read only for targets that declare what they can do. */
  get needs(): readonly Capability[] {
    return responseNeeds((key) => this.#value(key));
  }

  get inputTokens(): number {
    return this.#prompt.inputTokens;
  }

  get answersTool(): boolean {
    return this.#prompt.answersTool;
  }

  namedRun(): RunIdentity | null {
    return runInCacheKey(this.#scan);
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
    const { maxOutputTokens } = this;
    return sameForm({
      path: PATH,
      headers: this.#headers,
      body: renamed(this.#body, this.#modelField, this.model, model),
      judge: () => createResponseJudge({ model, maxOutputTokens }),
      check: checkResponse,
    });
  }

  #value(key: string): unknown {
    const field = fieldOf(this.#scan, key);
    return field === undefined ? undefined : parseSpan(this.#body, field.start, field.end);
  }
}

const given = (scan: ScannedObject, key: string): boolean => (fieldOf(scan, key)?.kind ?? 'null') !== 'null';

/** OpenAI takes the model of a stored prompt where none is given; the router cannot look into it, and needs the name. */
function asked(body: Uint8Array, scan: ScannedObject): { model: string; field: Field } {
  if (fieldOf(scan, 'model') === undefined && given(scan, 'prompt'))
    throw missing('model', 'the model to ask, also with a stored prompt: its own model is not known here');
  return readModel(body, scan);
}

function requireInput(scan: ScannedObject): void {
  const kind = fieldOf(scan, 'input')?.kind ?? 'null';
  if (kind === 'string' || kind === 'array') return;
  if (kind !== 'null') throw wrong('input', INPUT);
  if (!STORED_INPUTS.some((key) => given(scan, key))) throw missing('input', INPUT);
}

export const openaiResponses: Dialect = {
  name: 'openai-responses',
  class: 'chat',
  routes: [PATH],
  parse: (body, limits, head) => new ResponsesCall(body, limits, head),
  ...errorShape,
};
