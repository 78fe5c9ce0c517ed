// Reads a worker's whole reply and refuses what is no ranking of the caller's documents. For rerank calls of every form.
import { RouterError } from '../../core/errors.ts';
import type { HeaderView } from '../../core/transport.ts';
import { parseSpan } from '../../wire/json-view.ts';
import { scanValue } from '../../wire/scan.ts';
import { inBandFault } from '../faults.ts';
import { REPLY_LIMITS, readable } from '../reply.ts';
import { computeTimeIn } from '../timings.ts';
import { MOST_TOKENS, part, tokenCount } from '../values.ts';
import type { Ranked, Ranking, WorkerForm } from './form.ts';

const refuse = (what: string) => new RouterError('upstream_error', `The target answered 200 with ${what}.`);

/** A reply as a value. Throws a RouterError blamed on the worker when it is no JSON or says that it failed. */
export function wholeReply(reply: Uint8Array): unknown {
  readable(() => scanValue(reply, REPLY_LIMITS));
  const value = parseSpan(reply, 0, reply.length);
  const error = part(value, 'error');
  if (error === undefined || error === null) return value;
  throw inBandFault(typeof error === 'object' ? error : { type: part(value, 'error_type') });
}

/** Every result names another one of `count` documents and has a finite score; how many there are is the caller's to judge. */
export function readRanking(whole: unknown, headers: HeaderView, worker: WorkerForm, count: number): Ranking {
  const list = worker.list(whole);
  if (!Array.isArray(list)) throw refuse('a reply that has no ranking');
  // A bare list has TEI's keys, whoever sends it.
  const key = Array.isArray(whole) ? 'score' : worker.score;
  if (list.length > count) throw refuse('more results than there are documents');
  const seen = new Uint8Array(count);
  const ranked: Ranked[] = [];
  for (const entry of list as readonly unknown[]) {
    const index = part(entry, 'index');
    const score = part(entry, key);
    if (typeof index !== 'number' || !Number.isInteger(index) || index < 0 || index >= count) {
      throw refuse('a result for a document that was not given');
    }
    if (seen[index] === 1) throw refuse('two results for one document');
    if (typeof score !== 'number' || !Number.isFinite(score)) throw refuse('a score that is not a number');
    seen[index] = 1;
    ranked.push({ index, score });
  }
  const tokens = worker.tokens(whole, headers);
  return {
    ranked,
    id: textAt(whole, 'id'),
    model: textAt(whole, 'model'),
    tokens: typeof tokens === 'number' && tokens >= 0 && tokens <= MOST_TOKENS ? Math.floor(tokens) : null,
    // 0 is what none says that bills by them.
    searchUnits: tokenCount(part(part(part(whole, 'meta'), 'billed_units'), 'search_units')) || null,
    reportedMs: computeTimeIn(headers),
  };
}

/** Fewer results than documents: what was left out might have been the best. */
export const incomplete = () => refuse('a ranking that leaves documents out');

/** Best first; of equals the one that the caller named first. */
export const order = (a: Ranked, b: Ranked): number => b.score - a.score || a.index - b.index;

export const bestFirst = (ranked: readonly Ranked[]): readonly Ranked[] => [...ranked].sort(order);

export const isBestFirst = (ranked: readonly Ranked[]): boolean =>
  ranked.every((one, at) => at === 0 || order(ranked[at - 1]!, one) < 0);

function textAt(whole: unknown, key: string): string | null {
  const value = part(whole, key);
  return typeof value === 'string' && value !== '' ? value : null;
}
