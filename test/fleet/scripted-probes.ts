// Decides what workers answer to health questions: a status, or silence, or a refusal. For tests of src/fleet.
import type { Exchange, Transport, UpstreamHandler, UpstreamRequest } from '../../src/core/transport.ts';

export type ProbeAnswer = number | 'refused' | 'silent';

export interface ScriptedProbes extends Transport {
  readonly asked: UpstreamRequest[];
  readonly aborted: number;
  /** What the worker at an origin answers from now on. */
  answer(origin: string, answer: ProbeAnswer): void;
  /** What its metrics page holds from now on: text, or so many bytes of nothing; null: it answers as to health questions. */
  page(origin: string, page: string | number | null): void;
}

/** Answers on a later turn of the loop, as a network does. Origins without a script refuse the connection. */
export function scriptedProbes(): ScriptedProbes {
  const answers = new Map<string, ProbeAnswer>();
  const pages = new Map<string, string | number | null>();
  const asked: UpstreamRequest[] = [];
  let aborted = 0;
  return {
    asked,
    get aborted() {
      return aborted;
    },
    answer: (origin, answer) => void answers.set(origin, answer),
    page: (origin, page) => void pages.set(origin, page),
    send(request: UpstreamRequest, handler: UpstreamHandler): Exchange {
      asked.push(request);
      let over = false;
      const answer = answers.get(request.origin) ?? 'refused';
      queueMicrotask(() => {
        if (over || answer === 'silent') return;
        if (answer === 'refused') {
          over = true;
          return handler.fail({ kind: 'refused', text: '' });
        }
        handler.head(answer, {});
        const page = request.path.endsWith('/metrics') ? (pages.get(request.origin) ?? null) : null;
        if (typeof page === 'string') handler.data(new TextEncoder().encode(page));
        else
          for (let left = page ?? 2; left > 0 && !over; left -= 65_536)
            handler.data(new Uint8Array(Math.min(left, 65_536)));
        if (over) return;
        over = true;
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
