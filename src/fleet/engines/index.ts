// The kinds of engine a pool may name. For policy's schema and fleet.
import { z } from 'zod';
import type { Plugin } from '../../core/plugin.ts';
import type { WorkerEngine } from '../../core/worker.ts';

type NoOptions = Record<string, never>;
type EnginePlugin = Plugin<NoOptions, undefined, WorkerEngine>;

const noOptions = z.strictObject({}) as unknown as EnginePlugin['options'];

/** Any server that speaks OpenAI's API. It has no health question of its own, so only calls tell how it is. */
const openai: EnginePlugin = {
  name: 'openai',
  options: noOptions,
  create: () => ({ healthPath: null, stateOf: () => 'unknown' }),
};

/** vLLM: `/health` is 200 when the engine answers and 503 when it is dead or asleep; while it loads, the port is shut. */
const vllm: EnginePlugin = {
  name: 'vllm',
  options: noOptions,
  create: () => ({ healthPath: '/health', stateOf: (status) => (status === 200 ? 'warm' : 'unhealthy') }),
};

/** llama.cpp's server: `/health` is 503 while the model loads. */
const llamaCpp: EnginePlugin = {
  name: 'llama-cpp',
  options: noOptions,
  create: () => ({
    healthPath: '/health',
    stateOf: (status) => (status === 200 ? 'warm' : status === 503 ? 'starting' : 'unhealthy'),
  }),
};

export const engines = { openai, vllm, 'llama-cpp': llamaCpp } as const;
