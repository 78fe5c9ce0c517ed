// Makes the replies to the parts of one list into the reply to the whole: entries as the target wrote them, each with its index
// in the caller's list, and counts added up. For embeddings and rerank.
import type { CheckedReply, JoinedReply } from '../core/dialect.ts';
import { fieldOf, parseSpan } from '../wire/json-view.ts';
import type { Field, ScannedObject } from '../wire/scan.ts';
import { bytesOf } from '../wire/text.ts';
import type { ListForm, ReplyEntry, ReplyList } from './list-reply.ts';
import { summedUsage } from './usage.ts';
import { part } from './values.ts';

/** An entry of the whole's reply. */
export interface Placed {
  readonly from: ReplyList;
  readonly entry: ReplyEntry;
  /** In the caller's list. */
  readonly index: number;
}

/** Every entry with its index in the caller's list, part by part. */
export function placedOf(lists: readonly ReplyList[]): Placed[] {
  let first = 0;
  return lists.flatMap((from) => {
    const before = first;
    first += from.entries.length;
    return from.entries.map((entry) => ({ from, entry, index: before + entry.index }));
  });
}

interface Piecewise {
  readonly start: number;
  readonly end: number;
  readonly pieces: readonly Uint8Array[];
}

/** The first part's reply with the placed entries for its own, and what all parts count for what it counts. */
export function joinedReply(
  replies: readonly CheckedReply[],
  lists: readonly ReplyList[],
  placed: readonly Placed[],
  form: ListForm,
): JoinedReply {
  const { body, fields, start, end } = lists[0]!;
  const edits: Piecewise[] = [{ start: start + 1, end: end - 1, pieces: piecesOf(placed) }];
  const counts = fields === null || form.counts === null ? undefined : fieldOf(fields, form.counts);
  if (fields !== null && counts !== undefined) edits.push(countsEdit(lists, fields, counts));
  edits.sort((a, b) => a.start - b.start);
  const pieces: Uint8Array[] = [];
  let at = 0;
  for (const edit of edits) {
    pieces.push(body.subarray(at, edit.start));
    for (const piece of edit.pieces) pieces.push(piece);
    at = edit.end;
  }
  pieces.push(body.subarray(at));
  const servedModel = replies.find((reply) => reply.servedModel !== null)?.servedModel ?? null;
  const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
  // Each part is an attempt of its own, with its own times.
  const usage = summedUsage(replies.map((reply) => reply.usage));
  return { pieces, bytes, usage, servedModel, stop: null, reportedMs: null };
}

const COMMA = bytesOf(',');

function piecesOf(placed: readonly Placed[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (const { from, entry, index } of placed) {
    if (pieces.length > 0) pieces.push(COMMA);
    const { body } = from;
    const field = fieldOf(entry.fields, 'index');
    if (field === undefined) pieces.push(body.subarray(entry.start, entry.end));
    else pieces.push(body.subarray(entry.start, field.start), bytesOf(`${index}`), body.subarray(field.end, entry.end));
  }
  return pieces;
}

/** The sum of what all parts count; left out where one does not say, for then the rest of them is no sum. */
function countsEdit(lists: readonly ReplyList[], first: ScannedObject, field: Field): Piecewise {
  const said = lists.map(({ body, fields }) => {
    const counts = fields === null ? undefined : fieldOf(fields, field.key);
    return counts?.kind === 'object' ? parseSpan(body, counts.start, counts.end) : null;
  });
  if (said.includes(null)) return { ...withoutField(first, field), pieces: [] };
  return { start: field.start, end: field.end, pieces: [bytesOf(JSON.stringify(summed(said)))] };
}

/** Where a field lies that is taken out, with the comma that it takes along. */
export function withoutField(
  { fields }: ScannedObject,
  field: Field,
): { readonly start: number; readonly end: number } {
  const at = fields.indexOf(field);
  const next = fields[at + 1];
  if (next !== undefined) return { start: field.keyStart, end: next.keyStart };
  return { start: fields[at - 1]?.end ?? field.keyStart, end: field.end };
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Numbers are added, through objects of them; of all else the first that is there stands. */
function summed(values: readonly unknown[]): unknown {
  const first = values.find((value) => value !== null && value !== undefined);
  if (typeof first === 'number')
    return values.reduce<number>((sum, one) => sum + (typeof one === 'number' ? one : 0), 0);
  if (!isObject(first)) return first ?? null;
  const keys = new Set(values.filter(isObject).flatMap((value) => Object.keys(value)));
  return Object.fromEntries(Array.from(keys, (key) => [key, summed(values.map((value) => part(value, key)))]));
}
