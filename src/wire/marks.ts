// Tells how much of a long text's beginning is still there in a later version of it, by few small samples. For dialects, agents
// and router: a prompt whose beginning was changed is not in any cache, whoever sends it.
import type { PromptMarks } from '../core/dialect.ts';
import { printWords } from './print.ts';

/** Samples of one text are at most so many, and half of that at least. */
const MOST_MARKS = 64;
/** A shorter text is not worth it: to read it anew is soon done. */
export const LEAST_BYTES = 16_384;
const SAMPLE_WORDS = 8;
/** What clients change at the end of what they sent before is no loss: marks of what is cached, reminders. */
const END_SHARE = 0.05;

/** A sample at the end of each step, whose length is a power of two: so those of a longer step are among those of a shorter one. */
export function marksOf(bytes: Uint8Array, start: number, end: number): PromptMarks | null {
  const length = end - start;
  if (length < LEAST_BYTES) return null;
  const stepBytes = stepOf(length);
  const prints = new Int32Array(Math.floor(length / stepBytes));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const firstAt = start + stepBytes - 4 * SAMPLE_WORDS;
  for (let at = 0; at < prints.length; at++) prints[at] = printWords(view, firstAt + at * stepBytes, SAMPLE_WORDS);
  return { stepBytes, bytes: length, prints };
}

/** For so long a text. */
export function stepOf(length: number): number {
  return 2 ** Math.ceil(Math.log2(length / MOST_MARKS));
}

/** How much of what was there before the text still begins with: 1 = all of it, whatever was added. Blind between two samples. */
export function sharedShare(before: PromptMarks, now: PromptMarks): number {
  const stepBytes = Math.max(before.stepBytes, now.stepBytes);
  const marks = Math.floor(before.bytes / stepBytes);
  const ofBefore = stepBytes / before.stepBytes;
  const ofNow = stepBytes / now.stepBytes;
  let alike = 0;
  while (alike < marks && before.prints[(alike + 1) * ofBefore - 1] === now.prints[(alike + 1) * ofNow - 1]) alike++;
  const differsAt = (alike + 1) * stepBytes;
  return alike === marks || differsAt >= (1 - END_SHARE) * before.bytes ? 1 : (alike * stepBytes) / before.bytes;
}
