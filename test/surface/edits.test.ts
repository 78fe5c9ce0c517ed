// Shows for each surface that what a target of the caller's own form gets are the caller's bytes with another model, whatever
// else stands in the body and however it is written. What is added to streams of chat is shown in test/dialects/edits.test.ts.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RerankForm } from '../../src/core/names.ts';
import { dialects } from '../../src/dialects/index.ts';
import { body, bytesOf, spelled, textFrom, textOf, valueText } from '../dialects/json-bodies.ts';
import { parseCall, toward } from '../fakes/call-parts.ts';

const runs = { numRuns: 300 };
const name = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
  .filter((text) => !/[\u0000-\u001f\u007f]/.test(text) && text.length <= 256);
const model = name.chain(spelled);
const text = fc.string({ unit: 'grapheme', maxLength: 24 }).chain(spelled);
const list = fc.constantFrom('["a"]', '[ "a" ,\n"\\u0062\\/" ]', '[{"text":"a","title":{"model":1e400}}, "b"]');
const plain = fc.constantFrom('["a"]', '[ "a" ,\n"\\u0062\\/" ]');
const truth = fc.constantFrom('true', 'false', 'null');

type Parts = Readonly<Record<string, fc.Arbitrary<string>>>;
interface Row {
  readonly surface: string;
  readonly dialect: keyof typeof dialects;
  readonly form?: RerankForm;
  readonly parts: Parts;
}

const ROWS: readonly Row[] = [
  { surface: 'chat', dialect: 'openai-chat', parts: { model, messages: valueText } },
  { surface: 'completions', dialect: 'openai-completions', parts: { model, prompt: text, best_of: valueText } },
  { surface: 'responses', dialect: 'openai-responses', parts: { model, input: text, stream: truth, tools: valueText } },
  { surface: 'messages', dialect: 'anthropic-messages', parts: { model, messages: valueText, stream: truth } },
  { surface: 'count_tokens', dialect: 'anthropic-count-tokens', parts: { model, messages: valueText } },
  { surface: 'embeddings', dialect: 'openai-embeddings', parts: { model, input: text, user: valueText } },
  { surface: 'Cohere', dialect: 'rerank-v2', form: 'cohere', parts: { model, query: text, documents: list } },
  { surface: 'Jina', dialect: 'rerank-v1', form: 'jina', parts: { model, query: text, documents: list } },
  { surface: 'Jina to vLLM', dialect: 'rerank-v1', form: 'vllm', parts: { model, query: text, documents: plain } },
  {
    surface: 'Voyage',
    dialect: 'rerank-v1',
    form: 'voyage',
    parts: { model, query: text, documents: list, truncation: truth },
  },
  { surface: 'TEI', dialect: 'rerank', form: 'tei', parts: { model, query: text, texts: list, truncate: truth } },
  { surface: 'TEI, no model', dialect: 'rerank', form: 'tei', parts: { query: text, texts: list, raw_scores: truth } },
  { surface: 'vLLM', dialect: 'rerank', form: 'jina', parts: { model, query: text, documents: list } },
];

describe.each(ROWS)('$surface', ({ dialect, form, parts }) => {
  const target = form === undefined ? {} : { rerank: { form, scores: 'undeclared' as const } };

  it('bytes in = bytes out, but for the name of the model', () => {
    fc.assert(
      fc.property(body(parts), name, (given, served) => {
        const whole = textOf(given);
        const bytes = bytesOf(whole);
        const call = parseCall(dialects[dialect], bytes);
        const up = toward(call, served, target);
        const asked = (JSON.parse(whole) as { model?: string }).model;
        const edited = textOf(given, ({ key, value }) =>
          key === 'model' && served !== asked ? JSON.stringify(served) : value,
        );
        expect(textFrom(up.body)).toBe(edited);
        expect([call.model, up.dropped]).toEqual([asked ?? '', []]);
        // The caller's bytes stand, for the next attempt.
        expect(textFrom(bytes)).toBe(whole);
        expect(textFrom(toward(call, asked ?? 'any', target).body)).toBe(whole);
      }),
      runs,
    );
  });
});
