// Shows that no order of events makes an attempt speak twice, end twice or leave anything behind.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RouterError } from '../../src/core/errors.ts';
import { EVENTS, type Played, play, STREAM_HEAD, turn } from './scripted.ts';

type Move = { move: string; parts?: (keyof typeof EVENTS)[]; cut?: number; ms?: number };
const pieces = Object.keys(EVENTS) as (keyof typeof EVENTS)[];
const arbitraryMove: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      move: fc.constant('data'),
      parts: fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 3 }),
      cut: fc.nat(3),
    }),
  },
  { weight: 2, arbitrary: fc.record({ move: fc.constant('advance'), ms: fc.integer({ min: 1, max: 90_000 }) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      move: fc.constantFrom(
        'sent',
        'head',
        'busy',
        'end',
        'fail',
        'leave',
        'pipe',
        'stall',
        'drain',
        'interrupt',
        'discard',
      ),
    }),
  },
);

type State = { taken: boolean; closed: boolean };
const all = (parts: readonly (keyof typeof EVENTS)[]) => Buffer.concat(parts.map((part) => EVENTS[part]));

/** Pipe and discard exclude each other, and come only after the commit: the one duty of whoever holds the attempt. */
async function perform(played: Played, { move, parts = [], cut = 0, ms = 0 }: Move, state: State) {
  const { up } = played;
  switch (move) {
    case 'sent':
      return up.sent();
    case 'head':
      return up.head(200, STREAM_HEAD);
    case 'busy':
      return up.head(429, {});
    case 'data':
      return up.data(all(parts).subarray(0, all(parts).length - cut));
    case 'end':
      state.closed = true;
      return up.end();
    case 'fail':
      state.closed = true;
      return up.fail({ kind: 'reset', text: '' });
    case 'advance':
      return await played.clock.advanceSettling(ms);
    case 'leave':
      return played.signal.abort();
    case 'stall':
      played.sink.full = true;
      return;
    case 'drain':
      played.sink.drain();
      return await turn();
    case 'interrupt':
      return played.attempt.interrupt(new RouterError('draining', 'Stopping.'));
    default: {
      if (state.taken || (await played.outcome()) !== null) return;
      state.taken = true;
      if (move === 'pipe') played.pipe();
      else played.attempt.discard();
    }
  }
}

describe('F074 any order of events', () => {
  it('F074 it commits or fails once, ends once, writes nothing behind the end, and leaves no timer and no exchange', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.array(arbitraryMove, { maxLength: 25, size: 'max' }),
        async (inOrder, moves) => {
          const played = play();
          const state = { taken: false, closed: false };
          const opening = inOrder ? [{ move: 'sent' }, { move: 'head' }] : [];
          for (const move of [...opening, ...moves]) await perform(played, move, state);
          const outcome = await played.outcome();
          if (outcome === null) await perform(played, { move: 'pipe' }, state);
          played.sink.drain();
          await played.clock.advanceSettling(700_000);
          expect(await played.outcome()).not.toBe(undefined);
          expect(played.clock.pending).toBe(0);
          expect(played.exchange.aborted || state.closed).toBe(true);
          const { said, terminals, bytes } = played.sink;
          expect(terminals.length).toBeLessThanOrEqual(1);
          if (terminals.length === 1) expect(said.at(-1)).toBe(terminals[0]);
          const end = played.ended();
          if (end !== undefined) {
            expect(terminals).toEqual(end.how === 'complete' ? ['end'] : end.how === 'failed' ? ['fail'] : []);
            if (end.how === 'complete') expect(bytes).toContain('"finish_reason":"stop"');
          }
          if (terminals[0] === 'fail') expect(bytes).not.toMatch(/^data: \[DONE\]/m);
          // A cut can glue the target's error behind a comment, where it is no event.
          expect(bytes).not.toMatch(/^data: .*secret of the target/m);
        },
      ),
      { numRuns: 1_500 },
    );
  });
});
