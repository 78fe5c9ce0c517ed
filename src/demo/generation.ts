// How generated tokens become one JSON reply or a stream of events. For every generating route.
import type { ServerResponse } from 'node:http';
import type { Choice, Delta } from './answer.ts';
import type { WorkerError } from './errors.ts';
import type { Job } from './job.ts';
import type { FinishReason } from './metrics.ts';

/** What a call took and made; cached tokens are part of the prompt's. */
export interface TokenCounts {
  readonly prompt: number;
  readonly cached: number;
  readonly completion: number;
}

export interface Ending {
  readonly finishReason: FinishReason;
  readonly stopReason: string | null;
}

/** The events and the JSON of one surface; each text holds whole events as they go out, or none. */
export interface Shape {
  /** As soon as the call is accepted, even while it waits. */
  accepted(): string;
  /** Ahead of a choice's first token. */
  opening(index: number, tokens: TokenCounts): string;
  delta(index: number, delta: Delta): string;
  ending(index: number, ending: Ending): string;
  /** The end of a stream whose choices have all ended; `steps` were made. */
  closing(tokens: TokenCounts, steps: number, ending: Ending): string;
  /** The end of a stream that failed. */
  failed(error: WorkerError): string;
  whole(tokens: TokenCounts, steps: number, ending: (index: number) => Ending): string;
}

export interface GenerationOrder {
  readonly response: ServerResponse;
  readonly refuse: (error: WorkerError) => void;
  readonly shape: Shape;
  readonly choices: readonly Choice[];
  readonly promptIds: readonly number[];
  readonly answerIds: () => readonly number[];
  readonly cacheable: boolean;
  readonly salt: string;
  readonly stream: boolean;
  /** Told once, as the reply is whole. */
  readonly finished?: (steps: number) => void;
}

const counted = (reason: FinishReason) => (reason === 'tool_calls' ? 'stop' : reason);

export function generationJob(order: GenerationOrder): Job {
  const { response, shape, choices, stream } = order;
  const steps = choices.reduce((most, choice) => Math.max(most, choice.deltas.length), 0);
  let cachedTokens = 0;
  let opened = false;
  const ended = choices.map(() => false);

  const tokensBetween = (from: number, to: number) =>
    choices.reduce((sum, { deltas }) => sum + Math.max(0, Math.min(to, deltas.length) - from), 0);
  const tokensAfter = (made: number): TokenCounts => ({
    prompt: order.promptIds.length,
    cached: cachedTokens,
    completion: tokensBetween(0, made),
  });
  const endingOf = (index: number, made: number, forced: FinishReason | undefined): Ending => {
    const choice = choices[index]!;
    if (forced !== undefined && made < choice.deltas.length) return { finishReason: forced, stopReason: null };
    return { finishReason: choice.finishReason, stopReason: choice.stopReason };
  };
  const openings = () => {
    if (opened) return '';
    opened = true;
    return choices.map((_, index) => shape.opening(index, tokensAfter(0))).join('');
  };

  return {
    promptIds: order.promptIds,
    cacheable: order.cacheable,
    salt: order.salt,
    steps,
    tokensBetween,
    answerIds: order.answerIds,
    blocked: () => stream && response.writableNeedDrain,
    started: (cached) => {
      cachedTokens = cached;
    },
    produced: (from, to) => {
      if (!stream) return;
      let text = openings();
      for (let step = from; step < to; step += 1) {
        choices.forEach((choice, index) => {
          const delta = choice.deltas[step];
          if (delta === undefined) return;
          text += shape.delta(index, delta);
          if (step + 1 < choice.deltas.length) return;
          ended[index] = true;
          text += shape.ending(index, endingOf(index, to, undefined));
        });
      }
      response.write(text);
    },
    finished: (made, forced) => {
      const ending = endingOf(0, made, forced);
      if (stream) {
        let text = openings();
        choices.forEach((_, index) => {
          if (!ended[index]) text += shape.ending(index, endingOf(index, made, forced));
        });
        response.end(text + shape.closing(tokensAfter(made), made, ending));
      } else {
        const body = shape.whole(tokensAfter(made), made, (index) => endingOf(index, made, forced));
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
        response.end(body);
      }
      order.finished?.(made);
      return counted(ending.finishReason);
    },
    failed: (error) => {
      if (stream) response.end(shape.failed(error));
      else order.refuse(error);
    },
  };
}

/** vLLM sends its head as soon as the call is accepted, long before the first token. */
export function openStream(response: ServerResponse, shape: Shape): void {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
  response.flushHeaders();
  const first = shape.accepted();
  if (first !== '') response.write(first);
}
