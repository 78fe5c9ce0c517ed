// Which settings a demo worker takes, with default and unit. For the command, the server and the documentation.
import { RERANK_FORMS, type RerankForm } from '../core/names.ts';
import type { Clock, Random } from '../core/runtime.ts';

export const WORKER_KINDS = ['chat', 'embed', 'rerank'] as const;
export type WorkerKind = (typeof WORKER_KINDS)[number];
export type StartUpMode = 'refuse' | 'loading';

export interface DemoSettings {
  readonly kind: WorkerKind;
  readonly model: string;
  readonly host: string;
  readonly port: number;
  readonly startUpMs: number;
  readonly startUpMode: StartUpMode;
  readonly prefillTokensPerSecond: number;
  readonly decodeTokensPerSecond: number;
  readonly slowdownPerRunning: number;
  readonly maxNumSeqs: number;
  readonly maxNumQueuedReqs: number;
  readonly maxModelLen: number;
  readonly blockSize: number;
  readonly cacheBlocks: number;
  readonly answerTokens: number;
  readonly dimensions: number;
  readonly rerankForm: RerankForm;
  readonly wakeMs: number;
  readonly seed: number;
  readonly apiKey: string;
}

export interface DemoWorkerOptions extends Partial<DemoSettings> {
  /** Default: the machine's own clock. A virtual one drives start-up, prefill, decode and wake. */
  readonly clock?: Clock;
  /** Default: a fresh unpredictable source. Only ids come from it; answers depend on the request and `seed` alone. */
  readonly random?: Random;
  /** Gives up a start that is still loading. */
  readonly signal?: AbortSignal;
}

export interface Flag {
  readonly name: string;
  readonly key: keyof DemoSettings;
  readonly fallback: string | number;
  readonly unit: string;
  readonly text: string;
  readonly choices?: readonly string[];
  readonly least?: number;
  readonly whole?: boolean;
}

export const FLAGS: readonly Flag[] = [
  { name: 'kind', key: 'kind', fallback: 'chat', unit: 'name', text: 'what it serves', choices: WORKER_KINDS },
  {
    name: 'model',
    key: 'model',
    fallback: '',
    unit: 'name',
    text: 'served model; empty: demo-large, demo-embed or demo-rerank by kind',
  },
  { name: 'host', key: 'host', fallback: '127.0.0.1', unit: 'address', text: 'address to listen on' },
  { name: 'port', key: 'port', fallback: 0, unit: 'port', text: 'port to listen on; 0: a free one', whole: true },
  { name: 'start-up-ms', key: 'startUpMs', fallback: 0, unit: 'ms', text: 'time to load the model' },
  {
    name: 'start-up-mode',
    key: 'startUpMode',
    fallback: 'refuse',
    unit: 'name',
    text: 'while loading: port closed as vLLM does, or open with 503 as llama.cpp does',
    choices: ['refuse', 'loading'],
  },
  {
    name: 'prefill-tokens-per-second',
    key: 'prefillTokensPerSecond',
    fallback: 50_000,
    unit: 'tokens/s',
    text: 'prefill rate, shared by all calls; 0: instantly',
  },
  {
    name: 'decode-tokens-per-second',
    key: 'decodeTokensPerSecond',
    fallback: 200,
    unit: 'tokens/s',
    text: 'decode rate of each stream; 0: instantly',
  },
  {
    name: 'slowdown-per-running',
    key: 'slowdownPerRunning',
    fallback: 0,
    unit: 'fraction',
    text: 'each further running call divides the decode rate: rate / (1 + slowdown * (running - 1))',
  },
  {
    name: 'max-num-seqs',
    key: 'maxNumSeqs',
    fallback: 16,
    unit: 'calls',
    text: 'calls that run at once',
    whole: true,
    least: 1,
  },
  {
    name: 'max-num-queued-reqs',
    key: 'maxNumQueuedReqs',
    fallback: 256,
    unit: 'calls',
    text: 'calls that wait beyond those that run; the next one gets 503',
    whole: true,
  },
  {
    name: 'max-model-len',
    key: 'maxModelLen',
    fallback: 32_768,
    unit: 'tokens',
    text: 'prompt and answer together; a longer call gets 400',
    whole: true,
    least: 1,
  },
  {
    name: 'block-size',
    key: 'blockSize',
    fallback: 16,
    unit: 'tokens',
    text: 'tokens in a block of the prefix cache',
    whole: true,
    least: 1,
  },
  {
    name: 'cache-blocks',
    key: 'cacheBlocks',
    fallback: 4096,
    unit: 'blocks',
    text: 'size of the prefix cache; 0: none',
    whole: true,
  },
  {
    name: 'answer-tokens',
    key: 'answerTokens',
    fallback: 64,
    unit: 'tokens',
    text: 'least length of a chat answer that nothing cuts',
    whole: true,
  },
  {
    name: 'dimensions',
    key: 'dimensions',
    fallback: 384,
    unit: 'numbers',
    text: 'length of an embedding',
    whole: true,
    least: 8,
  },
  {
    name: 'rerank-form',
    key: 'rerankForm',
    fallback: 'vllm',
    unit: 'name',
    text: 'whose paths, fields and scores a rerank worker has',
    choices: RERANK_FORMS,
  },
  { name: 'wake-ms', key: 'wakeMs', fallback: 0, unit: 'ms', text: 'time that POST /wake_up takes' },
  {
    name: 'seed',
    key: 'seed',
    fallback: 0,
    unit: 'number',
    text: 'varies the wording of answers between workers',
    whole: true,
  },
  {
    name: 'api-key',
    key: 'apiKey',
    fallback: '',
    unit: 'text',
    text: 'Bearer key that /v1/*, /v2/* and /rerank then require; empty: none',
  },
];

/** Fills defaults and checks ranges; throws a RangeError whose message names the flag. */
export function settingsFrom(given: Partial<Record<keyof DemoSettings, unknown>>): DemoSettings {
  const out: Record<string, string | number> = {};
  for (const flag of FLAGS) {
    const value = given[flag.key] ?? flag.fallback;
    if (typeof value !== typeof flag.fallback) throw new RangeError(`--${flag.name} wants a ${typeof flag.fallback}`);
    if (flag.choices !== undefined && !flag.choices.includes(String(value))) {
      throw new RangeError(`--${flag.name} wants one of ${flag.choices.join(', ')}`);
    }
    if (typeof value === 'number') {
      const least = flag.least ?? 0;
      if (!Number.isFinite(value) || value < least)
        throw new RangeError(`--${flag.name} wants a number of at least ${least}`);
      if (flag.whole === true && !Number.isSafeInteger(value))
        throw new RangeError(`--${flag.name} wants a whole number`);
    }
    out[flag.key] = value as string | number;
  }
  if (out['model'] === '') out['model'] = out['kind'] === 'chat' ? 'demo-large' : `demo-${out['kind']}`;
  return out as unknown as DemoSettings;
}
