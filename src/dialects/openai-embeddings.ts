// POST /v1/embeddings. For clients that speak OpenAI's embeddings dialect.
import type {
  BodyLimits,
  CheckedReply,
  Dialect,
  JoinedReply,
  ParsedCall,
  SplitCall,
  UpstreamCall,
} from '../core/dialect.ts';
import { RouterError } from '../core/errors.ts';
import type { HeaderView } from '../core/transport.ts';
import { fieldOf, stringOf } from '../wire/json-view.ts';
import type { Field, ScannedObject } from '../wire/scan.ts';
import { type Edit, jsonString, splice } from '../wire/splice.ts';
import { missing, readModel, scanBody, wrong } from './fields.ts';
import { onlyPart, partsOf, readInputs } from './inputs.ts';
import { listCall } from './list-call.ts';
import { joinedReply, placedOf } from './list-join.ts';
import { type ListForm, readList } from './list-reply.ts';
import { errorShape } from './openai-errors.ts';
import { checkedReply } from './openai-reply.ts';
import { createChunkJudge } from './openai-stream.ts';
import { usageAt } from './openai-usage.ts';
import { renamed, sameForm } from './same-form.ts';
import { computeTimeIn, timingsIn } from './timings.ts';
import { tierIn } from './usage.ts';

const PATH = '/v1/embeddings';
const FORM: ListForm = { list: 'data', counts: 'usage' };

function parse(body: Uint8Array, limits: BodyLimits): ParsedCall {
  const scan = scanBody(body, limits, 'input');
  const { model, field } = readModel(body, scan);
  const input = fieldOf(scan, 'input');
  if (input === undefined) throw missing('input', 'a string, a list of strings, or tokens');
  if (input.kind !== 'string' && input.kind !== 'array') throw wrong('input', 'a string, a list of strings, or tokens');
  const { count, tokens, apart } = readInputs(body, input);
  if (count > limits.maxInputs) {
    throw new RouterError('too_many', `"input" has ${count} entries; the limit is ${limits.maxInputs}.`, {
      param: 'input',
    });
  }
  const list = { body, model, modelField: field, input };
  const splits = apart && !isReadAsOne(scan);
  return listCall({
    model,
    inputTokens: tokens,
    items: Math.max(1, count),
    split: (most) => (splits && count > most ? splitList(list, most) : null),
    toward: (_target, served) => call(renamed(body, field, model, served)),
  });
}

/** Jina's way to embed each text with its neighbours in view. */
function isReadAsOne(scan: ScannedObject): boolean {
  const late = fieldOf(scan, 'late_chunking');
  return late !== undefined && late.kind !== 'false' && late.kind !== 'null';
}

interface ListOfInputs {
  readonly body: Uint8Array;
  readonly model: string;
  readonly modelField: Field;
  readonly input: Field;
}

function splitList({ body, model, modelField, input }: ListOfInputs, most: number): SplitCall {
  const parts = partsOf(body, input, most).map((part) => {
    const { items, tokens } = part;
    const edits = onlyPart(input, part);
    const own = (served: string) => {
      const rename: Edit = { start: modelField.start, end: modelField.end, bytes: jsonString(served) };
      const all = served === model ? edits : modelField.start < input.start ? [rename, ...edits] : [...edits, rename];
      return splice(body, all);
    };
    const checkPart = (reply: Uint8Array, headers: HeaderView): CheckedReply => {
      const scan = checkedReply(reply);
      readList(reply, FORM, items, scan);
      return factsOf(reply, scan, headers);
    };
    // None of a part's reply goes out by itself.
    const toward = (_target: unknown, served: string): UpstreamCall => ({
      ...call(own(served)),
      translated: true,
      check: checkPart,
    });
    return listCall({ model, inputTokens: tokens, items, split: () => null, toward });
  });
  return { parts, join: (replies) => join(parts, replies) };
}

function join(parts: readonly ParsedCall[], replies: readonly CheckedReply[]): JoinedReply {
  const lists = replies.map(({ body }, at) => readList(body, FORM, parts[at]!.items));
  const placed = placedOf(lists).sort((a, b) => a.index - b.index);
  return joinedReply(replies, lists, placed, FORM);
}

const noStream = () =>
  createChunkJudge({ usageAsked: false, choices: 1, maxOutputTokens: null, hasContent: () => false });

const call = (body: Uint8Array): UpstreamCall => sameForm({ path: PATH, body, judge: noStream, check });

function check(reply: Uint8Array, headers: HeaderView): CheckedReply {
  const scan = checkedReply(reply);
  if (fieldOf(scan, 'data')?.kind !== 'array') {
    throw new RouterError('upstream_error', 'The target answered 200 with a reply that has no embeddings.');
  }
  return factsOf(reply, scan, headers);
}

function factsOf(reply: Uint8Array, scan: ScannedObject, headers: HeaderView): CheckedReply {
  const usage = fieldOf(scan, 'usage');
  return {
    usage: usage?.kind === 'object' ? usageAt(scan, usage.start, tierIn(reply, scan)) : null,
    servedModel: stringOf(reply, fieldOf(scan, 'model')) ?? null,
    stop: null,
    reportedMs: computeTimeIn(headers) ?? timingsIn(scan),
    body: reply,
  };
}

export const openaiEmbeddings: Dialect = {
  name: 'openai-embeddings',
  class: 'embed',
  routes: [PATH],
  parse,
  ...errorShape,
};
