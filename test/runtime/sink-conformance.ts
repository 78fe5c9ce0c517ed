// Decides what every sink must do, whatever it writes to: one suite over all of them. For whoever adds a way out.

import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { RouterError } from '../../src/core/errors.ts';
import type { Sink } from '../../src/core/reply.ts';
import type { CallSignal } from '../../src/core/signal.ts';
import { eventually } from '../fakes/eventually.ts';
import { fill, view } from './sink-bytes.ts';

/** What the reader has when the reply is over. `broken`: it ended without being whole, or never began. */
export interface Read {
  readonly status: number | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Uint8Array;
  readonly broken: boolean;
}

/** A sink with its reader at the other end, who reads nothing before `read` is called. */
export interface OpenSink {
  readonly sink: Sink;
  readonly signal: CallSignal;
  /** Reads to the end. */
  read(): Promise<Read>;
  /** The reader is gone. */
  leave(): void;
  /** Asserts that nothing is left. */
  close(): Promise<void>;
}

export type Encode = (error: RouterError) => Uint8Array | null;
const HEADERS = { 'content-type': 'text/plain', 'x-test': 'a b' };
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const error = new RouterError('upstream_error', 'The target went away.');
const encode: Encode = (failure) => bytesOf(`[${failure.code}]`);
const cut: Encode = () => null;

