// Which call runs, waits or is refused, and how many tokens each has at any moment. For every inference route.
// One timer drives prefill and decode of all calls; it is armed only while a call runs.
import type { Clock, Timer } from '../core/runtime.ts';
import { asleep, engineDead, queueFull } from './errors.ts';
import type { Job } from './job.ts';
import { type Counters, type FinishReason, type Gauges, newCounters, observe } from './metrics.ts';
import type { DemoSettings } from './options.ts';
import { blockHashes, PrefixCache } from './prefix-cache.ts';

/** The engine's tick while streams decode: short beside a token's time, long beside the cost of a tick. */
const TICK_MS = 5;

interface Running {
  readonly job: Job;
  readonly arrivedMs: number;
  hashes: readonly number[];
  cachedTokens: number;
  /** Tokens of the prompt yet to be computed; fractions while a tick shares the rate. */
  prefillLeft: number;
  /** Steps made; credit is the fraction of the next one. */
  made: number;
  credit: number;
  prefilled: boolean;
  /** The caller is gone. */
  left: boolean;
}

export type EngineSettings = Pick<
  DemoSettings,
  | 'prefillTokensPerSecond'
  | 'decodeTokensPerSecond'
  | 'slowdownPerRunning'
  | 'maxNumSeqs'
  | 'maxNumQueuedReqs'
  | 'blockSize'
  | 'cacheBlocks'
  | 'wakeMs'
>;

export class Engine {
  readonly counters: Counters = newCounters();
  readonly #settings: EngineSettings;
  readonly #clock: Clock;
  readonly #cache: PrefixCache;
  readonly #running = new Set<Running>();
  /** Insertion order is arrival order, and a caller that leaves is removed without a scan. */
  readonly #waiting = new Set<Running>();
  #timer: Timer | undefined;
  #lastTickMs = 0;
  #sleepLevel = 0;
  #dead = false;
  #waking: Promise<void> | undefined;

  constructor(settings: EngineSettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
    this.#cache = new PrefixCache(settings.blockSize, settings.cacheBlocks);
  }

  get healthy(): boolean {
    return !this.#dead && this.#sleepLevel === 0;
  }

  get sleepLevel(): number {
    return this.#sleepLevel;
  }

  get cachedBlocks(): number {
    return this.#cache.size;
  }

  gauges(): Gauges {
    const { blockSize, cacheBlocks } = this.#settings;
    let blocks = 0;
    for (const { job, made } of this.#running) blocks += Math.ceil((job.promptIds.length + made) / blockSize);
    const kvCacheUsage = cacheBlocks === 0 ? 0 : Math.min(1, blocks / cacheBlocks);
    return { running: this.#running.size, waiting: this.#waiting.size, kvCacheUsage, sleepLevel: this.#sleepLevel };
  }

  /** Throws the refusal, before anything is written. */
  check(): void {
    if (this.#dead) throw engineDead();
    if (this.#sleepLevel > 0) throw asleep();
    const { maxNumSeqs, maxNumQueuedReqs } = this.#settings;
    if (this.#running.size >= maxNumSeqs && this.#waiting.size >= maxNumQueuedReqs) {
      this.counters.rejections += 1;
      throw queueFull(maxNumQueuedReqs);
    }
  }

  /** Queues or starts the job; the returned function frees its place when the caller is gone. Throws as `check` does. */
  submit(job: Job): () => void {
    this.check();
    const call: Running = {
      job,
      arrivedMs: this.#clock.nowMs(),
      hashes: [],
      cachedTokens: 0,
      prefillLeft: job.promptIds.length,
      made: 0,
      credit: 0,
      prefilled: false,
      left: false,
    };
    this.#waiting.add(call);
    this.#admit();
    return () => this.#abort(call);
  }

  /** In-flight calls end with what they have, as vLLM's default mode does; the cache is dropped. */
  sleep(level: number): void {
    if (this.#sleepLevel === 0) this.#endAll((call) => this.#finish(call, 'abort'));
    this.#sleepLevel = level;
    this.#cache.clear();
  }

  wake(): Promise<void> {
    if (this.#sleepLevel === 0) return Promise.resolve();
    this.#waking ??= new Promise((done) => {
      this.#clock.after(this.#settings.wakeMs, () => {
        this.#sleepLevel = 0;
        this.#waking = undefined;
        done();
      });
    });
    return this.#waking;
  }

  /** From now on every call is a 500 and /health a 503, as after an engine crash. */
  kill(): void {
    this.#dead = true;
    this.#endAll((call) => {
      this.counters.finished.error += 1;
      call.job.failed(engineDead());
    });
  }

  resetPrefixCache(): void {
    this.#cache.clear();
  }

