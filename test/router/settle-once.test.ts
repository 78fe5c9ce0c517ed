// Whatever workers and callers do, each attempt and each call is closed exactly once. For src/router.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Timer } from '../../src/core/runtime.ts';
import { CallSignal } from '../../src/core/signal.ts';
import { type AskOptions, ladder, scriptedRouter } from './scripted-router.ts';
import { plays, type Script } from './scripted-transport.ts';

const HOSTS = ['a1', 'a2', 'b1'] as const;
const ms = fc.constantFrom(0, 0, 1, 40, 900, 31_000, 61_000);

type Play = readonly [keyof typeof plays, ...unknown[]];
const status = fc.constantFrom(400, 401, 402, 404, 413, 429, 500, 503, 529, 204, 302);
const play: fc.Arbitrary<Play> = fc.oneof(
  fc.tuple(fc.constant('reply' as const), ms),
  fc.tuple(fc.constant('stream' as const), ms, fc.constantFrom(0, 3, 61_000)),
  fc.tuple(fc.constant('stall' as const), fc.nat(9)),
  fc.tuple(fc.constant('cut' as const), fc.nat(9), ms),
  fc.tuple(fc.constant('status' as const), status, fc.constantFrom({}, { 'retry-after': '3' })),
  fc.tuple(fc.constant('fault' as const), fc.constantFrom('refused', 'reset', 'connect_timeout'), ms),
  fc.constant(['silent'] as const),
  fc.tuple(
    fc.constant('inBand' as const),
    fc.constantFrom({ code: 429 }, { type: 'server_error' }, { type: 'insufficient_quota' }),
  ),
);
const scriptOf = ([name, ...args]: Play): Script => (plays[name] as (...given: unknown[]) => Script)(...args);

const caller = fc.record({
  stream: fc.boolean(),
  /** When it leaves, ms after it asked; null = it stays. */
  leavesMs: fc.option(fc.constantFrom(0, 1, 20, 500, 40_000), { freq: 2 }),
  discard: fc.boolean(),
  maxWaitMs: fc.option(fc.constantFrom(0, 100)),
  /** How long after the one before it asks. */
  afterMs: fc.constantFrom(0, 0, 1, 300),
});

it('1,000 random histories leave nothing behind, and each call has one end and one line in the log', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(play, { minLength: 1, maxLength: 5 }), { minLength: 3, maxLength: 3 }),
      fc.array(caller, { minLength: 1, maxLength: 8 }),
      fc.option(fc.constantFrom(0, 30, 400), { freq: 8 }),
      async (scripts, callers, interruptMs) => {
        const text = ladder({ a: ['a1', 'a2'], b: ['b1'] }, undefined, {
          perWorker: 1,
          chat: '{ queue: { max: 2, wait: 2s } }',
        });
        const r = await scriptedRouter(text);
        for (const [at, host] of HOSTS.entries()) {
          const choices = scripts[at]!;
          r.transport.play(`http://${host}`, (n) => scriptOf(choices[n % choices.length]!));
        }
        const calls: ReturnType<typeof r.ask>[] = [];
        const signals: CallSignal[] = [];
        const timers: Timer[] = [];
        for (const { stream, leavesMs, discard, maxWaitMs, afterMs } of callers) {
          await r.clock.advanceSettling(afterMs);
          const signal = new CallSignal();
          signals.push(signal);
          if (leavesMs !== null) timers.push(r.clock.after(leavesMs, () => signal.abort()));
          const options: AskOptions = { stream, signal, discard: discard && leavesMs !== null, wants: { maxWaitMs } };
          calls.push(r.ask(options));
        }
        if (interruptMs !== null) timers.push(r.clock.after(interruptMs, () => r.router.interrupt()));
        for (const [at, call] of calls.entries()) {
          const got = await r.settle(call);
          const ends = got.calls.filter((one) => one === 'end' || one.startsWith('fail'));
          if (got.error !== null) expect(got.calls).toEqual([]);
          else if (got.end === null) expect(got.calls).toEqual([]);
          else if (got.end.how === 'client_gone') expect(signals[at]!.aborted).toBe(true);
          else expect(ends).toEqual([got.end.how === 'complete' ? 'end' : `fail ${got.end.error!.code}`]);
          // Never a lie: a stream that ends cleanly holds its finish reason.
          if (got.end?.how === 'complete' && callers[at]!.stream) expect(got.text).toContain('"finish_reason":"stop"');
        }
        expect(r.log.of('call')).toHaveLength(callers.length);
        expect(r.log.of('fault')).toEqual([]);
        for (const timer of timers) timer.cancel();
        await r.atRest();
      },
    ),
    { numRuns: 1000 },
  );
}, 60_000);
