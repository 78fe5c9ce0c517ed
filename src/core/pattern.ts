// Whether a text fits a pattern with stars. For policy, whose file names and models may be patterns, and for keys.

/** Whether a text is the pieces in order with anything between them. Linear: each piece is taken where it first fits. */
export function fitsPattern(text: string, pieces: readonly string[]): boolean {
  const head = pieces[0]!;
  const tail = pieces[pieces.length - 1]!;
  if (pieces.length === 1) return text === head;
  if (text.length < head.length + tail.length || !text.startsWith(head) || !text.endsWith(tail)) return false;
  const end = text.length - tail.length;
  let at = head.length;
  for (let index = 1; index < pieces.length - 1; index++) {
    const found = text.indexOf(pieces[index]!, at);
    if (found < 0 || found + pieces[index]!.length > end) return false;
    at = found + pieces[index]!.length;
  }
  return true;
}
