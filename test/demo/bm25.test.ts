// How documents are scored. For src/demo/bm25.ts.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bm25, wordsOf } from '../../src/demo/bm25.ts';
import { ranked } from '../../src/demo/rerank.ts';

const words = fc.constantFrom('cat', 'dog', 'eats', 'the', '猫', 'Überfall');
const text = fc.array(words, { maxLength: 8 }).map((list) => list.join(' '));
const texts = fc.array(text, { minLength: 1, maxLength: 8 });

/** The textbook's formula, word by word. */
function textbook(query: string, documents: readonly string[], at: number): number {
  const split = documents.map(wordsOf);
  const mean = split.reduce((sum, list) => sum + list.length, 0) / split.length;
  let score = 0;
  for (const word of wordsOf(query)) {
    const holding = split.filter((list) => list.includes(word)).length;
    const times = split[at]!.filter((one) => one === word).length;
    const idf = Math.log(1 + (split.length - holding + 0.5) / (holding + 0.5));
    if (times > 0) score += (idf * times * 2.2) / (times + 1.2 * (0.25 + (0.75 * split[at]!.length) / mean));
  }
  return score;
}

describe('words', () => {
  it('are lower-cased, and single characters where no spaces part them', () => {
    expect(wordsOf('The CAT, über-eats 3 fish!')).toEqual(['the', 'cat', 'über', 'eats', '3', 'fish']);
    expect(wordsOf('GPU東京は한국x')).toEqual(['gpu', '東', '京', 'は', '한', '국', 'x']);
    expect(wordsOf(' .,')).toEqual([]);
  });
});

describe('BM25', () => {
  it('is what the textbook says', () => {
    fc.assert(
      fc.property(text, texts, (query, documents) => {
        bm25(query, documents).forEach((score, at) => {
          expect(score).toBeCloseTo(textbook(query, documents, at), 12);
        });
      }),
    );
  });

  it('gives a hand-computed value', () => {
    // One of two documents holds the word, once, both have one word: ln 2 × 2.2 / (1 + 1.2).
    expect(bm25('cat', ['cat', 'dog'])).toEqual([Math.log(2), 0]);
  });

  it('gives equal documents equal scores, whatever their order', () => {
    fc.assert(
      fc.property(text, texts, (query, documents) => {
        const doubled = bm25(query, [...documents, ...documents]);
        expect(doubled.slice(documents.length)).toEqual(doubled.slice(0, documents.length));
        const turned = bm25(query, documents.toReversed()).reverse();
        bm25(query, documents).forEach((score, at) => {
          expect(turned[at]).toBeCloseTo(score, 12);
        });
      }),
    );
  });

  it('ranks best first and equals in the order they were given', () => {
    fc.assert(
      fc.property(text, texts, (query, documents) => {
        const order = ranked(query, documents);
        expect(order.map(({ index }) => index).toSorted((a, b) => a - b)).toEqual([...documents.keys()]);
        order.slice(1).forEach((one, at) => {
          const before = order[at]!;
          expect(before.score > one.score || (before.score === one.score && before.index < one.index)).toBe(true);
        });
      }),
    );
  });

  it('prefers the document that holds more of the question', () => {
    const order = ranked('When does the cat eat?', ['Dogs sleep.', 'The cat will eat at noon.', 'A cat.', '']);
    expect(order.map(({ index }) => index)).toEqual([1, 2, 0, 3]);
  });
});
