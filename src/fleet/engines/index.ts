// The kinds of engine a pool may name. For policy's schema and fleet.
import { z } from 'zod';
import type { DialectName, RerankForm, ScoreMeaning } from '../../core/names.ts';
import type { Plugin } from '../../core/plugin.ts';
import type { WorkerEngine } from '../../core/worker.ts';
import { gauge, type LoadNames, loadFrom, memoryFrom, tokensOfBlocks, total } from './gauges.ts';

type NoOptions = Record<string, never>;

/** An engine with what its servers take on the wire, as far as a pool does not say otherwise. */
export interface EnginePlugin extends Plugin<NoOptions, undefined, WorkerEngine> {
  readonly speaks: readonly DialectName[];
  readonly rerank: { readonly form: RerankForm; readonly scores: ScoreMeaning } | null;
  /** Entries of a list that one call may carry as its servers come; null = no bound is known. */
  readonly maxItems: number | null;
}

const OPENAI: readonly DialectName[] = ['openai-chat', 'openai-completions', 'openai-embeddings'];
const ANTHROPIC: readonly DialectName[] = ['anthropic-messages', 'anthropic-count-tokens'];

const noOptions = z.strictObject({}) as unknown as EnginePlugin['options'];

type Load = Pick<WorkerEngine, 'loadPath' | 'loadOf' | 'memoryOf'>;

/** Says nothing of its load. */
const MUTE: Load = { loadPath: null, loadOf: () => null, memoryOf: () => null };

/** Asked for its health at a path that answers 200 when it serves; `loading` is what it answers before that, if anything. */
function byHealth(healthPath: string, loading: number | null, load = MUTE): () => WorkerEngine {
  return () => ({
    healthPath,
    stateOf: (status) => (status === 200 ? 'warm' : status === loading ? 'starting' : 'unhealthy'),
    ...load,
  });
}

/** The old name of the cache gauge is no longer emitted by new servers, and old ones know no other. */
const VLLM: LoadNames = {
  waiting: ['vllm:num_requests_waiting'],
  running: ['vllm:num_requests_running'],
  cache: ['vllm:kv_cache_usage_perc', 'vllm:gpu_cache_usage_perc'],
};
const vllmLoad: Load = {
  loadPath: '/metrics',
  loadOf: loadFrom(VLLM),
  memoryOf: memoryFrom(VLLM, (page) => tokensOfBlocks(page, 'vllm:cache_config_info')),
};

const SGLANG: LoadNames = {
  waiting: ['sglang:num_queue_reqs'],
  running: ['sglang:num_running_reqs'],
  cache: ['sglang:token_usage'],
};
const sglangLoad: Load = {
  loadPath: '/metrics',
  loadOf: loadFrom(SGLANG),
  memoryOf: memoryFrom(SGLANG, (page) => total(page, 'sglang:max_total_num_tokens')),
};

/** Those behind which vLLM stands as it is have its names; those before it have the same ones bare, whatever stands behind. */
const NIM: LoadNames = {
  waiting: [...VLLM.waiting, 'num_requests_waiting'],
  running: [...VLLM.running, 'num_requests_running'],
  cache: [...VLLM.cache, 'gpu_cache_usage_perc'],
};
const nimLoad: Load = {
  loadPath: '/v1/metrics',
  loadOf: loadFrom(NIM),
  memoryOf: memoryFrom(NIM, (page) => tokensOfBlocks(page, 'vllm:cache_config_info')),
};

const llamaCppLoad: Load = {
  loadPath: '/metrics',
  loadOf: loadFrom({
    waiting: ['llamacpp:requests_deferred'],
    running: ['llamacpp:requests_processing'],
    cache: [],
  }),
  memoryOf: () => null,
};

/** Half of the inputs in line at which its servers, as they come, refuse more. */
const TEI_QUEUE = 256;
const teiLoad: Load = {
  loadPath: '/metrics',
  loadOf: (page) => {
    const waiting = gauge(page, 'te_queue_size');
    return waiting === null ? null : waiting / TEI_QUEUE;
  },
  memoryOf: () => null,
};

/** Any server that speaks OpenAI's API. It has no health question of its own, so only calls tell how it is. */
const openai: EnginePlugin = {
  name: 'openai',
  options: noOptions,
  speaks: OPENAI,
  rerank: null,
  maxItems: null,
  create: () => ({ healthPath: null, stateOf: () => 'unknown', ...MUTE }),
};

/** vLLM: `/health` is 200 when the engine answers and 503 when it is dead or asleep; while it loads, the port is shut. */
const vllm: EnginePlugin = {
  name: 'vllm',
  options: noOptions,
  speaks: [...OPENAI, 'openai-responses', ...ANTHROPIC, 'rerank'],
  rerank: { form: 'vllm', scores: 'probability' },
  maxItems: null,
  create: byHealth('/health', null, vllmLoad),
};

/** SGLang: `/health` is light and makes no token. */
const sglang: EnginePlugin = {
  name: 'sglang',
  options: noOptions,
  speaks: [...OPENAI, 'openai-responses', 'anthropic-messages', 'rerank'],
  rerank: { form: 'vllm', scores: 'undeclared' },
  maxItems: null,
  create: byHealth('/health', 503, sglangLoad),
};

/** llama.cpp's server: `/health` is 503 while the model loads. */
const llamaCpp: EnginePlugin = {
  name: 'llama-cpp',
  options: noOptions,
  speaks: [...OPENAI, 'openai-responses', ...ANTHROPIC, 'rerank'],
  rerank: { form: 'llama-cpp', scores: 'logit' },
  maxItems: null,
  create: byHealth('/health', 503, llamaCppLoad),
};

/** Text Embeddings Inference: embeddings in OpenAI's form, rerank in its own. */
const tei: EnginePlugin = {
  name: 'tei',
  options: noOptions,
  speaks: ['openai-embeddings', 'rerank'],
  rerank: { form: 'tei', scores: 'probability' },
  maxItems: 32,
  create: byHealth('/health', null, teiLoad),
};

/** Infinity: its paths have no version. */
const infinity: EnginePlugin = {
  name: 'infinity',
  options: noOptions,
  speaks: ['openai-embeddings', 'rerank'],
  rerank: { form: 'infinity', scores: 'probability' },
  maxItems: null,
  create: byHealth('/health', null),
};

/** Ollama: OpenAI's API and Anthropic's messages; the root answers 200 whatever is loaded. */
const ollama: EnginePlugin = {
  name: 'ollama',
  options: noOptions,
  speaks: [...OPENAI, 'openai-responses', 'anthropic-messages'],
  rerank: null,
  maxItems: null,
  create: byHealth('/api/version', null),
};

/** NVIDIA NIM: vLLM or another engine behind paths of its own; its rerank form is its own. */
const nim: EnginePlugin = {
  name: 'nim',
  options: noOptions,
  speaks: [...OPENAI, 'openai-responses', 'anthropic-messages', 'rerank'],
  rerank: { form: 'nim', scores: 'logit' },
  maxItems: 512,
  create: byHealth('/v1/health/ready', 503, nimLoad),
};

export const engines = { openai, vllm, sglang, 'llama-cpp': llamaCpp, tei, infinity, ollama, nim } as const;
