// One array of many, for whoever must hold a whole that came in pieces. For bodies and buffered replies.

/** The pieces in order; `bytes` is the sum of their lengths. A single piece is answered as it is. */
export function joined(pieces: readonly Uint8Array[], bytes: number): Uint8Array {
  if (pieces.length === 1) return pieces[0] as Uint8Array;
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
