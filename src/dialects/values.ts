// Looks into parsed JSON that may be anything. For all dialects.

/** A field of an object; undefined where there is no object or no such field. */
export function part(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[key];
}

/** No call or reply holds more tokens than this: a larger number is a lie or a bug, and would spoil every sum it enters. */
export const MOST_TOKENS = 1e9;

/** A number of tokens; negative and absurd ones, and all that is no number, count as 0. */
export const tokenCount = (value: unknown): number =>
  typeof value === 'number' && value > 0 && value <= MOST_TOKENS ? Math.floor(value) : 0;
