// Decides what one server-sent event says (its data, its name), and how one of our own is written.
// For judges, which read without copying, and for the error frames of every dialect.

import { bytesOf, textOf } from './text.ts';

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const SPACE = 0x20;
const DATA = bytesOf('data');
const EVENT = bytesOf('event');

export interface EventData {
  bytes: Uint8Array;
  start: number;
  end: number;
}

/** One object for all answers: a judge reads it before it asks again. */
const answer: EventData = { bytes: new Uint8Array(0), start: 0, end: 0 };

/**
 * The `data` of the event [start, end): a span of `bytes` itself when there is one data line, the lines joined by LF in a new
 * array when there are several; null when there is none (comments, pings). The answer is one shared object, valid until
 * the next call.
 */
export function eventData(bytes: Uint8Array, start: number, end: number): EventData | null {
  let lines = 0;
  let from = 0;
  let to = 0;
  for (let i = start; i < end; ) {
    const stop = lineEnd(bytes, i, end);
    const value = valueStart(bytes, i, stop, DATA);
    if (value >= 0) {
      if (lines++ === 0) {
        from = value;
        to = stop;
      } else if (lines === 2) return joinedData(bytes, start, end);
    }
    i = afterLineEnd(bytes, stop, end);
  }
  if (lines === 0) return null;
  answer.bytes = bytes;
  answer.start = from;
  answer.end = to;
  return answer;
}

function joinedData(bytes: Uint8Array, start: number, end: number): EventData {
  const out = new Uint8Array(end - start);
  let write = 0;
  for (let i = start; i < end; ) {
    const stop = lineEnd(bytes, i, end);
    const value = valueStart(bytes, i, stop, DATA);
    if (value >= 0) {
      out.set(bytes.subarray(value, stop), write);
      write += stop - value;
      out[write++] = LF;
    }
    i = afterLineEnd(bytes, stop, end);
  }
  answer.bytes = out;
  answer.start = 0;
  answer.end = write - 1;
  return answer;
}

/** The event's name, the last one where several are given; null where it has none or an empty one. */
export function eventName(bytes: Uint8Array, start: number, end: number): string | null {
  let from = 0;
  let to = 0;
  for (let i = start; i < end; ) {
    const stop = lineEnd(bytes, i, end);
    const value = valueStart(bytes, i, stop, EVENT);
    if (value >= 0) {
      from = value;
      to = stop;
    }
    i = afterLineEnd(bytes, stop, end);
  }
  return from < to ? textOf(bytes, from, to) : null;
}

function lineEnd(bytes: Uint8Array, i: number, end: number): number {
  for (;;) {
    while (i < end && (bytes[i] as number) > CR) i++;
    if (i >= end || bytes[i] === LF || bytes[i] === CR) return i;
    i++;
  }
}

function afterLineEnd(bytes: Uint8Array, i: number, end: number): number {
  return i + 1 < end && bytes[i] === CR && bytes[i + 1] === LF ? i + 2 : i + 1;
}

/** Where the value of the line [i, stop) starts when its field is `name`; -1 otherwise. */
function valueStart(bytes: Uint8Array, i: number, stop: number, name: Uint8Array): number {
  const size = name.length;
  if (stop - i < size) return -1;
  for (let at = 0; at < size; at++) if (bytes[i + at] !== name[at]) return -1;
  i += size;
  if (i === stop) return stop;
  if (bytes[i] !== COLON) return -1;
  return i + 1 < stop && bytes[i + 1] === SPACE ? i + 2 : i + 1;
}

const LINE_END = /[\r\n]/;
const LINE_ENDS = /\r\n|[\r\n]/g;

/**
 * An event of exactly one data line. A line end in `data` becomes a space, which changes nothing in JSON, where a line
 * end can only stand between tokens. A name is ours: one with a line end is a RangeError.
 */
export function encodeEvent(data: string, name?: string): Uint8Array {
  if (name !== undefined && LINE_END.test(name)) throw new RangeError('an event name has no line end');
  const line = LINE_END.test(data) ? data.replace(LINE_ENDS, ' ') : data;
  return bytesOf(name === undefined ? `data: ${line}\n\n` : `event: ${name}\ndata: ${line}\n\n`);
}