  close(): void {
    this.#disarm();
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #endAll(end: (call: Running) => void): void {
    const calls = [...this.#running, ...this.#waiting];
    this.#disarm();
    this.#running.clear();
    this.#waiting.clear();
    for (const call of calls) end(call);
  }

  #abort(call: Running): void {
    if (this.#running.has(call)) {
      // The time until now was spent on it: those behind it in the prefill do not get it as a gift.
      call.left = true;
      this.#advance();
      this.#running.delete(call);
    } else if (!this.#waiting.delete(call)) return;
    this.counters.finished.abort += 1;
    this.#admit();
  }

  #admit(): void {
    // An idle engine earns nothing; a working one also counts the time that a tick itself takes.
    if (this.#running.size === 0) this.#lastTickMs = this.#clock.nowMs();
    for (const call of this.#waiting) {
      if (this.#running.size >= this.#settings.maxNumSeqs) break;
      this.#waiting.delete(call);
      this.#running.add(call);
      this.#start(call);
    }
    this.#arm();
  }

  #start(call: Running): void {
    const { job } = call;
    const { counters } = this;
    const prompt = job.promptIds.length;
    observe(counters.queueTime, (this.#clock.nowMs() - call.arrivedMs) / 1000);
    if (job.cacheable && this.#settings.cacheBlocks > 0) {
      call.hashes = blockHashes(job.promptIds, this.#settings.blockSize, job.salt);
      call.cachedTokens = this.#cache.cachedTokens(call.hashes, prompt);
      counters.prefixCacheQueries += prompt;
      counters.prefixCacheHits += call.cachedTokens;
    }
    call.prefillLeft = prompt - call.cachedTokens;
    job.started(call.cachedTokens);
  }

  /** Arms the one timer for the nearest moment at which anything can happen. */
  #arm(): void {
    if (this.#timer !== undefined || this.#running.size === 0) return;
    const sinceMs = this.#clock.nowMs() - this.#lastTickMs;
    this.#timer = this.#clock.after(Math.max(0, this.#nextDelayMs() - sinceMs), () => this.#tick());
  }

  #nextDelayMs(): number {
    const rate = this.#settings.prefillTokensPerSecond;
    for (const call of this.#running) {
      if (call.prefilled) continue;
      const headMs = rate === 0 ? 0 : (call.prefillLeft / rate) * 1000;
      return Math.min(headMs, this.#someoneDecodes() ? TICK_MS : headMs);
    }
    return TICK_MS;
  }

  #someoneDecodes(): boolean {
    for (const call of this.#running) if (call.prefilled) return true;
    return false;
  }

  #tick(): void {
    this.#advance();
    this.#admit();
  }

  /** Does the work of the time since the timer was armed, and disarms it. */
  #advance(): void {
    if (this.#timer === undefined) return;
    this.#disarm();
    const nowMs = this.#clock.nowMs();
    const elapsedMs = nowMs - this.#lastTickMs;
    this.#lastTickMs = nowMs;
    const batch = [...this.#running];
    const rate = this.#settings.decodeTokensPerSecond / (1 + this.#settings.slowdownPerRunning * (batch.length - 1));
    for (const call of batch)
      if (call.prefilled && this.#running.has(call)) this.#decode(call, (elapsedMs * rate) / 1000);
    this.#prefill(batch, elapsedMs);
  }

  /** The prefill rate belongs to the engine: calls get it in order of arrival. */
  #prefill(batch: readonly Running[], elapsedMs: number): void {
    const rate = this.#settings.prefillTokensPerSecond;
    // A hair more than the time passed, so that rounding never costs a further tick.
    let budget = rate === 0 ? Number.POSITIVE_INFINITY : (elapsedMs * rate) / 1000 + 1e-6;
    for (const call of batch) {
      if (call.prefilled || !this.#running.has(call)) continue;
      const share = Math.min(budget, call.prefillLeft);
      call.prefillLeft -= share;
      budget -= share;
      if (call.prefillLeft > 0) return;
      call.prefilled = true;
      this.counters.promptTokens += call.job.promptIds.length;
      this.#cache.insert(call.hashes);
      // The prefill itself yields the first token.
      this.#decode(call, 1);
    }
  }

  #decode(call: Running, earned: number): void {
    const { job } = call;
    if (call.left || job.blocked()) return;
    call.credit += earned;
    const most = this.#settings.decodeTokensPerSecond === 0 ? job.steps : call.made + Math.floor(call.credit + 1e-9);
    const to = Math.min(job.steps, most);
    if (to > call.made) {
      const from = call.made;
      call.credit -= to - from;
      call.made = to;
      this.counters.generationTokens += job.tokensBetween(from, to);
      if (from === 0) observe(this.counters.timeToFirstToken, (this.#clock.nowMs() - call.arrivedMs) / 1000);
      job.produced(from, to);
    }
    if (call.made >= job.steps && this.#running.delete(call)) this.#finish(call);
  }

  #finish(call: Running, forced?: FinishReason): void {
    const { job } = call;
    observe(this.counters.endToEnd, (this.#clock.nowMs() - call.arrivedMs) / 1000);
    this.counters.finished[job.finished(call.made, forced)] += 1;
    const answer = job.answerIds();
    if (forced === undefined && call.hashes.length > 0 && answer.length > 0) {
      this.#cache.insert(blockHashes([...job.promptIds, ...answer], this.#settings.blockSize, job.salt));
    }
  }
}