export function sinkConformance(name: string, open: (encode: Encode) => Promise<OpenSink>): void {
  let current: OpenSink | null = null;
  const start = async (how: Encode = encode) => {
    current = await open(how);
    return current;
  };
  afterEach(async () => {
    await current?.close();
    current = null;
  });

  describe(`${name}: whole replies`, () => {
    for (const length of [0, 1, 255, 16_383, 16_384, 16_385, 1024 * 1024]) {
      it(`${length} bytes go out as they are, with their length`, async () => {
        const { sink, signal, read } = await start();
        const body = view(length);
        sink.head(200, HEADERS, length);
        sink.end(body);
        const got = await read();
        expect(got).toMatchObject({ status: 200, broken: false });
        expect(got.headers).toMatchObject({ ...HEADERS, 'content-length': String(length) });
        expect(Buffer.compare(got.bytes, body)).toBe(0);
        expect(signal.aborted).toBe(false);
      });
    }

    it('a reply may have any status and no body', async () => {
      const { sink, read } = await start();
      sink.head(503, { 'retry-after': '1' }, 0);
      sink.end();
      expect(await read()).toMatchObject({ status: 503, broken: false, bytes: new Uint8Array(0) });
    });
  });

  describe(`${name}: streamed replies`, () => {
    it('what was written arrives in order, byte for byte, and ends cleanly', async () => {
      const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 1, max: 40_000 })), {
        minLength: 1,
        maxLength: 40,
      });
      await fc.assert(
        fc.asyncProperty(sizes, fc.boolean(), async (lengths, endsWithBytes) => {
          const one = await open(encode);
          const pieces = lengths.map((length, i) => view(length).map((byte) => byte ^ i));
          one.sink.head(200, HEADERS, null);
          const reading = one.read();
          for (const piece of pieces.slice(0, -1)) if (!one.sink.write(piece)) await one.sink.drained();
          if (endsWithBytes) one.sink.end(pieces.at(-1)!);
          else {
            one.sink.write(pieces.at(-1)!);
            one.sink.end();
          }
          const got = await reading;
          expect(got).toMatchObject({ status: 200, broken: false });
          expect(Buffer.compare(got.bytes, Buffer.concat(pieces))).toBe(0);
          expect(one.signal.aborted).toBe(false);
          await one.close();
        }),
        { numRuns: 40 },
      );
    });

    it('the first piece reaches the reader while the reply goes on', async () => {
      const { sink, read } = await start();
      sink.head(200, HEADERS, null);
      sink.write(bytesOf('first'));
      await sink.drained();
      let over = false;
      const reading = read().then((got) => {
        over = true;
        return got;
      });
      await new Promise((resolve) => setImmediate(resolve));
      expect(over).toBe(false);
      sink.end(bytesOf(', last'));
      expect(Buffer.from((await reading).bytes).toString()).toBe('first, last');
    });

    it('a reader who does not read holds the writer back; when it reads on, so does the writer', async () => {
      const { sink, read } = await start();
      sink.head(200, HEADERS, null);
      const { bytes, drained } = await fill(sink);
      expect(bytes).toBeLessThan(16 * 1024 * 1024);
      const reading = read();
      await drained;
      sink.end(bytesOf('end'));
      const got = await reading;
      expect(got.broken).toBe(false);
      expect(got.bytes.length).toBe(bytes + 3);
    });

    it('drained answers at once while there is room', async () => {
      const { sink, read } = await start();
      await sink.drained();
      sink.head(200, HEADERS, null);
      await sink.drained();
      expect(sink.write(bytesOf('a'))).toBe(true);
      await sink.drained();
      sink.end();
      await sink.drained();
      await read();
    });
  });

  describe(`${name}: failures`, () => {
    it('before any byte: the encoded error is the body, and the head is the one that was said', async () => {
      const { sink, read } = await start();
      sink.head(200, HEADERS, null);
      sink.fail(error);
      expect(await read()).toMatchObject({ status: 200, broken: false, bytes: bytesOf('[upstream_error]') });
    });

    it('after some: the encoded error follows what was written', async () => {
      const { sink, read } = await start();
      sink.head(200, HEADERS, null);
      sink.write(bytesOf('one '));
      sink.write(bytesOf('two '));
      sink.fail(error);
      expect(await read()).toMatchObject({ broken: false, bytes: bytesOf('one two [upstream_error]') });
    });

    it('where nothing can be said in-band the reader sees a broken body, never a clean end', async () => {
      for (const before of [0, 1, 100_000]) {
        const one = await open(cut);
        one.sink.head(200, HEADERS, null);
        if (before > 0) one.sink.write(view(before));
        const reading = one.read();
        await one.sink.drained();
        one.sink.fail(error);
        const got = await reading;
        expect(got.broken).toBe(true);
        expect(Buffer.compare(got.bytes, view(before).subarray(0, got.bytes.length))).toBe(0);
        await one.close();
      }
    });
  });

  describe(`${name}: readers who leave`, () => {
    it('the call is told, and what is written then is swallowed', async () => {
      for (const last of ['end', 'fail', 'end with bytes'] as const) {
        const one = await open(encode);
        one.sink.head(200, HEADERS, null);
        one.sink.write(view(1_000));
        one.leave();
        await eventually(() => one.signal.aborted);
        for (let i = 0; i < 100; i++) {
          expect(one.sink.write(view(100_000))).toBe(true);
          await one.sink.drained();
        }
        if (last === 'end') one.sink.end();
        else if (last === 'fail') one.sink.fail(error);
        else one.sink.end(view(10));
        await one.sink.drained();
        await one.close();
      }
    });

    it('a writer who waits for room is released', async () => {
      const { sink, signal, leave } = await start();
      sink.head(200, HEADERS, null);
      const { drained } = await fill(sink);
      leave();
      await drained;
      await eventually(() => signal.aborted);
      sink.fail(error);
    });

    it('a failure that cannot be said to a reader who has left is no failure', async () => {
      const { sink, signal, leave } = await start(cut);
      sink.head(200, HEADERS, null);
      sink.write(view(10));
      leave();
      await eventually(() => signal.aborted);
      sink.fail(error);
    });

    it('leaving before the first byte is noticed at the latest by the first one', async () => {
      const { sink, signal, leave } = await start();
      leave();
      sink.head(200, HEADERS, null);
      await eventually(() => {
        sink.write(view(10));
        return signal.aborted;
      });
      sink.end();
    });

    it('a reply that has ended is not aborted by the reader leaving after it', async () => {
      const { sink, signal, read, leave } = await start();
      sink.head(200, HEADERS, 3);
      sink.end(bytesOf('abc'));
      expect((await read()).broken).toBe(false);
      leave();
      await new Promise((resolve) => setImmediate(resolve));
      expect(signal.aborted).toBe(false);
    });
  });
}
