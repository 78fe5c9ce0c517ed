// An engine that batches continuously: when each call starts, makes its first token and ends. For simulated workers.
// Between two events every rate is constant, so time is spent per event and not per token.
import type { Clock, Timer } from '../core/runtime.ts';
import { IndexedHeap, type Placed } from '../structures/heap.ts';
import type { Cancel, EngineJob, EngineModel, EngineTotals } from './engine-model.ts';
import { KvMemory } from './kv-memory.ts';
import type { BatchingProfile } from './profiles.ts';

interface Running extends Placed {
  readonly job: EngineJob;
  /** Tokens of its prompt's end and its answer, which no other call shares. */
  readonly ownTokens: number;
  state: 'waiting' | 'reading' | 'making' | 'over';
  /** Prompt tokens yet to be read. */
  left: number;
  /** On the scale of tokens made per stream. */
  endsAt: number;
}

/** What takes less than this, ms, is done: a clock that has run for weeks cannot tell such times apart any more. */
const NO_TIME_MS = 1e-6;

export class BatchingEngine implements EngineModel {
  readonly #profile: BatchingProfile;
  readonly #clock: Clock;
  readonly #memory: KvMemory;
  /** In order of arrival. */
  readonly #waiting = new Set<Running>();
  readonly #reading = new Set<Running>();
  readonly #making = new IndexedHeap<Running>((a, b) => a.endsAt < b.endsAt);
  #makers = 0;
  #factor = 1;
  /** Tokens that a stream which ran since the start would have made. */
  #made = 0;
  #atMs = 0;
  #timer: Timer | null = null;
  #isBusy = false;
  #again = false;
  #prefilled = 0;
  #decoded = 0;
  #callMs = 0;

  constructor(profile: BatchingProfile, clock: Clock) {
    this.#profile = profile;
    this.#clock = clock;
    this.#memory = new KvMemory(profile.kvTokens, profile.offloadTokens, profile.kvHolds);
    this.#atMs = clock.nowMs();
  }

