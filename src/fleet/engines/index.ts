// The kinds of engine a pool may name. For policy's schema and fleet.
import { z } from 'zod';
import type { DialectName, RerankForm, ScoreMeaning } from '../../core/names.ts';
import type { Plugin } from '../../core/plugin.ts';
import type { WorkerEngine } from '../../core/worker.ts';

type NoOptions = Record<string, never>;

/** An engine with what its servers take on the wire, as far as a pool does not say otherwise. */
export interface EnginePlugin extends Plugin<NoOptions, undefined, WorkerEngine> {
  readonly speaks: readonly DialectName[];
  readonly rerank: { readonly form: RerankForm; readonly scores: ScoreMeaning } | null;
}

const OPENAI: readonly DialectName[] = ['openai-chat', 'openai-completions', 'openai-embeddings'];
const ANTHROPIC: readonly DialectName[] = ['anthropic-messages', 'anthropic-count-tokens'];

const noOptions = z.strictObject({}) as unknown as EnginePlugin['options'];

/** Asked for its health at a path that answers 200 when it serves; `loading` is what it answers before that, if anything. */
function byHealth(healthPath: string, loading: number | null): () => WorkerEngine {
  return () => ({
    healthPath,
    stateOf: (status) => (status === 200 ? 'warm' : status === loading ? 'starting' : 'unhealthy'),
  });
}

/** Any server that speaks OpenAI's API. It has no health question of its own, so only calls tell how it is. */
const openai: EnginePlugin = {
  name: 'openai',
  options: noOptions,
  speaks: OPENAI,
  rerank: null,
  create: () => ({ healthPath: null, stateOf: () => 'unknown' }),
};

/** vLLM: `/health` is 200 when the engine answers and 503 when it is dead or asleep; while it loads, the port is shut. */
const vllm: EnginePlugin = {
  name: 'vllm',
  options: noOptions,
  speaks: [...OPENAI, 'openai-responses', ...ANTHROPIC, 'rerank'],
  rerank: { form: 'vllm', scores: 'probability' },
  create: byHealth('/health', null),
};

/** SGLang: `/health` is light and makes no token. */
const sglang: EnginePlugin = {
  name: 'sglang',
  options: noOptions,
  speaks: [...OPENAI, 'openai-responses', 'anthropic-messages', 'rerank'],
  rerank: { form: 'vllm', scores: 'undeclared' },
  create: byHealth('/health', 503),
};

/** llama.cpp's server: `/health` is 503 while the model loads. */
const llamaCpp: EnginePlugin = {
  name: 'llama-cpp',
  options: noOptions,
  speaks: [...OPENAI, 'openai-responses', ...ANTHROPIC, 'rerank'],
  rerank: { form: 'llama-cpp', scores: 'logit' },
  create: byHealth('/health', 503),
};

/** Text Embeddings Inference: embeddings in OpenAI's form, rerank in its own. */
const tei: EnginePlugin = {
  name: 'tei',
  options: noOptions,
  speaks: ['openai-embeddings', 'rerank'],
  rerank: { form: 'tei', scores: 'probability' },
  create: byHealth('/health', null),
};

/** Infinity: its paths have no version. */
const infinity: EnginePlugin = {
  name: 'infinity',
  options: noOptions,
  speaks: ['openai-embeddings', 'rerank'],
  rerank: { form: 'infinity', scores: 'probability' },
  create: byHealth('/health', null),
};

/** Ollama: OpenAI's API and Anthropic's messages; the root answers 200 whatever is loaded. */
const ollama: EnginePlugin = {
  name: 'ollama',
  options: noOptions,
  speaks: [...OPENAI, 'openai-responses', 'anthropic-messages'],
  rerank: null,
  create: byHealth('/api/version', null),
};

/** NVIDIA NIM: vLLM behind other health paths; its rerank form is its own. */
const nim: EnginePlugin = {
  name: 'nim',
  options: noOptions,
  speaks: [...OPENAI, 'openai-responses', 'anthropic-messages', 'rerank'],
  rerank: { form: 'nim', scores: 'logit' },
  create: byHealth('/v1/health/ready', 503),
};

export const engines = { openai, vllm, sglang, 'llama-cpp': llamaCpp, tei, infinity, ollama, nim } as const;
