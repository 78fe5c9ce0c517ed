// What a rerank call is answered with, whichever server's form it has. For rerank workers.
import { bm25 } from './bm25.ts';
import { type Call, run, sendJson } from './call.ts';
import { promptTooLong } from './errors.ts';
import { prefillJob } from './prefill.ts';
import type { DescribedForm } from './rerank-forms.ts';
import { encode } from './tokenizer.ts';

/** One document with its score: 0 or more, without an upper bound. */
export interface Ranked {
  readonly index: number;
  readonly text: string;
  readonly score: number;
}

/** Best first; of equals the one that was named first. */
export function ranked(query: string, documents: readonly string[]): Ranked[] {
  const scores = bm25(query, documents);
  return documents
    .map((text, index) => ({ index, text, score: scores[index]! }))
    .sort((a, b) => b.score - a.score || a.index - b.index);
}

export function rerank(call: Call, form: DescribedForm): void {
  const { settings, response, clock, requestId } = call;
  const question = form.read(call);
  const { query, documents, top } = question;
  const queryIds = encode(query);
  // A cross-encoder reads the query anew with each document.
  const pairs = documents.map((text) => [...queryIds, ...encode(text)]);
  for (const { length } of pairs) {
    if (length > settings.maxModelLen) throw promptTooLong(settings.maxModelLen, length, 0);
  }
  const promptIds = pairs.flat();
  const startedMs = clock.nowMs();
  const reply = () => {
    const all = ranked(query, documents);
    const facts = {
      id: requestId,
      model: settings.model,
      tokens: promptIds.length,
      characters: pairs.length * query.length + documents.reduce((sum, { length }) => sum + length, 0),
      documents: documents.length,
      tookMs: Math.round(clock.nowMs() - startedMs),
    };
    for (const [name, value] of Object.entries(form.headers?.(facts) ?? {})) response.setHeader(name, value);
    sendJson(response, 200, form.reply(top === 0 ? all : all.slice(0, top), question, facts));
  };
  run(call, prefillJob(call, promptIds, reply));
}
