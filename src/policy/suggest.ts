// Which valid word a mistyped one was meant to be, and how choices are listed. For every message about a policy.

const MAX_LENGTH = 64;
const MAX_CHOICES = 24;

/** Edits (insert, delete, replace, swap of neighbours) from `a` to `b`. */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const equal = a[row - 1] === b[column - 1];
      let best = Math.min(previous[column]! + 1, current[column - 1]! + 1, previous[column - 1]! + (equal ? 0 : 1));
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) best = Math.min(best, before[column - 2]! + 1);
      current.push(best);
    }
    before = previous;
    previous = current;
  }
  return previous[b.length]!;
}

/** The nearest choice when it is near enough to be a slip, else null. */
export function nearest(word: string, choices: readonly string[]): string | null {
  if (word.length > MAX_LENGTH) return null;
  let best: string | null = null;
  let least = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const choice of choices) {
    if (Math.abs(choice.length - word.length) >= least || choice.length > MAX_LENGTH) continue;
    const distance = editDistance(word.toLowerCase(), choice.toLowerCase());
    if (distance < least && distance < Math.max(word.length, choice.length)) {
      least = distance;
      best = choice;
    }
  }
  return best;
}

/** `Valid: a, b. Did you mean a?` */
export function choicesText(word: string, choices: readonly string[]): string {
  if (choices.length === 0) return 'There is none.';
  const shown = choices.slice(0, MAX_CHOICES).join(', ');
  const more = choices.length > MAX_CHOICES ? ` and ${choices.length - MAX_CHOICES} more` : '';
  const near = nearest(word, choices);
  return `Valid: ${shown}${more}.${near === null ? '' : ` Did you mean ${near}?`}`;
}

/** A word of the file, quoted and short enough to read. */
export function quoted(word: string): string {
  return JSON.stringify(word.length > 60 ? `${word.slice(0, 57)}...` : word);
}
