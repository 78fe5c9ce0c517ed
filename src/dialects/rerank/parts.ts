// Splits a rerank call into calls with fewer documents, and ranks what comes back as one list. For rerank calls of every form.
import type { CheckedReply, JoinedReply, ParsedCall, SplitCall, UpstreamCall } from '../../core/dialect.ts';
import { fieldOf, parseSpan } from '../../wire/json-view.ts';
import type { Field, ScannedObject } from '../../wire/scan.ts';
import { type Edit, splice } from '../../wire/splice.ts';
import { onlyPart, partsOf, textTokens } from '../inputs.ts';
import { listCall } from '../list-call.ts';
import { joinedReply, type Placed, placedOf, withoutField } from '../list-join.ts';
import { readList } from '../list-reply.ts';
import type { CallerForm } from './form.ts';
import { order } from './ranking.ts';
import { WORKER_FORMS } from './workers.ts';

/** What a rerank call is made of, where it is split. */
export interface WholeRerank {
  readonly model: string;
  readonly body: Uint8Array;
  readonly scan: ScannedObject;
  readonly form: CallerForm;
  readonly query: Field;
  /** How many of the best are wanted. */
  readonly cut: number;
  /** The call that a part's body is. */
  again(body: Uint8Array): ParsedCall;
}

export function splitRerank(whole: WholeRerank, most: number): SplitCall {
  const { model, body, scan, form, query } = whole;
  const list = fieldOf(scan, form.list)!;
  const queryTokens = textTokens(query.start, query.end);
  const parts = partsOf(body, list, most).map((part) => {
    const { items, tokens } = part;
    const edits = [...onlyPart(list, part), ...withoutCut(scan, form)].sort((a, b) => a.start - b.start);
    return listCall({
      model,
      inputTokens: tokens + items * queryTokens,
      items,
      split: () => null,
      // Made when it is asked for: a long query would else be held once for each part.
      toward: (target, served) => asPart(whole.again(splice(body, edits)).toward(target, served), form, items),
    });
  });
  return { parts, join: (replies) => join(whole, parts, replies) };
}

/** None of a part's reply goes out by itself. */
function asPart(call: UpstreamCall, { answer }: CallerForm, items: number): UpstreamCall {
  return {
    ...call,
    translated: true,
    check(reply, headers) {
      const checked = call.check(reply, headers);
      readList(checked.body, answer, items);
      return checked;
    },
  };
}

/** The best of all may lie in one part: each part ranks all that it has. */
function withoutCut(scan: ScannedObject, { cut }: CallerForm): readonly Edit[] {
  const field = cut === null ? undefined : fieldOf(scan, cut.key);
  return field === undefined ? [] : [{ ...withoutField(scan, field), bytes: NOTHING }];
}

const NOTHING = new Uint8Array(0);

function join({ form, cut }: WholeRerank, parts: readonly ParsedCall[], replies: readonly CheckedReply[]): JoinedReply {
  const lists = replies.map(({ body }, at) => readList(body, form.answer, parts[at]!.items));
  const key = WORKER_FORMS[form.form].score;
  const ranked = placedOf(lists).map((placed) => ({ ...placed, score: scoreOf(placed, key) }));
  return joinedReply(replies, lists, ranked.sort(order).slice(0, cut), form.answer);
}

/** A number: the check of each reply has seen to it. */
function scoreOf({ from, entry }: Placed, key: string): number {
  const { start, end } = fieldOf(entry.fields, key)!;
  return parseSpan(from.body, start, end) as number;
}
