// Every form in, to a worker of every form, and back: order, indices, texts, cut, tokens, model. For src/dialects/rerank.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RERANK_FORMS } from '../../src/core/names.ts';
import { textFrom } from './json-bodies.ts';
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
const texts = ['none', 'some "quoted"\n', '', 'much \ud83d\udc4b', 'some too'];
const SCORES = new Map([
  ['none', -3.25],
  ['some "quoted"\n', 0.5],
  ['', 1e-9],
  ['much \ud83d\udc4b', 0.9999999],
  ['some too', 0.5],
]);
const score: Score = (text) => SCORES.get(text)!;
const WISHES: readonly Wish[] = [
  { query: 'q', texts },
  { query: 'q "x"', texts, cut: 2 },
  { query: 'q', texts, cut: 3, echo: true },
  { query: '', texts, cut: 99, echo: true },
  { query: 'q', texts: ['none'], cut: 1 },
];

const call = (caller: Caller, wish: Wish) => parseRerank(ROUTE_OF[caller], asked(caller, wish));

describe.each(PAIRS)('%s form in, a worker of the form %s', (caller, form) => {
  it.each(WISHES)('is answered as its own API answers: cut $cut, echo $echo', (wish) => {
    const upstream = call(caller, wish).toward(targetOf(form), 'served');
    const { reply } = checked(upstream, answer(form, upstream, score));
    expect(listOf(caller, reply)).toEqual(expected(caller, wish, score));
    expect(upstream.dropped).toEqual([]);
  });

  it('says the tokens that the worker says, and none where it says none', () => {
    const upstream = call(caller, { query: 'q', texts }).toward(targetOf(form), 'served');
    const { reply, usage } = checked(upstream, answer(form, upstream, score));
    const said = form !== 'cohere' && form !== 'nim';
    expect(usage).toEqual(
      said ? { uncachedTokens: TOKENS, cachedTokens: 0, outputTokens: 0, reasoningTokens: 0 } : null,
    );
    if (caller === 'tei') return;
    const { usage: shown, meta } = reply as { usage?: unknown; meta?: unknown };
    if (caller !== 'cohere') expect(shown).toEqual(said ? { total_tokens: TOKENS } : undefined);
    else if (form === 'cohere') expect(meta).toEqual({ billed_units: { search_units: 1 } });
    else expect(meta).toEqual(said ? { tokens: { input_tokens: TOKENS } } : undefined);
  });

  it('names the served model where the form has a place for it', () => {
    const upstream = call(caller, { query: 'q', texts }).toward(targetOf(form), 'served');
    const { reply, servedModel } = checked(upstream, answer(form, upstream, score));
    const says = !['cohere', 'tei', 'nim'].includes(form);
    expect(servedModel).toBe(says ? 'said' : null);
    if (caller === 'jina' || caller === 'voyage') expect(reply).toMatchObject({ model: says ? 'said' : 'served' });
    else expect(reply).not.toHaveProperty('model');
  });
});

describe('who asks for raw scores', () => {
  it.each(RERANK_FORMS)('is told that they are logits where a worker of the form %s gives them', (form) => {
    const told = (more: object) =>
      parseRerank('/rerank', { query: 'q', texts, ...more }).toward(targetOf(form), 'served').scores ?? null;
    const gives = !['cohere', 'jina', 'voyage'].includes(form);
    expect(told({ raw_scores: true })).toBe(gives ? 'logit' : null);
    expect([told({}), told({ raw_scores: false })]).toEqual([null, null]);
  });
});

