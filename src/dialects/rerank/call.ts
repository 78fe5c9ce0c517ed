// One rerank call: what the caller asks in its form, how a target of any form is asked, and the answer back in the caller's.
// For the rerank routes.
import type { BodyLimits, CheckedReply, ParsedCall, ReplyFacts, SplitCall, UpstreamCall } from '../../core/dialect.ts';
import type { Target } from '../../core/plan.ts';
import type { HeaderView } from '../../core/transport.ts';
import { joined } from '../../wire/join.ts';
import { fieldOf } from '../../wire/json-view.ts';
import type { Field, ScannedObject } from '../../wire/scan.ts';
import { splice } from '../../wire/splice.ts';
import { bytesOf, textOf } from '../../wire/text.ts';
import { missing, readCount, readFlag, readModel, scanBody, wrong } from '../fields.ts';
import { textTokens } from '../inputs.ts';
import { createChunkJudge } from '../openai-stream.ts';
import { renamed, sameForm } from '../same-form.ts';
import { normalUsage } from '../usage.ts';
import { part } from '../values.ts';
import { type Documents, readDocuments } from './documents.ts';
import type { CallerForm, JsonText, Ranking, RerankOptions, WorkerForm } from './form.ts';
import { droppedNames, readOptions, readSaid, tellOptions } from './options.ts';
import { splitRerank } from './parts.ts';
import { bestFirst, incomplete, isBestFirst, readRanking, wholeReply } from './ranking.ts';
import { WORKER_FORMS } from './workers.ts';

/** Never asked: a rerank call has no stream. */
const noStream = () =>
  createChunkJudge({ usageAsked: false, choices: 1, maxOutputTokens: null, hasContent: () => false });

export class RerankCall implements ParsedCall {
  readonly model: string;
  readonly stream = false;
  readonly needs = [];
  readonly maxOutputTokens = null;
  readonly stored = false;
  readonly answersTool = false;
  /** A cross-encoder reads the query anew with each document. */
  readonly inputTokens: number;
  readonly items: number;
  readonly #body: Uint8Array;
  readonly #scan: ScannedObject;
  readonly #form: CallerForm;
  readonly #modelField: Field | undefined;
  readonly #query: Field;
  readonly #documents: Documents;
  /** How many of the best are wanted. */
  readonly #cut: number;
  /** The caller says 0 for all, which only vLLM reads so. */
  readonly #zeroCut: boolean;
  readonly #echo: boolean;
  readonly #options: Partial<RerankOptions>;
  readonly #limits: BodyLimits;

  constructor(
    body: Uint8Array,
    scan: ScannedObject,
    form: CallerForm,
    limits: BodyLimits,
    needsModel: boolean,
    whole: Documents | null = null,
  ) {
    this.#body = body;
    this.#scan = scan;
    this.#form = form;
    this.#limits = limits;
    this.#modelField = fieldOf(scan, 'model');
    const unnamed = this.#modelField === undefined || this.#modelField.kind === 'null';
    this.model = unnamed && !needsModel ? '' : readModel(body, scan).model;
    const query = fieldOf(scan, 'query');
    if (query === undefined) throw missing('query', 'a string');
    if (query.kind !== 'string') throw wrong('query', 'a string');
    this.#query = query;
    const list = fieldOf(scan, form.list);
    if (list === undefined) throw missing(form.list, 'a list of strings');
    this.#documents = readDocuments(body, list, limits, whole);
    const cut = form.cut === null ? null : readCount(body, scan, form.cut.key, form.cut.min);
    const { count, tokens } = this.#documents;
    this.items = count;
    this.inputTokens = Math.ceil(tokens + count * textTokens(query.start, query.end));
    this.#zeroCut = cut === 0;
    this.#cut = cut === null || cut === 0 ? count : Math.min(cut, count);
    this.#echo = form.echo !== null && (readSaid(scan, form.echo.key) ?? form.echo.unsaid);
    this.#options = readOptions(body, scan, form);
    if (readFlag(scan, 'stream')) throw wrong('stream', 'false: a rerank reply is never streamed');
  }

  print(): null {
    return null;
  }

