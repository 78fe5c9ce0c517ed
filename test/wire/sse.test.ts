// Decides that event framing is exact for every line end and every way a stream is cut into chunks.
// For the tap: an independent parser sees the same events, and the bytes that go on are the bytes that came.

import { createParser } from 'eventsource-parser';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DROP, EventFramer, eventData, eventName, FORWARD, STOP } from '../../src/wire/sse.ts';
import { encode } from './json-cases.ts';

const RUNS = { numRuns: 1500 };
const MIB = 1 << 20;
const decode = (bytes: Uint8Array) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);

interface Seen {
  readonly name: string | null;
  readonly data: string;
}

/** Every event that has data, as the judge sees it. */
function read(bytes: Uint8Array, start: number, end: number): Seen | undefined {
  const name = eventName(bytes, start, end);
  const data = eventData(bytes, start, end);
  return data === null ? undefined : { name, data: decode(data.bytes.subarray(data.start, data.end)) };
}

function oracle(stream: string): Seen[] {
  const events: Seen[] = [];
  const parser = createParser({ onEvent: ({ event, data }) => events.push({ name: event || null, data }) });
  parser.feed(stream);
  return events;
}

/** Feeds copies that are overwritten afterwards, so that a run which lives on must not point into a hold. */
function frame(chunks: readonly Uint8Array[], verdict: (seen: Seen | undefined) => number = () => FORWARD) {
  const events: Seen[] = [];
  const runs: Uint8Array[] = [];
  const framer = new EventFramer((bytes, start, end) => {
    const seen = read(bytes, start, end);
    if (seen !== undefined) events.push(seen);
    return verdict(seen);
  }, MIB);
  let state = framer.state;
  for (const chunk of chunks) state = framer.push(chunk, (run) => runs.push(run));
  return { events, state, framer, out: decode(Uint8Array.from(runs.flatMap((run) => [...run]))) };
}

function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((start, n) => bytes.slice(start, at[n] ?? bytes.length));
}

const lineEnd = fc.constantFrom('\n', '\r\n', '\r');
const value = fc.oneof(
  fc.string({
    unit: fc.constantFrom('a', ':', ' ', '{', '"', 'ü', '代', '😀', '\t', '\u2028', '\ufeff'),
    maxLength: 12,
  }),
  fc.constantFrom('[DONE]', '{"choices":[]}', 'data', ''),
);
const field = fc.constantFrom(
  'data:',
  'data: ',
  'data',
  'data:  ',
  'event:',
  'event: ',
  ': ',
  ':',
  'dat: ',
  'datax:',
  'retry:',
);
const line = fc.tuple(field, value).map(([name, text]) => (name === 'data' ? name : name + text));
const event = fc.array(line, { maxLength: 4 });

/** Streams of every line end, mixed line by line, that finish with a whole event. */
const stream = fc
  .tuple(fc.array(event, { maxLength: 6 }), fc.infiniteStream(lineEnd), fc.boolean())
  .map(([events, ends, mark]) => {
    const end = () => ends.next().value as string;
    let text = mark ? '\ufeff' : '';
    for (const lines of events) {
      for (const each of lines) text += each + end();
      text += end();
    }
    // A comment settles whether a last CR was half of a CRLF.
    return `${text}: end\n\n`;
  });

describe('F065 framing against an independent parser', () => {
  test('F065 any cut of any stream gives the same bytes and the same events', () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(), { maxLength: 12 }), (text, places) => {
        const { events, out, framer } = frame(cut(encode(text), places));
        expect(out).toBe(text);
        expect(events).toEqual(oracle(text));
        expect(framer.heldBytes).toBe(0);
      }),
      RUNS,
    );
  });

  test('F065 CR, LF and CRLF, split at every byte and at every pair of bytes', () => {
    const texts = ['\n', '\r\n', '\r'].flatMap((one) =>
      ['\n', '\r\n', '\r'].map((two) => `data: ä1${one}data:2${two}${one}event: x${two}data: 3${one}${one}:c\n\n`),
    );
    for (const text of texts) {
      const bytes = encode(text);
      const expected = oracle(text);
      for (let a = 0; a <= bytes.length; a++) {
        for (let b = a; b <= bytes.length; b++) {
          const { events, out } = frame([bytes.slice(0, a), bytes.slice(a, b), bytes.slice(b)]);
          if (out !== text) expect([a, b, out]).toEqual([a, b, text]);
          if (JSON.stringify(events) !== JSON.stringify(expected)) expect([a, b, events]).toEqual([a, b, expected]);
        }
      }
    }
  });

  test('F065 dropping an event leaves no byte of it and touches no other', () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(), { maxLength: 12 }), (text, places) => {
        const keep = (seen: Seen | undefined) => (seen?.data.includes('a') ? DROP : FORWARD);
        const { out } = frame(cut(encode(text), places), keep);
        expect(out).toBe(frame([encode(text)], keep).out);
        expect(oracle(out).filter((seen) => !seen.data.includes('a'))).toEqual(
          oracle(text).filter((seen) => !seen.data.includes('a')),
        );
        expect(oracle(out).some((seen) => seen.data.includes('a'))).toBe(false);
      }),
      RUNS,
    );
  });

  test('F065 a stream cut anywhere: whole events go on, the rest is held and never sent', () => {
    fc.assert(
      fc.property(stream, fc.nat(), fc.array(fc.nat(), { maxLength: 6 }), (text, stop, places) => {
        const bytes = encode(text);
        const part = bytes.slice(0, stop % (bytes.length + 1));
        const { out, framer } = frame(cut(part, places));
        expect(out + decode(framer.tail())).toBe(decode(part));
        expect(framer.heldBytes).toBe(framer.tail().length);
        // An injected frame is read as a frame of its own, right after the last whole event.
        const injected = `${out}data: injected\n\n`;
        expect(oracle(injected).at(-1)?.data).toBe('injected');
      }),
      RUNS,
    );
  });
});

