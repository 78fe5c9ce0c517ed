// A list of inputs in parts and back: the caller's bytes out, the target's bytes in, order, index and usage as of one call.
// For src/dialects/openai-embeddings.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CheckedReply, ParsedCall } from '../../src/core/dialect.ts';
import { dialects } from '../../src/dialects/index.ts';
import { parseCall, toward } from '../fakes/call-parts.ts';
import { bytesOf, space, spelled, textFrom, valueText } from './json-bodies.ts';

const parse = (text: string): ParsedCall => parseCall(dialects['openai-embeddings'], bytesOf(text));
const bodyOf = (call: ParsedCall, model = 'm') => textFrom(toward(call, model).body);

/** What a target answers to this body: each input's own text as its vector, however this one is written. */
type Write = (input: unknown, index: number) => string;
function answered(call: ParsedCall, write: Write, usage = (n: number) => `{"prompt_tokens":${n},"total_tokens":${n}}`) {
  const upstream = toward(call, 'm');
  const { input } = JSON.parse(textFrom(upstream.body)) as { input: unknown[] };
  const list = input.map((one, index) => write(one, index));
  const text = `{"object":"list", "data" : [ ${list.join(' , ')} ],"model":"said","usage": ${usage(input.length)}, "x":[1.0]}`;
  return upstream.check(bytesOf(text), {});
}

const embedding: Write = (input, index) =>
  `{"object":"embedding","index":${index},"embedding":${JSON.stringify(input)}}`;

function joinedFrom(text: string, most: number, reply: (part: ParsedCall) => CheckedReply): CheckedReply {
  const split = parse(text).split(most)!;
  const { pieces, bytes, ...facts } = split.join(split.parts.map(reply));
  const body = Buffer.concat(pieces);
  expect(body.length).toBe(bytes);
  return { ...facts, body };
}

const entry = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }).chain(spelled),
  fc.constantFrom('"a,]\\""', '""', '"\\\\"', '"[{"'),
);
const tokens = fc
  .array(fc.nat(99_999), { minLength: 1, maxLength: 5 })
  .map((ids) => JSON.stringify(ids).replaceAll(',', ' , '));
const spaced = (one: fc.Arbitrary<string>) => fc.array(fc.tuple(space, one, space), { minLength: 2, maxLength: 40 });
const lists = fc.oneof(spaced(entry), spaced(tokens));

describe('a list of inputs in parts', () => {
  it("each part is the caller's bytes, but for the inputs of the others", () => {
    fc.assert(
      fc.property(
        lists,
        fc.integer({ min: 1, max: 12 }),
        space,
        valueText,
        fc.boolean(),
        (list, most, gap, other, first) => {
          fc.pre(list.length > most);
          const model = `"model"${gap}:"m"`;
          const tail = `${gap}, "other":${gap}${other}${first ? '' : `,${model}`} }${gap}`;
          const head = `{${first ? `${model},` : ''}${gap}"input":`;
          const call = parse(`${head}[${list.map((one) => one.join('')).join(',')}]${tail}`);
          const { parts } = call.split(most)!;
          expect(parts.map(({ items }) => items).reduce((sum, n) => sum + n)).toBe(call.items);
          for (const [at, part] of parts.entries()) {
            const own = list.slice(at * most, (at + 1) * most);
            expect([part.items, part.model, part.split(1)]).toEqual([own.length, 'm', null]);
            const inner = own.map((one) => one.join('')).join(',');
            // White space at the ends of a part goes with its neighbours.
            const from = own[0]![0].length;
            const until = inner.length - own.at(-1)![2].length;
            expect(bodyOf(part)).toBe(`${head}[${inner.slice(from, until)}]${tail}`);
            expect(bodyOf(part, 'n')).toBe(bodyOf(part).replace(model, `"model"${gap}:"n"`));
          }
        },
      ),
    );
  });

  it('the joined reply says what one call would have been told, whatever order a target answers in', () => {
    fc.assert(
      fc.property(lists, fc.integer({ min: 1, max: 12 }), fc.boolean(), (list, most, turned) => {
        fc.pre(list.length > most);
        const text = `{"model":"m","input":[${list.map((one) => one.join('')).join(',')}]}`;
        const turn = (reply: (part: ParsedCall) => CheckedReply) => (part: ParsedCall) => {
          const { body, ...facts } = reply(part);
          const whole = JSON.parse(textFrom(body)) as { data: unknown[] };
          return { ...facts, body: bytesOf(JSON.stringify({ ...whole, data: whole.data.toReversed() })) };
        };
        const part = (one: ParsedCall) => answered(one, embedding);
        const joined = joinedFrom(text, most, turned ? turn(part) : part);
        const unsplit = answered(parse(text), embedding);
        expect(JSON.parse(textFrom(joined.body))).toEqual(JSON.parse(textFrom(unsplit.body)));
        expect(joined).toEqual({ ...unsplit, body: joined.body });
      }),
    );
  });

  it.each([
    [
      'floats',
      (_: unknown, index: number) => `{ "embedding" : [ 1.50, -0.0,1e-07,12345678901234567890 ] ,"index" : ${index} }`,
    ],
    ['base64', (_: unknown, index: number) => `{"index":${index},"embedding":"AACAPw+/=="}`],
  ])('%s pass byte for byte', (_name, write) => {
    const joined = joinedFrom('{"model":"m","input":["a","b","c"]}', 2, (part) => answered(part, write));
    expect(textFrom(joined.body)).toBe(
      `{"object":"list", "data" : [${[0, 1, 2].map((index) => write(null, index)).join(',')}],"model":"said","usage": {"prompt_tokens":3,"total_tokens":3}, "x":[1.0]}`,
    );
  });

  it('an entry without an index stands where it is named', () => {
    const joined = joinedFrom('{"model":"m","input":["a","b","c"]}', 2, (part) =>
      answered(part, (input) => `{"embedding":${JSON.stringify(input)}}`),
    );
    const { data } = JSON.parse(textFrom(joined.body)) as { data: unknown };
    expect(data).toEqual([{ embedding: 'a' }, { embedding: 'b' }, { embedding: 'c' }]);
  });

  it('counts are added at any depth; where one part says none, none is said', () => {
    const text = '{"model":"m","input":["a","b","c"]}';
    const details = '{"prompt_tokens":2,"prompt_tokens_details":{"cached_tokens":1,"audio":null},"unit":"t"}';
    const all = joinedFrom(text, 1, (part) => answered(part, embedding, () => details));
    expect(JSON.parse(textFrom(all.body))).toMatchObject({
      usage: { prompt_tokens: 6, prompt_tokens_details: { cached_tokens: 3, audio: null }, unit: 't' },
    });
    expect(all.usage).toMatchObject({ uncachedTokens: 3, cachedTokens: 3 });
    let told = 0;
    const some = joinedFrom(text, 1, (part) => answered(part, embedding, () => (told++ === 1 ? 'null' : details)));
    expect(some.usage).toBe(null);
    expect(JSON.parse(textFrom(some.body))).not.toHaveProperty('usage');
  });
});