  get running(): number {
    return this.#reading.size + this.#makers;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  get memoryShare(): number {
    const { kvTokens } = this.#profile;
    return kvTokens === 0 ? 0 : Math.min(1, this.#memory.heldTokens / kvTokens);
  }

  totals(): EngineTotals {
    this.#spend();
    return { prefilled: this.#prefilled, decoded: this.#decoded, callMs: this.#callMs };
  }

  submit(job: EngineJob): Cancel | 'full' | 'too_long' {
    const { blocks, blockTokens, inputTokens, outputTokens } = job;
    const ownTokens = Math.max(0, inputTokens - blocks.length * blockTokens) + outputTokens;
    if (!this.#memory.fits(blocks.length, blockTokens, ownTokens)) return 'too_long';
    const { maxQueued, maxRunning } = this.#profile;
    if (maxQueued !== null && this.running >= maxRunning && this.#waiting.size >= maxQueued) return 'full';
    const call: Running = { place: -1, job, ownTokens, state: 'waiting', left: inputTokens, endsAt: 0 };
    this.#spend();
    this.#waiting.add(call);
    this.#step();
    return () => this.#cancel(call);
  }

  slow(factor: number): void {
    this.#spend();
    this.#factor = factor;
    this.#step();
  }

  restart(): void {
    this.#spend();
    const calls = [...this.#reading, ...this.#waiting];
    for (let call = this.#making.first(); call !== undefined; call = this.#making.first()) {
      this.#making.remove(call);
      if (call.state === 'making') calls.push(call);
    }
    this.#waiting.clear();
    this.#reading.clear();
    this.#makers = 0;
    this.#memory.clear();
    for (const call of calls) call.state = 'over';
    this.#arm();
    for (const { job } of calls) job.cut();
  }

  #cancel(call: Running): void {
    if (call.state === 'over') return;
    this.#spend();
    this.#leave(call);
    this.#step();
  }

  /** Takes a call out of whatever it is in. */
  #leave(call: Running): void {
    const { job, ownTokens, state } = call;
    call.state = 'over';
    if (state === 'waiting') {
      this.#waiting.delete(call);
      return;
    }
    if (state === 'reading') this.#reading.delete(call);
    else this.#makers--;
    const computed =
      state === 'reading' ? Math.floor((job.inputTokens - call.left) / job.blockTokens) : job.blocks.length;
    this.#memory.give(job.blocks, job.blockTokens, ownTokens, computed);
  }

  /** Does the work of the time since it was last done. */
  #spend(): void {
    const nowMs = this.#clock.nowMs();
    const ms = nowMs - this.#atMs;
    this.#atMs = nowMs;
    if (ms <= 0) return;
    this.#callMs += ms * (this.running + this.#waiting.size);
    const { reads, makes } = this.#rates();
    for (const head of this.#reading) {
      const tokens = Math.min(head.left, ms * reads);
      head.left -= tokens;
      this.#prefilled += tokens;
      break;
    }
    if (this.#makers === 0) return;
    this.#made += ms * makes;
    this.#decoded += ms * makes * this.#makers;
  }

  /** Tokens per ms: of the prompt that is read now, and of each stream. */
  #rates(): { reads: number; makes: number } {
    const { chunkTokens, stepMs, stepMsPerRunning, prefillTokensPerSecond } = this.#profile;
    const perMs = prefillTokensPerSecond / 1000;
    if (chunkTokens === null) {
      return { reads: perMs / this.#factor, makes: 1 / ((stepMs + stepMsPerRunning * this.running) * this.#factor) };
    }
    const reading = this.#reading.size > 0;
    const batch = this.#makers + (reading ? 1 : 0);
    const step = (stepMs + stepMsPerRunning * batch + (reading ? chunkTokens / perMs : 0)) * this.#factor;
    return { reads: chunkTokens / step, makes: 1 / step };
  }

  /** Moves every call as far as it can get now. What a job's listener sets off meanwhile is done in the same go. */
  #step(): void {
    this.#again = true;
    if (this.#isBusy) return;
    this.#isBusy = true;
    while (this.#again) {
      this.#again = false;
      this.#finish();
      this.#admit();
    }
    this.#isBusy = false;
    this.#arm();
  }

  #finish(): void {
    for (const call of this.#reading) {
      if (call.left > this.#rates().reads * NO_TIME_MS) break;
      this.#prefilled += call.left;
      this.#reading.delete(call);
      call.state = 'making';
      this.#makers++;
      call.job.content();
      if (call.state !== 'making') continue;
      // Reading a prompt makes the first token.
      if (call.job.outputTokens > 0) this.#decoded++;
      call.endsAt = this.#made + call.job.outputTokens - 1;
      this.#making.add(call);
    }
    for (let call = this.#making.first(); call !== undefined; call = this.#making.first()) {
      if (call.state === 'making' && call.endsAt > this.#made + this.#rates().makes * NO_TIME_MS) return;
      this.#making.remove(call);
      if (call.state !== 'making') continue;
      this.#leave(call);
      call.job.ended();
    }
  }

  /** In order of arrival: whoever finds no memory holds up those behind it, as in vLLM. */
  #admit(): void {
    for (const call of this.#waiting) {
      if (this.running >= this.#profile.maxRunning) return;
      const { job, ownTokens } = call;
      if (job.isKnown) this.#memory.remember(job.blocks, job.blockTokens);
      const found = this.#memory.take(job.blocks, job.blockTokens, ownTokens);
      if (found < 0) return;
      this.#waiting.delete(call);
      // An engine needs the last token's output, so it always reads that one.
      const cached = Math.min(found, Math.max(0, job.inputTokens - 1));
      call.left = job.inputTokens - cached;
      call.state = 'reading';
      this.#reading.add(call);
      this.#again = true;
      job.started(cached);
    }
  }

  #arm(): void {
    this.#timer?.cancel();
    this.#timer = null;
    const inMs = this.#nextInMs();
    if (inMs === Number.POSITIVE_INFINITY) return;
    this.#timer = this.#clock.after(inMs, () => {
      this.#timer = null;
      this.#spend();
      this.#step();
    });
  }

  #nextInMs(): number {
    const { reads, makes } = this.#rates();
    let inMs = Number.POSITIVE_INFINITY;
    for (const head of this.#reading) {
      inMs = head.left / reads;
      break;
    }
    for (let next = this.#making.first(); next !== undefined; next = this.#making.first()) {
      if (next.state === 'making') return Math.min(inMs, Math.max(0, next.endsAt - this.#made) / makes);
      this.#making.remove(next);
    }
    return inMs;
  }
}
