// Documents in parts and back, for every form of caller and of worker: the ranking of one call. For src/dialects/rerank/parts.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ParsedCall } from '../../src/core/dialect.ts';
import { RERANK_FORMS, type RerankForm } from '../../src/core/names.ts';
import { bytesOf, textFrom } from './json-bodies.ts';
import {
  answer,
  asked,
  CALLERS,
  type Caller,
  CUTS,
  checked,
  expected,
  listOf,
  parseRerank,
  ROUTE_OF,
  type Score,
  TOKENS,
  targetOf,
  type Wish,
} from './rerank-forms.ts';

const PAIRS = CALLERS.flatMap((caller) => RERANK_FORMS.map((form) => [caller, form] as const));

/** Few values, so that many documents are equally good. */
const score: Score = (text) => [0.5, -3.25, 1e-9, 0.9999999, 12][text.length % 5]!;

function ask(call: ParsedCall, form: RerankForm) {
  const upstream = call.toward(targetOf(form), 'served');
  const { body, headers } = answer(form, upstream, score);
  return { upstream, reply: upstream.check(bytesOf(JSON.stringify(body)), headers) };
}

function joined(call: ParsedCall, most: number, form: RerankForm) {
  const split = call.split(most)!;
  const asked = split.parts.map((part) => ask(part, form));
  const { pieces, ...facts } = split.join(asked.map(({ reply }) => reply));
  return { ...facts, reply: JSON.parse(textFrom(Buffer.concat(pieces))) as unknown, asked };
}

const wishes = fc.record({
  query: fc.string({ unit: 'grapheme', maxLength: 8 }),
  texts: fc.array(fc.string({ unit: 'grapheme', maxLength: 8 }), { minLength: 2, maxLength: 24 }),
  cut: fc.option(fc.integer({ min: 1, max: 30 })),
  echo: fc.boolean(),
});

/** A reply with the counts of one call, whatever it took. */
const asOne = (reply: unknown, parts: number) =>
  JSON.parse(JSON.stringify(reply).replaceAll(`:${TOKENS * parts}`, `:${TOKENS}`)) as unknown;

