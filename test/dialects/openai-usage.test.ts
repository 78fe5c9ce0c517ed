// A whole reply's usage is read where it stands, and says what parsing it would say. For src/dialects/openai-usage.ts.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { usageAt, usageFrom } from '../../src/dialects/openai-usage.ts';
import { fieldOf } from '../../src/wire/json-view.ts';
import { scanObject } from '../../src/wire/scan.ts';

const LIMITS = { maxDepth: 64, maxTokens: 10_000, forbidKeys: false };
const NAMES = [
  'prompt_tokens',
  'completion_tokens',
  'total_tokens',
  'cached_tokens',
  'cache_write_tokens',
  'reasoning_tokens',
];
const DETAILS = ['prompt_tokens_details', 'completion_tokens_details'];

const scalar = fc.oneof(
  fc.nat(1e6),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(null, true, '7', '', 1e9, 1e9 + 1, 2 ** 53, 1e300, 1.2345e19),
);
const counts = fc.dictionary(fc.constantFrom(...NAMES), scalar);
const usage = fc
  .tuple(counts, fc.dictionary(fc.constantFrom(...DETAILS), fc.oneof(counts, scalar, fc.array(scalar))))
  .map(([own, details]) => ({ ...details, ...own }));

it('property: of any usage object, parsed or not, the same', () => {
  fc.assert(
    fc.property(usage, fc.constantFrom(0, 2), (value, space) => {
      const scan = scanObject(new TextEncoder().encode(JSON.stringify({ usage: value }, null, space)), LIMITS);
      expect(usageAt(scan, fieldOf(scan, 'usage')!.start)).toEqual(usageFrom(value));
    }),
  );
});

it('numbers as engines write them, in any spelling', () => {
  const said =
    '{"usage":{"prompt_tokens":1.2e2,"completion_tokens" : 40.9 ,"prompt_tokens_details":{"cached_tokens":1E1}}}';
  const scan = scanObject(new TextEncoder().encode(said), LIMITS);
  const read = usageAt(scan, fieldOf(scan, 'usage')!.start);
  expect(read).toEqual({ uncachedTokens: 110, cachedTokens: 10, outputTokens: 40, reasoningTokens: 0 });
});
