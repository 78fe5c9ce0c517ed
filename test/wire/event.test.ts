// Decides that an event of our own says exactly what it was given, to a parser that is not ours.
// For the error frames and translated streams.

import { createParser, type EventSourceMessage } from 'eventsource-parser';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeEvent, eventData, eventName } from '../../src/wire/sse.ts';
import { encode } from './json-cases.ts';

const HOSTILE = fc.string({
  unit: fc.constantFrom(
    '\r',
    '\n',
    '\u2028',
    '\u2029',
    '\u0085',
    'data:',
    'event: x',
    ':',
    ' ',
    '"',
    '\\',
    'ü',
    '\0',
    '\ufeff',
  ),
});

function strict(bytes: Uint8Array): EventSourceMessage[] {
  const events: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (event) => events.push(event) });
  parser.feed(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes));
  return events;
}

test('F027 hostile text inside JSON makes one event and comes back whole', () => {
  fc.assert(
    fc.property(HOSTILE, fc.constantFrom(undefined, 'error'), (text, name) => {
      const events = strict(encodeEvent(JSON.stringify({ text }), name));
      expect(events).toHaveLength(1);
      expect(JSON.parse(events[0]?.data ?? '')).toEqual({ text });
      expect(events[0]?.event).toBe(name);
    }),
    { numRuns: 2000 },
  );
});

test('F027 raw text with line ends makes no extra event, line or field', () => {
  fc.assert(
    fc.property(HOSTILE, (text) => {
      const events = strict(encodeEvent(text));
      expect(events).toHaveLength(1);
      expect(events[0]?.data).toBe(text.replace(/\r\n|\r|\n/g, ' '));
      expect(events[0]?.event).toBeUndefined();
    }),
    { numRuns: 2000 },
  );
});

test('F027 indented JSON keeps its meaning on one line', () => {
  const value = { error: { message: 'a\nb', code: null } };
  for (const json of [JSON.stringify(value, null, 2), JSON.stringify(value, null, 2).replaceAll('\n', '\r\n')]) {
    expect(JSON.parse(strict(encodeEvent(json))[0]?.data ?? '')).toEqual(value);
  }
});

test('F027 a name with a line end is refused', () => {
  for (const name of ['a\nb', 'a\r', '\r\ndata: x']) expect(() => encodeEvent('{}', name)).toThrow(RangeError);
});

test('one data line is a span of the bytes themselves; several are joined in a new array', () => {
  const one = encode('event: e\ndata: {"a":1}\n\n');
  expect(eventData(one, 0, one.length)).toMatchObject({ bytes: one, start: 15, end: 22 });
  expect(eventName(one, 0, one.length)).toBe('e');
  const two = encode('data: a\r\ndata:b\rdata\n\n');
  const joined = eventData(two, 0, two.length);
  expect(joined?.bytes).not.toBe(two);
  expect(new TextDecoder().decode(joined?.bytes.subarray(joined.start, joined.end))).toBe('a\nb\n');
});

test('comments, bare names and other fields have no data', () => {
  for (const text of [': ping\n\n', 'event: x\n\n', 'id: 1\nretry: 5\n\n', '\n', 'Data: x\n\n', ' data: x\n\n']) {
    const bytes = encode(text);
    expect(eventData(bytes, 0, bytes.length)).toBeNull();
  }
});
