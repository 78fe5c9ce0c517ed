// The worker forms by name. For rerank calls on their way to a target.
import type { RerankForm } from '../../core/names.ts';
import { cohereWorker } from './cohere.ts';
import type { WorkerForm } from './form.ts';
import { jinaWorker } from './jina.ts';
import { infinityWorker, llamaCppWorker, nimWorker, vllmWorker } from './servers.ts';
import { teiWorker } from './tei.ts';
import { voyageWorker } from './voyage.ts';

export const WORKER_FORMS: Readonly<Record<RerankForm, WorkerForm>> = {
  cohere: cohereWorker,
  jina: jinaWorker,
  voyage: voyageWorker,
  tei: teiWorker,
  vllm: vllmWorker,
  infinity: infinityWorker,
  'llama-cpp': llamaCppWorker,
  nim: nimWorker,
};
