// How well documents match a query by their words: Okapi BM25 over the given documents alone. For rerank.

/** How soon a repeated word stops to count. */
const K1 = 1.2;
/** How much a long document is held back. */
const B = 0.75;

const EASTERN = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}`;
const WORD = new RegExp(`[${EASTERN}]|(?:(?![${EASTERN}])[\\p{L}\\p{M}\\p{N}])+`, 'gu');

/** Words in lower case; scripts that set no spaces between words give one per character. */
export const wordsOf = (text: string): string[] => text.normalize('NFKC').toLowerCase().match(WORD) ?? [];

function countsOf(words: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

/** One score per document, 0 where no word of the query stands in it. Equal documents have equal scores. */
export function bm25(query: string, documents: readonly string[]): number[] {
  const wanted = wordsOf(query);
  const described = documents.map((text) => {
    const words = wordsOf(text);
    return { counts: countsOf(words), length: words.length };
  });
  const meanLength = described.reduce((sum, { length }) => sum + length, 0) / described.length;
  const weights = new Map<string, number>();
  for (const word of new Set(wanted)) {
    const holding = described.filter(({ counts }) => counts.has(word)).length;
    weights.set(word, Math.log(1 + (described.length - holding + 0.5) / (holding + 0.5)));
  }
  return described.map(({ counts, length }) =>
    wanted.reduce((score, word) => {
      const count = counts.get(word);
      if (count === undefined) return score;
      const heldBack = K1 * (1 - B + (B * length) / meanLength);
      return score + (weights.get(word)! * count * (K1 + 1)) / (count + heldBack);
    }, 0),
  );
}
