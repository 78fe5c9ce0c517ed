// The constants of simulated workers, each with where it comes from, fixed before any result was looked at. For simulate and replay.
import type { BatchingProfile, SlotsProfile, WorkerProfile } from './profiles.ts';

/**
 * The mock worker of smg (the SGLang model gateway): prefill 8,000 tokens/s, a step of 6 ms + 0.35 ms per running request,
 * 256 requests wide, 524,288 tokens of KV memory. It reads and makes in one loop; the chunk is vLLM's, see below.
 */
const smgMock: BatchingProfile = {
  kind: 'batching',
  prefillTokensPerSecond: 8_000,
  chunkTokens: 2_048,
  stepMs: 6,
  stepMsPerRunning: 0.35,
  maxRunning: 256,
  kvTokens: 524_288,
  offloadTokens: 0,
  kvHolds: true,
  overheadMs: 1,
  maxQueued: null,
  startUp: [],
};

/**
 * The same with main memory behind it (LMCache and the like), sixteen times as large. Agents pause between calls: at full load
 * (0.68 calls a second for each worker) 42 of the recorded sessions are alive on each, 52 s of pause and 10 s of call per call,
 * with 5.7 million tokens of prompts. Less than that, and no router could find them again.
 */
const smgMockOffload: BatchingProfile = { ...smgMock, offloadTokens: 16 * 524_288 };

/**
 * A 7-8B model on one H100, after the calibrated tables of llm-d-inference-sim: 10-15 ms per token, prefill 0.15-0.30 ms per
 * token, time to first token 60-120 ms at 256 tokens. Taken: the middle of prefill (0.225 ms), both ends of the step (10 ms
 * alone, 15 ms with a full batch of 256), and what of the middle TTFT (90 ms) prefill and one step leave (22 ms) as
 * overhead. KV memory: 80 GB × 0.9 − 16 GB of weights, at 128 KiB per token (32 layers × 8 heads × 128 × 2 × 2 bytes, the shape
 * of Llama 3 8B). Chunk: 2,048 tokens, vLLM's guide on max_num_batched_tokens, for short gaps between tokens.
 */
const h100: BatchingProfile = {
  kind: 'batching',
  prefillTokensPerSecond: 1_000 / 0.225,
  chunkTokens: 2_048,
  stepMs: 10 - 5 / 255,
  stepMsPerRunning: 5 / 255,
  maxRunning: 256,
  kvTokens: 427_000,
  offloadTokens: 0,
  kvHolds: true,
  overheadMs: 22,
  maxQueued: null,
  startUp: [],
};

/**
 * A demo worker as it comes: the defaults of its flags (src/demo/options.ts), whose engine reads and makes independently of
 * each other and whose memory bounds what is remembered alone. Measured by scripts/measure-demo.ts on two cores of a
 * shared machine: prefill 48,500-49,500 tokens/s, a step 5.02 ms with 1, 4 and 16 at once, overhead 1.7-2.4 ms.
 */
const demo: BatchingProfile = {
  kind: 'batching',
  prefillTokensPerSecond: 50_000,
  chunkTokens: null,
  stepMs: 5,
  stepMsPerRunning: 0,
  maxRunning: 16,
  kvTokens: 65_536,
  offloadTokens: 0,
  kvHolds: false,
  overheadMs: 2,
  maxQueued: 256,
  startUp: [],
};

/** Eight places of 100 ms: 80 calls a second, exactly. For claims about overload, which need a capacity that is known. */
const slots: SlotsProfile = { kind: 'slots', slots: 8, serviceMs: 100, overheadMs: 1, maxQueued: 0, startUp: [] };

/**
 * A managed API, as the recorded Claude Code sessions saw one: over 2,598 calls with a measured first token, the median to
 * first token is 2.55 s and the median rate after it 56 tokens/s. It has room for everything.
 */
const managed: BatchingProfile = {
  kind: 'batching',
  prefillTokensPerSecond: Number.MAX_SAFE_INTEGER,
  chunkTokens: null,
  stepMs: 1_000 / 56,
  stepMsPerRunning: 0,
  maxRunning: Number.MAX_SAFE_INTEGER,
  kvTokens: 0,
  offloadTokens: 0,
  kvHolds: false,
  overheadMs: 2_550,
  maxQueued: null,
  startUp: [],
};

/**
 * An encoder for embeddings and rerank on one GPU. Its rate is the prefill of `h100`, a model of another kind: good for
 * the order of waits, not for their length. TEI takes 512 calls at once and refuses what is more.
 */
const encoder: BatchingProfile = {
  ...h100,
  stepMs: 0,
  stepMsPerRunning: 0,
  kvHolds: false,
  kvTokens: 0,
  offloadTokens: 0,
  maxRunning: 512,
  maxQueued: 0,
  overheadMs: 5,
};

export const WORKER_PROFILES = {
  'smg-mock': smgMock,
  'smg-mock-offload': smgMockOffload,
  h100,
  demo,
  slots,
  managed,
  encoder,
} as const satisfies Record<string, WorkerProfile>;

/** What a tenant's counter and the tables here weigh a token made with, beside one read: VTC's weights. */
export const OUTPUT_WEIGHT = 2;
