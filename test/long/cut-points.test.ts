// Shows for every surface that a reply cut at any byte, in every way at each of them, is never taken for a whole one.
import { afterEach, describe, it } from 'vitest';
import { STREAMED } from '../surface/surfaces.ts';
import { closeStage, FRAMINGS, streamCuts, WHOLE, wholeCuts } from '../upstream/cuts.ts';

afterEach(closeStage);

describe.each(STREAMED)('F058 F059 $name, cut at any byte', (call) => {
  const cuts = streamCuts(call, 'every way');

  it('F058 F059 after first content: whole events and an in-band error; after the end: a success', () =>
    cuts.afterContent());
  it('F058 F059 F063 before first content: the next rung answers, and the reply says so', () => cuts.beforeContent());
  it('F058 F059 before first content and without another rung: one 502 with a time to come back', () => cuts.alone());
});

for (const framing of FRAMINGS) {
  describe.each(WHOLE)(`F057 F067 $name, framed ${framing} and cut at any byte`, (call) => {
    const cuts = wholeCuts(call, framing, 'every way');

    it('F057 F067 the next rung answers', () => cuts.fromBelow());
    it('F057 F067 without another rung: one 502 in the dialect’s form, never the half reply', () => cuts.alone());
  });
}
