// Reads the reply to one part of a list entry by entry, and refuses one that does not answer each item. For embeddings and rerank.
import { RouterError } from '../core/errors.ts';
import { fieldOf, parseSpan } from '../wire/json-view.ts';
import { type ScannedObject, scanObject } from '../wire/scan.ts';
import { entrySpans } from './inputs.ts';
import { REPLY_LIMITS, readable } from './reply.ts';

/** Where a form of reply has its list, and what it counts. */
export interface ListForm {
  /** Null: the reply itself is the list. */
  readonly list: string | null;
  /** The field that says how much the call took; null where there is none. */
  readonly counts: string | null;
}

export interface ReplyEntry {
  readonly start: number;
  readonly end: number;
  readonly fields: ScannedObject;
  /** Within its part. */
  readonly index: number;
}

/** One part's reply; its list lies in [start, end) with the brackets. */
export interface ReplyList {
  readonly body: Uint8Array;
  /** Null: the reply is a bare list. */
  readonly fields: ScannedObject | null;
  readonly start: number;
  readonly end: number;
  readonly entries: readonly ReplyEntry[];
}

const OPEN = 0x5b;
const CLOSE = 0x5d;

const refuse = (what: string) => new RouterError('upstream_error', `The target answered 200 with ${what}.`);

/** What the check of a part's reply has read is there when all are joined: so the work comes reply by reply, not in one go. */
const known = new WeakMap<Uint8Array, ReplyList>();

/**
 * Throws a RouterError blamed on the worker where the reply, which is valid JSON, has not one entry for each of `count` items.
 * `scan`: what it was scanned to, where that is known already.
 */
export function readList(body: Uint8Array, form: ListForm, count: number, scan?: ScannedObject): ReplyList {
  const before = known.get(body);
  if (before?.entries.length === count) return before;
  const fields = form.list === null ? null : (scan ?? readable(() => scanObject(body, REPLY_LIMITS)));
  const { start, end } = listOf(body, form, fields);
  const spans = entrySpans(body, { start, end });
  if (spans.length !== 2 * count) throw refuse(`${spans.length / 2} results for ${count} items`);
  const seen = new Uint8Array(count);
  const entries = Array.from(seen, (_, at) => {
    const entry = entryOf(body, spans[2 * at]!, spans[2 * at + 1]!, at);
    const { index } = entry;
    if (!Number.isInteger(index) || index < 0 || index >= count)
      throw refuse('a result for an item that was not given');
    if (seen[index] === 1) throw refuse('two results for one item');
    seen[index] = 1;
    return entry;
  });
  const list = { body, fields, start, end, entries };
  known.set(body, list);
  return list;
}

function listOf(body: Uint8Array, form: ListForm, fields: ScannedObject | null) {
  if (fields === null) return { start: body.indexOf(OPEN), end: body.lastIndexOf(CLOSE) + 1 };
  const list = fieldOf(fields, form.list!);
  if (list?.kind !== 'array') throw refuse('a reply that has no list');
  return list;
}

/** Who names no index answers in order. */
function entryOf(body: Uint8Array, start: number, end: number, at: number): ReplyEntry {
  const fields = readable(() => scanObject(body, REPLY_LIMITS, start, end));
  const field = fieldOf(fields, 'index');
  const index = field === undefined ? at : parseSpan(body, field.start, field.end);
  return { start, end, fields, index: typeof index === 'number' ? index : -1 };
}
