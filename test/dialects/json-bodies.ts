// Decides what random request bodies look like: valid JSON as bytes, with odd spacing, escapes and numbers,
// for properties of the edits; each body knows where its parts lie, so that no JSON reader is needed to judge it.
import fc from 'fast-check';

/** Pieces of an object in order; joined they are its text. */
export type Member = { readonly key: string; readonly before: string; readonly value: string; readonly after: string };

export type Body = {
  readonly open: string;
  readonly members: readonly Member[];
  readonly close: string;
};

const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype']);
export const READ_KEYS = [
  'model',
  'messages',
  'prompt',
  'input',
  'stream',
  'stream_options',
  'n',
  'max_tokens',
  'max_completion_tokens',
];

export const space = fc
  .array(fc.constantFrom(' ', '\n', '\r', '\t', '  ', '\r\n'), { maxLength: 3 })
  .map((parts) => parts.join(''));

const hex = (code: number) => `\\u${code.toString(16).padStart(4, '0')}`;

/** A string in one of its many spellings; a surrogate pair is escaped as a whole, so that the rest stays valid UTF-8. */
export function spelled(text: string): fc.Arbitrary<string> {
  const escaped = (point: string) =>
    Array.from({ length: point.length }, (_, at) => hex(point.charCodeAt(at))).join('');
  return fc
    .array(fc.nat(9), { minLength: 1, maxLength: 16 })
    .map(
      (choices) =>
        `"${[...text].map((point, at) => (choices[at % choices.length]! < 2 ? escaped(point) : plain(point))).join('')}"`,
    );
}

const plain = (point: string) => JSON.stringify(point).slice(1, -1);

const key = fc.string({ unit: 'binary', maxLength: 8 }).filter((text) => !FORBIDDEN.has(text));
const number = fc.constantFrom('0', '-0', '1e400', '-1E+308', '12345678901234567890', '0.1000', '1e-7', '3.0', '42');
const literal = fc.constantFrom('null', 'true', 'false', '{}', '[]', '"\\/"', '"\u2028"', '"\ud83d\udc4b"');

const leaf = fc.oneof(
  literal,
  number,
  fc.string({ unit: 'binary', maxLength: 24 }).chain(spelled),
  fc.string({ unit: 'grapheme', maxLength: 24 }).chain(spelled),
);

/** Any JSON value as text, a few levels deep, nested keys called `model` and `stream_options` among them. */
export const valueText: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    fc
      .tuple(space, fc.array(fc.tuple(space, tie('value'), space), { maxLength: 4 }))
      .map(([inner, items]) =>
        items.length === 0 ? `[${inner}]` : `[${items.map((item) => item.join('')).join(',')}]`,
      ),
    fc
      .array(
        fc.tuple(
          space,
          fc.oneof(key, fc.constantFrom('model', 'stream_options', 'include_usage', 'stream')).chain(spelled),
          space,
          tie('value'),
          space,
        ),
        { maxLength: 4 },
      )
      .map((members) => `{${members.map(([a, name, b, value, c]) => `${a}${name}${b}:${value}${c}`).join(',')}}`),
  ),
})).value;

export const foreignKey = key.filter((text) => !READ_KEYS.includes(text));

const placed = (name: string, value: fc.Arbitrary<string>): fc.Arbitrary<Member> =>
  fc
    .tuple(space, spelled(name), space, space, value, space)
    .map(([lead, spelling, beforeColon, afterColon, text, after]) => ({
      key: name,
      before: `${lead}${spelling}${beforeColon}:${afterColon}`,
      value: text,
      after,
    }));

/** A body with the given members among foreign ones, in any order. */
export function body(required: Readonly<Record<string, fc.Arbitrary<string>>>): fc.Arbitrary<Body> {
  const known = fc.tuple(...Object.entries(required).map(([name, value]) => placed(name, value)));
  const foreign = fc
    .uniqueArray(foreignKey, { maxLength: 5 })
    .chain((names) => fc.tuple(...names.map((name) => placed(name, valueText))));
  return fc
    .tuple(known, foreign, space, space)
    .chain(([needed, others, open, close]) =>
      fc
        .shuffledSubarray([...needed, ...others], { minLength: needed.length + others.length })
        .map((members) => ({ open: `${open}{`, members, close: `}${close}` })),
    );
}

export function textOf({ open, members, close }: Body, value: (member: Member) => string = (member) => member.value) {
  return `${open}${members.map((member) => `${member.before}${value(member)}${member.after}`).join(',')}${close}`;
}

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
export const textFrom = (bytes: Uint8Array): string => new TextDecoder('utf-8', { fatal: true }).decode(bytes);