describe.each(PAIRS)('%s form in, workers of the form %s', (caller, form) => {
  it('parts rank as the whole does: order, indices, cut, texts, model, tokens', () => {
    fc.assert(
      fc.property(wishes, fc.integer({ min: 1, max: 9 }), (wish: Wish, most) => {
        fc.pre(wish.texts.length > most);
        const call = parseRerank(ROUTE_OF[caller], asked(caller, wish));
        const { reply, usage, asked: parts, stop } = joined(call, most, form);
        expect(listOf(caller, reply)).toEqual(expected(caller, wish, score));
        const { upstream, reply: whole } = ask(call, form);
        const unsplit = checked(upstream, answer(form, upstream, score)).reply;
        if (form === 'cohere' && caller === 'cohere') {
          expect(reply).toMatchObject({ id: 'c-1', meta: { billed_units: { search_units: parts.length } } });
        } else expect(asOne(reply, parts.length)).toEqual(unsplit);
        expect(usage?.uncachedTokens).toBe(whole.usage === null ? undefined : TOKENS * parts.length);
        expect(stop).toBe(null);
        for (const { upstream: part } of parts) {
          expect([part.path, part.dropped, part.translated]).toEqual([upstream.path, upstream.dropped, true]);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('parts of documents that are objects are asked and answered as the whole is', () => {
    const texts = ['a', 'bb', 'ccc', 'dddd', 'e'];
    // In one part all are plain; the whole's kind holds.
    const mixed = texts.map((text, at) => (at === 4 ? { text, title: 'T' } : text));
    const wish = { query: 'q', texts, cut: 3, echo: caller !== 'cohere' };
    const key = caller === 'tei' ? 'texts' : 'documents';
    const call = parseRerank(ROUTE_OF[caller], { ...asked(caller, wish), [key]: mixed });
    const { reply, asked: parts } = joined(call, 2, form);
    const { upstream, reply: whole } = ask(call, form);
    expect(asOne(reply, parts.length)).toMatchObject(listed(caller, textFrom(whole.body)));
    for (const { upstream: part } of parts) expect(part.dropped).toEqual(upstream.dropped);
  });
});

function listed(caller: Caller, text: string): object {
  const list = listOf(caller, JSON.parse(text)) as object;
  if (caller === 'tei') return list;
  return { [caller === 'voyage' ? 'data' : 'results']: list };
}

describe("a part in the caller's own form", () => {
  const texts = ['a', 'b', 'c', 'd', 'e'];

  it.each(CALLERS)("%s: the caller's bytes without the cut, and without the others' documents", (caller) => {
    const list = caller === 'tei' ? 'texts' : 'documents';
    const documents = ' [ "a" ,"\\u0062","c" , "d", "e"]';
    const spans = ['"a" ,"\\u0062"', '"c" , "d"', '"e"'];
    const cut = CUTS[caller];
    const orders = [
      (one: string, top: string) => `{ ${top}"x" : [1.0], "query":"q","${list}":${one}\n}`,
      (one: string, top: string) => `{"query":"q","${list}":${one},${top} "x" : [1.0] }`,
      (one: string, top: string) =>
        `{"query":"q","x" : [1.0],"${list}":${one}${top === '' ? '' : `,${top.slice(0, -1)}`} }`,
    ];
    for (const text of orders) {
      const whole = text(documents, cut === null ? '' : `"${cut}" : 2,`);
      const model = ROUTE_OF[caller] === '/rerank' ? '' : '"model":"served",';
      const call = parseRerank(ROUTE_OF[caller], whole.replace('{', `{${model}`));
      const bodies = call.split(2)!.parts.map((part) => textFrom(part.toward(targetOf(caller), 'served').body));
      const plain = bodies.map((body) => body.replace(/\s*,\s*/g, ',').replace(/\s*}/, '}'));
      expect(bodies.map((body) => (JSON.parse(body) as Record<string, unknown>)[cut ?? ''])).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
      expect(plain).toEqual(
        spans.map((span) =>
          text(` [${span}]`, '')
            .replace('{', `{${model}`)
            .replace(/\s*,\s*/g, ',')
            .replace(/\s*}/, '}'),
        ),
      );
    }
  });

  it('scores and fields that only the target knows come back byte for byte', () => {
    const call = parseRerank('/v1/rerank', { model: 'm', query: 'q', documents: texts, top_n: 4 });
    const split = call.split(2)!;
    const scores = ['0.50', '9e-1', '5e-1', '1.0', '0.500'];
    let at = 0;
    const replies = split.parts.map((part) => {
      const results = Array.from({ length: part.items }, (_, index) => {
        return `{ "relevance_score": ${scores[at++]}, "index" : ${index}, "new":{"index":7} }`;
      });
      const text = `{"usage":{"total_tokens":5}, "results":[${results.toReversed().join(' ,\n')}],"model":"said"}`;
      return part.toward(targetOf('jina'), 'm').check(bytesOf(text), {});
    });
    const best = [3, 1, 0, 2].map(
      (index) => `{ "relevance_score": ${scores[index]}, "index" : ${index}, "new":{"index":7} }`,
    );
    expect(textFrom(Buffer.concat(split.join(replies).pieces))).toBe(
      `{"usage":{"total_tokens":15}, "results":[${best.join(',')}],"model":"said"}`,
    );
  });

  it('a part is asked for all of its documents, and one that leaves some out is refused', () => {
    const call = parseRerank('/v2/rerank', { model: 'm', query: 'q', documents: texts, top_n: 1 });
    const part = call.split(2)!.parts[0]!.toward(targetOf('cohere'), 'm');
    const one = '{"results":[{"index":0,"relevance_score":1}]}';
    expect(() => part.check(bytesOf(one), {})).toThrow(expect.objectContaining({ code: 'upstream_error' }));
  });
});

describe('what is known of a call before it is asked', () => {
  it('its documents are its items, and each is read together with the query', () => {
    const documents = Array.from({ length: 10 }, () => '12345678');
    const call = parseRerank('/v2/rerank', { model: 'm', query: '1234', documents });
    expect([call.items, call.inputTokens, call.answersTool, call.print()]).toEqual([10, 30, false, null]);
    expect(call.split(10)).toBe(null);
    const { parts } = call.split(4)!;
    expect(parts.map(({ items, inputTokens, model }) => [items, inputTokens, model])).toEqual([
      [4, 12, 'm'],
      [4, 12, 'm'],
      [2, 6, 'm'],
    ]);
  });

  it('a call that names no model stays one, in parts too', () => {
    const call = parseRerank('/rerank', { query: 'q', texts: ['a', 'b', 'c'] });
    const [part] = call.split(1)!.parts;
    expect([part!.model, textFrom(part!.toward(targetOf('vllm'), 'served').body)]).toEqual([
      '',
      '{"model":"served","query":"q","documents":["a"]}',
    ]);
  });

  it('raw scores mean logits in parts as in the whole', () => {
    const call = parseRerank('/rerank', { query: 'q', texts: ['a', 'b'], raw_scores: true });
    expect(call.split(1)!.parts[0]!.toward(targetOf('tei'), 'served').scores).toBe('logit');
  });
});