describe('what a verdict does', () => {
  const three = 'data: 1\n\ndata: 2\n\ndata: 3\n\n';

  test('after STOP neither the event nor anything behind it goes on', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 8 }), (places) => {
        const { out, state, events, framer } = frame(cut(encode(three), places), (seen) =>
          seen?.data === '2' ? STOP : FORWARD,
        );
        expect([out, state, events.length]).toEqual(['data: 1\n\n', 'stopped', 2]);
        expect(framer.push(encode(three), () => expect.unreachable())).toBe('stopped');
        expect(framer.heldBytes).toBe(0);
      }),
    );
  });

  test('events of one chunk go on in one run, the chunk itself where it is whole', () => {
    const runs: Uint8Array[] = [];
    const framer = new EventFramer(() => FORWARD, MIB);
    const chunk = encode(three);
    framer.push(chunk, (run) => runs.push(run));
    expect(runs).toHaveLength(1);
    expect(runs[0]).toBe(chunk);
  });

  test('an event goes on with the chunk that ends it, whatever its line ends', () => {
    for (const end of ['\n\n', '\r\n\r\n', '\r\r', '\n\r', '\r\n\r', '\r\n\n']) {
      expect(frame([encode(`data: 1${end}`)]).out).toBe(`data: 1${end}`);
    }
  });

  test('an LF that completes the CR of an event shares its verdict', () => {
    const chunks = ['data: 1\r\n\r', '\n', 'data: 2\r\n\r', '\ndata: 3\r\n\r\n'].map(encode);
    expect(frame(chunks).out).toBe('data: 1\r\n\r\ndata: 2\r\n\r\ndata: 3\r\n\r\n');
    const dropped = frame(chunks, (seen) => (seen?.data === '3' ? FORWARD : DROP));
    expect(dropped.out).toBe('data: 3\r\n\r\n');
  });

  test('a byte order mark at the start is no part of the first field, whole or split', () => {
    for (const places of [[], [1], [2], [3], [1, 2, 3]]) {
      expect(frame(cut(encode('\ufeffdata: 1\n\n'), places)).events).toEqual([{ name: null, data: '1' }]);
    }
    expect(frame([encode('\ufeffdata: 1\n\n\ufeffdata: 2\n\n')]).events).toHaveLength(1);
  });
});

test('F065 bytes that only begin like a byte order mark belong to the first line', () => {
  for (const begin of [[0xef], [0xef, 0xbb]]) {
    const bytes = Uint8Array.from([...begin, ...encode('\ndata: 1\n\n')]);
    for (let at = 0; at <= bytes.length; at++) {
      const framer = new EventFramer((_, start, end) => {
        expect([start, end]).toEqual([0, bytes.length]);
        return FORWARD;
      }, MIB);
      const runs: number[] = [];
      for (const chunk of cut(bytes, [at])) framer.push(chunk, (run) => runs.push(...run));
      expect(runs).toEqual([...bytes]);
    }
  }
});

describe('F065 the size of an event', () => {
  test('F065 an event of the limit passes, one byte more is too large, in one chunk or many', () => {
    const exact = encode(`data: ${'x'.repeat(MIB - 8)}\n\n`);
    const over = encode(`data: ${'x'.repeat(MIB - 7)}\n\n`);
    for (const size of [2 * MIB, 65_536, 1000]) {
      const parts = (bytes: Uint8Array) =>
        Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) => bytes.subarray(n * size, (n + 1) * size));
      const fed = (bytes: Uint8Array) => {
        let sent = 0;
        const framer = new EventFramer(() => FORWARD, MIB);
        const first = framer.push(encode('data: first\n\n'), (run) => (sent += run.length));
        const states = parts(bytes).map((part) => framer.push(part, (run) => (sent += run.length)));
        return [first, states.at(-1), sent, framer.heldBytes];
      };
      expect(fed(exact)).toEqual(['ok', 'ok', MIB + 13, 0]);
      expect(fed(over)).toEqual(['ok', 'too_large', 13, 0]);
    }
  });

  test('F065 an 8 MiB event is too large as soon as the limit is passed', () => {
    const framer = new EventFramer(() => FORWARD, MIB);
    const piece = new Uint8Array(65_536).fill(0x61);
    let pushes = 0;
    while (framer.push(piece, () => expect.unreachable()) === 'ok') pushes++;
    expect(pushes).toBe(16);
  });

  test('F065 a 1 MiB event in 1-byte chunks stays linear', () => {
    const timeMs = (size: number) => {
      const bytes = encode(`data: ${'x'.repeat(size - 8)}\n\n`);
      let sent = 0;
      const framer = new EventFramer(() => FORWARD, MIB);
      const start = performance.now();
      for (let n = 0; n < size; n++) framer.push(bytes.subarray(n, n + 1), (run) => (sent += run.length));
      expect(sent).toBe(size);
      return performance.now() - start;
    };
    timeMs(MIB >> 4);
    const quarter = Math.max(5, timeMs(MIB >> 2));
    expect(quarter).toBeLessThan(2000);
    // Four times the bytes: quadratic work would take sixteen times as long.
    expect(timeMs(MIB)).toBeLessThan(quarter * 10);
  });
});
