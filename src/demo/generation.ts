// How generated tokens become one JSON reply or a stream of events. For chat and completions.
import type { ServerResponse } from 'node:http';
import type { Choice, Delta } from './answer.ts';
import { errorBody } from './errors.ts';
import type { Job } from './job.ts';
import type { FinishReason } from './metrics.ts';

export interface Usage {
  readonly prompt_tokens: number;
  readonly total_tokens: number;
  readonly completion_tokens: number;
  readonly prompt_tokens_details: { readonly cached_tokens: number };
}

export interface Ending {
  readonly finishReason: FinishReason;
  readonly stopReason: string | null;
}

/** The JSON of one dialect; every event is the text behind `data: `. */
export interface Shape {
  /** Events ahead of a choice's first token. */
  opening(index: number): string[];
  delta(index: number, delta: Delta): string;
  ending(index: number, ending: Ending): string;
  usage(usage: Usage): string;
  whole(usage: Usage, steps: number, ending: (index: number) => Ending): string;
}

export interface GenerationOrder {
  readonly response: ServerResponse;
  readonly shape: Shape;
  readonly choices: readonly Choice[];
  readonly promptIds: readonly number[];
  readonly answerIds: () => readonly number[];
  readonly cacheable: boolean;
  readonly salt: string;
  readonly stream: boolean;
  readonly includeUsage: boolean;
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
  const usageAfter = (made: number): Usage => {
    const prompt = order.promptIds.length;
    const completion = tokensBetween(0, made);
    return {
      prompt_tokens: prompt,
      total_tokens: prompt + completion,
      completion_tokens: completion,
      prompt_tokens_details: { cached_tokens: cachedTokens },
    };
  };
  const endingOf = (index: number, made: number, forced: FinishReason | undefined): Ending => {
    const choice = choices[index]!;
    if (forced !== undefined && made < choice.deltas.length) return { finishReason: forced, stopReason: null };
    return { finishReason: choice.finishReason, stopReason: choice.stopReason };
  };
  const openings = () => {
    if (opened) return '';
    opened = true;
    return choices
      .flatMap((_, index) => shape.opening(index))
      .map(event)
      .join('');
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
          text += event(shape.delta(index, delta));
          if (step + 1 < choice.deltas.length) return;
          ended[index] = true;
          text += event(shape.ending(index, endingOf(index, to, undefined)));
        });
      }
      response.write(text);
    },
    finished: (made, forced) => {
      if (stream) {
        let text = openings();
        choices.forEach((_, index) => {
          if (!ended[index]) text += event(shape.ending(index, endingOf(index, made, forced)));
        });
        if (order.includeUsage) text += event(shape.usage(usageAfter(made)));
        response.end(`${text}data: [DONE]\n\n`);
      } else {
        const body = shape.whole(usageAfter(made), made, (index) => endingOf(index, made, forced));
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
        response.end(body);
      }
      return counted(endingOf(0, made, forced).finishReason);
    },
    failed: (error) => {
      if (stream) {
        response.end(`${event(errorBody(error))}data: [DONE]\n\n`);
        return;
      }
      response.writeHead(error.status, { 'content-type': 'application/json' });
      response.end(errorBody(error));
    },
  };
}

const event = (json: string) => `data: ${json}\n\n`;

/** vLLM sends its head as soon as the call is accepted, long before the first token. */
export function openStream(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
  response.flushHeaders();
}
