// How a reply made of many pieces leaves: every byte, no faster than it is read, and no further than its reader stays.
// For src/router/joined-body.
import { describe, expect, it } from 'vitest';
import type { Sink } from '../../src/core/reply.ts';
import { CallSignal } from '../../src/core/signal.ts';
import { JoinedBody } from '../../src/router/joined-body.ts';

const usage = { uncachedTokens: 7, cachedTokens: 0, outputTokens: 0, reasoningTokens: 0 };
const bodyOf = (sizes: readonly number[]) => {
  const pieces = sizes.map((size, at) => new Uint8Array(size).fill(at % 251));
  const whole = Buffer.concat(pieces);
  const facts = { usage, stop: null, servedModel: null, reportedMs: null };
  return { whole, body: new JoinedBody({ pieces, bytes: whole.length, ...facts }) };
};

/** Takes `room` runs, then none until `drain` is called. */
function slowSink(room: number) {
  const runs: Uint8Array[] = [];
  let drain: () => void = () => {};
  const sink: Sink & { over: boolean } = {
    over: false,
    head() {},
    write: (run) => runs.push(run) < room,
    drained: () => new Promise((resolve) => (drain = resolve)),
    end(last) {
      if (last !== undefined) runs.push(last);
      sink.over = true;
    },
    fail() {},
  };
  return { sink, runs, drain: () => drain() };
}
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const complete = (bytes: number) => ({ how: 'complete', error: null, bytes, usage, stop: null });

describe('a joined reply', () => {
  it('that is short goes out at once, as one', () => {
    const { body, whole } = bodyOf([10, 0, 300, 1]);
    const { sink, runs } = slowSink(1);
    expect(body.pipe(sink, new CallSignal())).toEqual(complete(311));
    expect([body.length, runs, sink.over]).toEqual([311, [new Uint8Array(whole)], true]);
  });

  it('that is long goes out in runs, and waits for its reader after each that is one too many', async () => {
    const { body, whole } = bodyOf(Array(5000).fill(301));
    const { sink, runs, drain } = slowSink(2);
    const end = body.pipe(sink, new CallSignal());
    await turn();
    expect([runs.length, sink.over]).toEqual([2, false]);
    for (let reads = 0; !sink.over; reads++) {
      expect(runs.length).toBe(2 + reads);
      drain();
      await turn();
    }
    expect(await end).toEqual(complete(whole.length));
    expect(Buffer.concat(runs).equals(whole)).toBe(true);
    expect(Math.max(...runs.map(({ length }) => length))).toBeLessThan(300_000);
  });

  it('F078 stops where its reader leaves, even in the middle of a wait, and is charged all the same', async () => {
    const { body } = bodyOf(Array(5000).fill(301));
    const { sink, runs } = slowSink(2);
    const signal = new CallSignal();
    const end = body.pipe(sink, signal);
    await turn();
    signal.abort();
    expect(await end).toMatchObject({ how: 'client_gone', bytes: runs[0]!.length + runs[1]!.length, usage });
    expect([runs.length, sink.over]).toEqual([2, false]);
  });
});