  split(most: number): SplitCall | null {
    if (this.items <= most) return null;
    const body = this.#body;
    const scan = this.#scan;
    const form = this.#form;
    const documents = this.#documents;
    // What is a part of a body was judged with it.
    const limits = { ...this.#limits, maxTokens: Number.MAX_SAFE_INTEGER };
    const again = (part: Uint8Array) =>
      new RerankCall(part, scanBody(part, limits), form, limits, this.model !== '', documents);
    return splitRerank({ model: this.model, body, scan, form, query: this.#query, cut: this.#cut, again }, most);
  }

  toward(target: Target, model: string): UpstreamCall {
    const name = target.rerank?.form ?? 'vllm';
    const worker = WORKER_FORMS[name];
    const { path } = worker;
    const passes = name === this.#form.form && !this.#zeroCut;
    // vLLM takes Jina's fields as Jina means them, as long as the texts are plain and wanted back.
    const fits = name === 'vllm' && this.#form.form === 'jina' && this.#echo && this.#documents.plain;
    if (passes || fits) {
      const check = (reply: Uint8Array, headers: HeaderView) => this.#passed(worker, model, passes, reply, headers);
      const call = sameForm({ path, body: this.#named(worker, model), judge: noStream, check });
      return { ...call, translated: !passes, ...this.#meaning(worker) };
    }
    const { body, dropped } = this.#asked(worker, model);
    const check = (reply: Uint8Array, headers: HeaderView): CheckedReply => {
      const ranking = readRanking(wholeReply(reply), headers, worker, this.#documents.count);
      if (ranking.ranked.length < this.#documents.count) throw incomplete();
      return { ...factsOf(ranking), body: this.#written(ranking, model) };
    };
    return { path, headers: [], body, dropped, translated: true, judge: noStream, check, ...this.#meaning(worker) };
  }

  /** Who asks for raw scores gets logits from every worker that can be told so. */
  #meaning({ tell }: WorkerForm): Pick<UpstreamCall, 'scores'> {
    const told = this.#options.rawScores === true && (tell.rawScores?.(true) ?? null) !== null;
    return told ? { scores: 'logit' } : {};
  }

  /** The caller's bytes with the model's name as the target knows it. */
  #named({ namesModel }: WorkerForm, served: string): Uint8Array {
    const field = this.#modelField;
    const unnamed = field === undefined || field.kind === 'null';
    if (unnamed && !namesModel) return this.#body;
    if (field !== undefined) return renamed(this.#body, field, this.model, served);
    const at = this.#scan.open + 1;
    return splice(this.#body, [{ start: at, end: at, bytes: bytesOf(`"model":${JSON.stringify(served)},`) }]);
  }

  /** The call anew, in the worker's form, and what of it cannot be said there. */
  #asked(worker: WorkerForm, served: string): { body: Uint8Array; dropped: readonly string[] } {
    const { list, cut, echo, options } = this.#form;
    const fields = new Map<string, JsonText>();
    if (worker.namesModel) fields.set('model', JSON.stringify(served));
    const query = textOf(this.#body, this.#query.start, this.#query.end);
    for (const [key, value] of Object.entries(worker.ask(query, this.#documents))) fields.set(key, value);
    const told = tellOptions(worker, this.#options);
    for (const [key, value] of Object.entries(told.fields)) fields.set(key, value);
    const handled = new Set(['model', 'query', 'stream', list, cut?.key, echo?.key]);
    const dropped: string[] = [...this.#documents.foreign];
    for (const { key, start, end, kind } of this.#scan.fields) {
      if (kind === 'null' || handled.has(key)) continue;
      // A key may have the name of something that every object has.
      const option = Object.hasOwn(options, key) ? options[key] : undefined;
      if (option !== undefined) {
        if (told.untold.has(option)) dropped.push(key);
      } else if (worker.extras.includes(key) && !fields.has(key)) fields.set(key, this.#body.subarray(start, end));
      else dropped.push(key);
    }
    return { body: objectOf(fields), dropped: droppedNames(dropped) };
  }

  /** The reply to the caller's own bytes: it goes on as it came where it is what the caller asked for. */
  #passed(worker: WorkerForm, served: string, own: boolean, reply: Uint8Array, headers: HeaderView): CheckedReply {
    const whole = wholeReply(reply);
    const ranking = readRanking(whole, headers, worker, this.#documents.count);
    const { length } = ranking.ranked;
    // Servers that copy vLLM may know no cut.
    if (length !== this.#cut && (own || length < this.#documents.count)) throw incomplete();
    const asAsked = own || (length === this.#cut && isBestFirst(ranking.ranked) && hasTexts(whole));
    return { ...factsOf(ranking), body: asAsked ? reply : this.#written(ranking, served) };
  }

  #written({ ranked, id, model, tokens }: Ranking, served: string): Uint8Array {
    const texts = this.#echo ? this.#documents.texts() : null;
    const answer = {
      ranked: bestFirst(ranked).slice(0, this.#cut),
      id,
      model: model ?? served,
      tokens,
      text: (index: number) => texts?.[index] ?? null,
    };
    return bytesOf(JSON.stringify(this.#form.write(answer)));
  }
}

/** An object of these fields. */
function objectOf(fields: ReadonlyMap<string, JsonText>): Uint8Array {
  const pieces: Uint8Array[] = [];
  let before = '{';
  for (const [key, value] of fields) {
    before += `${JSON.stringify(key)}:`;
    if (typeof value === 'string') before += value;
    else {
      pieces.push(bytesOf(before), value);
      before = '';
    }
    before += ',';
  }
  pieces.push(bytesOf(`${before.slice(0, -1)}}`));
  return joined(
    pieces,
    pieces.reduce((sum, { length }) => sum + length, 0),
  );
}

/** Every result of a reply in vLLM's form brings its text along, as Jina's does. */
function hasTexts(whole: unknown): boolean {
  const results = part(whole, 'results');
  return Array.isArray(results) && results.every((entry) => typeof part(part(entry, 'document'), 'text') === 'string');
}

function factsOf({ model, tokens, searchUnits, reportedMs }: Ranking): ReplyFacts {
  const usage = tokens === null ? null : normalUsage(tokens, 0, 0, 0, 0, 0, undefined);
  return { servedModel: model, stop: null, usage, reportedMs, ...(searchUnits === null ? null : { searchUnits }) };
}
