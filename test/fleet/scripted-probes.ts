// Decides what workers answer to health questions: a status, or silence, or a refusal. For tests of src/fleet.
import type { Exchange, Transport, UpstreamHandler, UpstreamRequest } from '../../src/core/transport.ts';

export type ProbeAnswer = number | 'refused' | 'silent';

export interface ScriptedProbes extends Transport {
  readonly asked: UpstreamRequest[];
  readonly aborted: number;
  /** What the worker at an origin answers from now on. */
  answer(origin: string, answer: ProbeAnswer): void;
}

/** Answers on a later turn of the loop, as a network does. Origins without a script refuse the connection. */
export function scriptedProbes(): ScriptedProbes {
  const answers = new Map<string, ProbeAnswer>();
  const asked: UpstreamRequest[] = [];
  let aborted = 0;
  return {
    asked,
    get aborted() {
      return aborted;
    },
    answer: (origin, answer) => void answers.set(origin, answer),
    send(request: UpstreamRequest, handler: UpstreamHandler): Exchange {
      asked.push(request);
      let over = false;
      const answer = answers.get(request.origin) ?? 'refused';
      queueMicrotask(() => {
        if (over || answer === 'silent') return;
        over = true;
        if (answer === 'refused') return handler.fail({ kind: 'refused', text: '' });
        handler.head(answer, {});
        handler.data(new Uint8Array(2));
        handler.end();
      });
      return {
        pause() {},
        resume() {},
        abort() {
          if (!over) aborted++;
          over = true;
        },
      };
    },
    connections: () => 0,
    close: () => Promise.resolve(),
  };
}
