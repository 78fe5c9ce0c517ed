// Shows that a reply cut at any byte is never taken for a whole one, on any surface: before first content another rung
// answers, after it the stream ends in the dialect's own error, after its end it is a success and nothing is made up.
import { afterEach, describe, it, vi } from 'vitest';
import { STREAMED } from '../surface/surfaces.ts';
import { closeStage, FRAMINGS, streamCuts, WHOLE, wholeCuts } from './cuts.ts';

// Seconds on a quiet machine; thousands of connections may take longer on a busy one.
vi.setConfig({ testTimeout: 90_000 });

afterEach(closeStage);

describe.each(STREAMED)('F058 F059 $name, cut at any byte', (call) => {
  const cuts = streamCuts(call, 'in turn');

  it('F058 F059 after first content: whole events and an in-band error; after the end: a success', () =>
    cuts.afterContent());
  it('F058 F059 F063 before first content: the next rung answers, and the reply says so', () => cuts.beforeContent());
  it('F058 F059 before first content and without another rung: one 502 with a time to come back', () => cuts.alone());
});

for (const framing of FRAMINGS) {
  describe.each(WHOLE)(`F057 F067 $name, framed ${framing} and cut at each third byte`, (call) => {
    const cuts = wholeCuts(call, framing, 'in turn');

    it('F057 F067 the next rung answers', () => cuts.fromBelow());
    it('F057 F067 without another rung: one 502 in the dialect’s form, never the half reply', () => cuts.alone());
  });
}