describe('what is not split', () => {
  it.each([
    ['one text', '"a b c d"'],
    ['one list of tokens', '[1,2,3,4,5]'],
    ['no more than fits', '["a","b"]'],
    ['texts beside lists of tokens', '["a",[1],"b"]'],
    ['objects', '[{"text":"a"},{"text":"b"},{"text":"c"}]'],
    ['nothing', '[]'],
  ])('%s', (_name, input) => {
    expect(parse(`{"model":"m","input":${input}}`).split(2)).toBe(null);
  });

  it('texts that are to be read as one', () => {
    const late = (value: string) => parse(`{"model":"m","input":["a","b","c"],"late_chunking":${value}}`).split(2);
    expect(late('true')).toBe(null);
    expect(late('false')?.parts).toHaveLength(2);
    expect(late('null')?.parts).toHaveLength(2);
  });
});

describe('a part that is not answered item by item is refused', () => {
  it.each([
    ['an entry is missing', '[{"index":0}]'],
    ['an entry too many', '[{"index":0},{"index":1},{"index":1}]'],
    ['one index twice', '[{"index":1},{"index":1}]'],
    ['an index beyond the part', '[{"index":0},{"index":2}]'],
    ['an index that is no number', '[{"index":0},{"index":"1"}]'],
    ['entries that are no objects', '[[1],[2]]'],
    ['no list', '{}'],
  ])('%s', (_name, data) => {
    const [part] = parse('{"model":"m","input":["a","b","c"]}').split(2)!.parts;
    const refusal = expect.objectContaining({ code: 'upstream_error', blame: 'worker', retryable: true });
    expect(() => toward(part!, 'm').check(bytesOf(`{"data":${data}}`), {})).toThrow(refusal);
  });

  it('one reply does not stand for another part', () => {
    const { parts, join } = parse('{"model":"m","input":["a","b","c"]}').split(2)!;
    const reply = answered(parts[0]!, embedding);
    expect(() => join([reply, reply])).toThrow(expect.objectContaining({ code: 'upstream_error' }));
  });

  it('its reply is held until it is whole, as one that is translated', () => {
    const call = parse('{"model":"m","input":["a","b","c"]}');
    expect(call.split(2)!.parts.map((part) => toward(part, 'm').translated)).toEqual([true, true]);
    expect(toward(call, 'm').translated).toBe(false);
  });
});

it('items and tokens are known without reading the inputs', () => {
  const facts = (input: string) => {
    const { items, inputTokens, answersTool, print } = parse(`{"model":"m","input":${input}}`);
    expect([answersTool, print()]).toEqual([false, null]);
    return [items, inputTokens];
  };
  expect(facts('"12345678"')).toEqual([1, 2]);
  expect(facts('["1234","123456","12"]')).toEqual([3, 3]);
  expect(facts('[1, 22 ,333]')).toEqual([1, 3]);
  expect(facts('[[1,2], [] ,[3,4,5]]')).toEqual([3, 5]);
  expect(facts('[]')).toEqual([1, 0]);
  const call = parse(`{"model":"m","input":${JSON.stringify(Array(10).fill('12345678'))}}`);
  expect(call.split(4)!.parts.map((part) => part.inputTokens)).toEqual([8, 8, 4]);
});