describe('what passes as it came', () => {
  it.each(CALLERS)('%s in and out: the bytes but for the model, unknown fields included, and the reply', (caller) => {
    const own = { ...asked(caller, { query: 'q', texts, cut: 2, echo: true }), model: 'asked', x_new: { a: [1.0] } };
    const text = ` ${JSON.stringify(own, null, 1)}\n`;
    const upstream = parseRerank(ROUTE_OF[caller], text).toward(targetOf(caller), 'served');
    expect(textFrom(upstream.body)).toBe(text.replace('"asked"', '"served"'));
    expect([upstream.translated, upstream.dropped]).toEqual([false, []]);
    const reply = `{ "results" : [${'{"index":3,"relevance_score":0.50},{"index":1,"relevance_score":5e-1}'}], "x": 1.0 }`;
    const given = {
      cohere: reply,
      jina: reply,
      voyage: reply.replace('results', 'data'),
      tei: `[${[3, 1, 0, 2, 4].map((index) => `{"index":${index},"score":0.50}`).join(' , ')}]`,
    }[caller];
    const bytes = new TextEncoder().encode(given);
    expect(upstream.check(bytes, {}).body).toBe(bytes);
  });

  it("Jina's form to vLLM, as long as the texts are plain and wanted back", () => {
    const body = JSON.stringify({
      ...asked('jina', { query: 'q', texts, cut: 2, echo: true }),
      truncate_prompt_tokens: 9,
    });
    const upstream = parseRerank('/v1/rerank', body).toward(targetOf('vllm'), 'asked');
    expect(textFrom(upstream.body)).toBe(body);
    const whole = JSON.stringify(
      answer('vllm', parseRerank('/v1/rerank', body).toward(targetOf('vllm'), 'served'), score).body,
    );
    expect(textFrom(upstream.check(new TextEncoder().encode(whole), {}).body)).toBe(whole);
  });

  it("a server that copies vLLM may answer with a bare list, uncut: the caller gets Jina's form all the same", () => {
    const wish = { query: 'q', texts, cut: 2, echo: true };
    const upstream = parseRerank('/rerank', asked('jina', wish)).toward(targetOf('vllm'), 'served');
    const bare = texts.map((text, index) => ({ score: score(text, index), document: text, index }));
    const { reply } = checked(upstream, { body: bare, headers: {} });
    expect(listOf('jina', reply)).toEqual(expected('jina', wish, score));
    expect(reply).toMatchObject({ object: 'list', model: 'served' });
  });

  it('a target that declares no form is asked as vLLM', () => {
    const upstream = call('cohere', { query: 'q', texts }).toward(targetOf(null), 'served');
    expect(upstream.path).toBe('/v1/rerank');
    expect(listOf('cohere', checked(upstream, answer('vllm', upstream, score)).reply)).toHaveLength(5);
  });
});

describe('for all documents and scores', () => {
  const wishes = fc.record({
    query: fc.string({ unit: 'binary', maxLength: 20 }),
    texts: fc.array(fc.string({ unit: 'binary', maxLength: 20 }), { minLength: 1, maxLength: 30 }),
    cut: fc.option(fc.integer({ min: 1, max: 40 })),
    echo: fc.boolean(),
  });
  const scores = fc.array(
    fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(0, 0.5, 1, -1)),
    { minLength: 30, maxLength: 30 },
  );

  it('each pair answers as a naive reference does, whatever order the worker answers in', () => {
    const pair = fc.constantFrom(...PAIRS);
    fc.assert(
      fc.property(pair, wishes, scores, fc.func(fc.nat()), ([caller, form], wish, values, shuffle) => {
        // JSON has no negative zero.
        const scored: Score = (_text, index) => values[index]! + 0;
        const upstream = call(caller, wish).toward(targetOf(form), 'served');
        const given = answer(form, upstream, scored);
        if (upstream.translated) mix(given.body, shuffle);
        const { reply } = checked(upstream, given);
        expect(listOf(caller, reply)).toEqual(expected(caller, wish, scored));
      }),
      { numRuns: 1500 },
    );
  });

  /** Puts the list of a reply into another order, in place. */
  function mix(reply: unknown, key: (index: number) => number): void {
    const { results, data, rankings } = reply as Record<string, unknown>;
    const list = (Array.isArray(reply) ? reply : (results ?? data ?? rankings)) as { index: number }[];
    list.sort((a, b) => (key(a.index) % 7) - (key(b.index) % 7));
  }

  it('the cut is never left to a worker of another form, so ties fall alike everywhere', () => {
    for (const [caller, form] of PAIRS) {
      if (CUTS[caller] === null || form === caller) continue;
      const upstream = call(caller, { query: 'q', texts: ['a', 'b', 'c'], cut: 1 }).toward(targetOf(form), 'served');
      expect(Object.keys(JSON.parse(textFrom(upstream.body)))).not.toContain('top_n');
      expect(Object.keys(JSON.parse(textFrom(upstream.body)))).not.toContain('top_k');
    }
  });
});
