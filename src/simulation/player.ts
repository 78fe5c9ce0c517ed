// Plays scripts against a router and records what becomes of each call. For simulate.
import { RouterError, toRouterError } from '../core/errors.ts';
import type { End, InferenceReply, Sink } from '../core/reply.ts';
import { type InferenceRequest, NO_WANTS } from '../core/request.ts';
import type { Clock, Random } from '../core/runtime.ts';
import type { InferenceService } from '../core/service.ts';
import { CallSignal } from '../core/signal.ts';
import { type Bodies, bodyFor, type CallSpec, parsedCall, type ServedBy, SIMULATED_DIALECTS } from './call.ts';
import type { CallRecord } from './record.ts';
import type { Script } from './script.ts';

export interface PlayerDeps {
  readonly service: InferenceService;
  readonly clock: Clock;
  readonly random: Random;
  readonly bodies: Bodies;
  readonly records: CallRecord[];
}

export interface PlayRules {
  /** After this no call begins; what runs then, ends. */
  readonly untilMs: number;
  readonly maxCalls: number;
  /** Tries beyond the first of a call that was refused with a word on when to come back, as callers' SDKs make them. */
  readonly retries: number;
  /** The router takes all calls for one tenant's: what one that knows no tenants would do, for comparisons. */
  readonly asOneTenant: boolean;
}

const SINK: Sink = {
  head() {},
  write: () => true,
  drained: () => Promise.resolve(),
  end() {},
  fail() {},
};
/** What SDKs wait at most before another try where nobody told them how long. */
const MAX_BACKOFF_MS = 8_000;
const ONE_TENANT = 'everybody';

export class Player {
  readonly #deps: PlayerDeps;
  readonly #rules: PlayRules;
  /** Blocks that anybody has ever read. */
  readonly #read = new Set<number>();
  #scripts: Iterator<Script>;
  #playing = 0;
  #calls = 0;
  #exhausted = false;
  /** What broke that is no refusal: the router's own fault, which makes every number worthless. */
  fault: Error | null = null;

  constructor(scripts: Iterable<Script>, rules: PlayRules, deps: PlayerDeps) {
    this.#scripts = scripts[Symbol.iterator]();
    this.#rules = rules;
    this.#deps = deps;
  }

  /** Begins; the scripts come in order of their start. */
  start(): void {
    const next = this.#scripts.next();
    const script = next.done === true ? null : next.value;
    if (script === null || script.startMs > this.#rules.untilMs || this.#calls >= this.#rules.maxCalls) {
      this.#exhausted = true;
      return;
    }
    const { clock } = this.#deps;
    clock.after(script.startMs - clock.nowMs(), () => {
      void this.#play(script);
      this.start();
    });
  }

  get done(): boolean {
    return this.fault !== null || (this.#exhausted && this.#playing === 0);
  }

  async #play(script: Script): Promise<void> {
    this.#playing++;
    let started: Promise<void>[] = [];
    for (const { thinkMs, call, starts } of script.steps()) {
      await this.#pause(thinkMs);
      if (started.length > 0) await Promise.all(started);
      if (!(await this.#call(call))) break;
      started = starts.map(async (sub) => {
        await this.#pause(sub.startMs);
        await this.#play(sub);
      });
    }
    await Promise.all(started);
    this.#playing--;
  }

  /** Tries until it is answered; false: given up, or the simulation is at its end. */
  async #call(spec: CallSpec): Promise<boolean> {
    for (let tries = 1; ; tries++) {
      if (this.#deps.clock.nowMs() >= this.#rules.untilMs || this.#calls >= this.#rules.maxCalls) return false;
      const error = await this.#try(spec, tries);
      if (error === null) return true;
      if (!error.waits || tries > this.#rules.retries) return false;
      const backoffMs = Math.min(MAX_BACKOFF_MS, 500 * 2 ** (tries - 1)) * (1 - 0.25 * this.#deps.random());
      await this.#pause(
        error.detail.retryAfterSeconds === undefined ? backoffMs : error.detail.retryAfterSeconds * 1000,
      );
    }
  }

  async #try(spec: CallSpec, tries: number): Promise<RouterError | null> {
    const { clock, bodies, records } = this.#deps;
    const number = ++this.#calls;
    const arrivedMs = clock.nowMs();
    const served: ServedBy = { workerId: null, reusedTokens: 0 };
    const body = bodyFor(spec);
    bodies.set(body, { spec, served });
    const signal = new CallSignal();
    const givesUp = spec.timeoutMs === null ? null : clock.after(spec.timeoutMs, () => signal.abort());
    if (spec.isKnown) for (const block of spec.blocks) this.#read.add(block);
    const reusableTokens = this.#reusable(spec);
    const request: InferenceRequest = {
      id: `req_${number}`,
      dialect: SIMULATED_DIALECTS[spec.class],
      body,
      call: parsedCall(bodies, body),
      caller: {
        tenant: this.#rules.asOneTenant ? ONE_TENANT : spec.tenant,
        keyId: null,
        managed: true,
        mayAsk: null,
        routes: null,
      },
      wants: { ...NO_WANTS, priority: spec.priority, maxWaitMs: spec.maxWaitMs },
      run: spec.run,
      signal,
      receivedMs: arrivedMs,
    };
    const answer = await this.#answer(request, spec);
    givesUp?.cancel();
    const { reply, error, firstMs } = answer;
    const totalMs = clock.nowMs() - arrivedMs;
    records.push({
      tenant: spec.tenant,
      class: spec.class,
      run: spec.run?.run ?? null,
      answersTool: spec.answersTool,
      arrivedMs,
      queueMs: reply?.disclosure.queueMs ?? totalMs,
      ttftMs: firstMs === null ? null : firstMs - arrivedMs,
      totalMs,
      code: error?.code ?? null,
      target: reply?.disclosure.served ?? null,
      workerId: served.workerId,
      inputTokens: spec.inputTokens,
      reusedTokens: served.reusedTokens,
      reusableTokens,
      outputTokens: spec.outputTokens,
      degraded: reply?.disclosure.degraded ?? null,
      attempts: reply?.disclosure.attempts ?? error?.detail.attempts ?? 0,
      tries,
      retryAfterSeconds: error?.detail.retryAfterSeconds ?? null,
    });
    return error;
  }

  async #answer(request: InferenceRequest, spec: CallSpec) {
    const { service, clock } = this.#deps;
    let reply: InferenceReply | null = null;
    let firstMs: number | null = null;
    let end: End | null = null;
    let error: RouterError | null = null;
    try {
      reply = await service(request);
      firstMs = clock.nowMs();
      for (const block of spec.blocks) this.#read.add(block);
      end = await reply.body.pipe(SINK, request.signal);
      if (end.how !== 'complete') error = end.error ?? new RouterError('client_gone', 'The caller is gone.');
    } catch (thrown) {
      error = toRouterError(thrown);
      if (!(thrown instanceof RouterError)) this.fault = thrown as Error;
    }
    return { reply, error, firstMs };
  }

  #reusable({ blocks, blockTokens, inputTokens }: CallSpec): number {
    let found = 0;
    while (found < blocks.length && this.#read.has(blocks[found]!)) found++;
    return Math.min(found * blockTokens, Math.max(0, inputTokens - 1));
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#deps.clock.after(ms, resolve);
    });
  }
}
