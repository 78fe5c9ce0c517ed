// A call that is done once its prompt is computed. For embeddings and rerank.
import type { Call } from './call.ts';
import { wentToSleep } from './errors.ts';
import type { Job } from './job.ts';

export function prefillJob(call: Call, promptIds: readonly number[], reply: () => void): Job {
  return {
    promptIds,
    cacheable: false,
    salt: '',
    steps: 0,
    tokensBetween: () => 0,
    answerIds: () => [],
    blocked: () => false,
    started: () => {},
    produced: () => {},
    failed: call.refuse,
    finished: (_steps, forced) => {
      if (forced === undefined) {
        reply();
        return 'stop';
      }
      // There is no partial form: sleep turns the answer into a refusal.
      call.refuse(wentToSleep());
      return 'abort';
    },
  };
}
