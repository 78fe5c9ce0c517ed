// Which vector a text has: hashed words, word pairs and character n-grams, so that like texts lie close. For embeddings.

const COMMON = new Set(
  'a an and are as at be been by can could do does for from had has have how i if in into is it its me my no not of on or our should so than that the their them then there they this to was we were what when where which who why will with would you your'.split(
    ' ',
  ),
);
const WORD_WEIGHT = 1;
const COMMON_WEIGHT = 0.15;
const PAIR_WEIGHT = 0.3;
const GRAM_WEIGHT = 0.35;
/** Numbers that each feature touches: one chance collision then makes little of a likeness. */
const SLOTS = 8;
const GRAM_SIZES = [3, 4, 5];

function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mixed(hash);
}

function mixed(given: number): number {
  let hash = Math.imul(given ^ (given >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Cuts the commonest English endings: "refunds" and "refunded" share most of their weight with "refund". */
function stemOf(word: string): string {
  if (word.length < 5) return word.replace(/(?<=[^s])s$/, '');
  return word
    .replace(/(?:ments?|ings?|edly|ed|ers?|es|ly|s)$/, '')
    .replace(/(.)\1$/, '$1')
    .replace(/[ei]$/, '');
}

function featuresOf(text: string): Map<string, { count: number; weight: number }> {
  const features = new Map<string, { count: number; weight: number }>();
  const add = (feature: string, weight: number) => {
    const known = features.get(feature);
    if (known === undefined) features.set(feature, { count: 1, weight });
    else known.count += 1;
  };
  const words =
    text
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? [];
  let previous: string | undefined;
  for (const word of words) {
    if (COMMON.has(word)) {
      add(`w ${word}`, COMMON_WEIGHT);
      continue;
    }
    const stem = stemOf(word);
    add(`w ${stem}`, WORD_WEIGHT);
    if (previous !== undefined) add(`p ${previous} ${stem}`, PAIR_WEIGHT);
    previous = stem;
    const framed = `^${word}$`;
    for (const size of GRAM_SIZES) {
      for (let at = 0; at + size <= framed.length; at += 1) {
        // A long word has many grams; together they weigh what a short word's do.
        add(`g ${framed.slice(at, at + size)}`, GRAM_WEIGHT / Math.sqrt(Math.max(1, framed.length - size + 1)));
      }
    }
  }
  return features;
}

function normalised(vector: Float64Array): Float64Array {
  const norm = Math.hypot(...vector);
  if (norm > 0) return vector.map((value) => value / norm);
  // Nothing to hash, or all of it cancelled: still a unit vector, the same for every such text.
  const unit = new Float64Array(vector.length);
  unit[0] = 1;
  return unit;
}

/** A unit vector of `full` numbers cut to the first `kept`, and made unit again. */
export function embed(text: string, full: number, kept = full): Float64Array {
  const vector = new Float64Array(full);
  for (const [feature, { count, weight }] of featuresOf(text)) {
    let hash = hashOf(feature);
    const share = weight * (1 + Math.log(count));
    for (let i = 0; i < SLOTS; i += 1) {
      const slot = (hash >>> 1) % full;
      vector[slot] = vector[slot]! + (hash & 1 ? -share : share);
      hash = mixed(hash + 0x9e3779b9);
    }
  }
  return normalised(kept === full ? vector : vector.slice(0, kept));
}

/** Little-endian float32, as OpenAI's base64 form has it. */
export function base64Of(vector: Float64Array): string {
  const bytes = Buffer.alloc(vector.length * 4);
  vector.forEach((value, i) => {
    bytes.writeFloatLE(value, i * 4);
  });
  return bytes.toString('base64');
}
