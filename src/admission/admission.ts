// Whether a tenant's limits let a call in: at once, after a wait for one of its own slots, or not. For router/dispatch.
import { RouterError } from '../core/errors.ts';
import type { Metrics } from '../core/metrics.ts';
import type { TenantLimits } from '../core/plan.ts';
import type {
  BucketView,
  QuotaAnswer,
  QuotaRefusal,
  QuotaReservation,
  QuotaStore,
  QuotaView,
  RateLimit,
} from '../core/quota.ts';
import { retryAfterExactly, retryAfterSeconds } from '../core/retry-after.ts';
import type { Clock, Log, Random } from '../core/runtime.ts';
import type { CallSignal } from '../core/signal.ts';
import { allInFlight, UNTIMED } from './in-flight.ts';
import { Lines, MOST_WAITING } from './line.ts';
import { requestsUsedUp } from './request-rate.ts';
import { Reserver } from './reserve.ts';
import { ClaimBook, type TenantClaims } from './tenant-claims.ts';
import { tokensOf, tokensUsedUp, tooManyTokens } from './token-rate.ts';

export type { QuotaView } from '../core/quota.ts';

export interface AdmissionOptions {
  readonly store: QuotaStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Counts while the store is lost. None: calls of tenants with limits are then refused, with 503. */
  readonly local?: QuotaStore | null;
}

export interface AdmissionCall {
  readonly tenant: string;
  readonly limits: TenantLimits;
  /** Of the prompt, expected to be read anew. */
  readonly uncachedTokens: number;
  /** Expected of the reply. */
  readonly outputTokens: number;
  /** For one of its tenant's slots. */
  readonly maxWaitMs: number;
  /** When its slot comes back should nobody settle. */
  readonly leaseMs: number;
  readonly signal: CallSignal;
}

/** A call that is let in. Settled exactly once; a second time does nothing. */
export interface Admitted {
  /** What the caller is told; null: it has no rate that is enforced. */
  readonly quota: QuotaView | null;
  readonly waitedMs: number;
  /**
   * Tokens really used, uncached and output. Null: nobody knows, and the estimate stands; 0: nothing was used. The slot is
   * free, the request stays counted.
   */
  settle(usedTokens: number | null): void;
}

const FREE: Admitted = { quota: null, waitedMs: 0, settle() {} };
const NOTHING_USED = [0, 0, 0] as const;

export class Admission {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #metrics: Metrics;
  readonly #reserver: Reserver;
  readonly #lines: Lines;
  readonly #book = new ClaimBook();

  constructor({ store, clock, random, metrics, log, local = null }: AdmissionOptions) {
    this.#clock = clock;
    this.#random = random;
    this.#metrics = metrics;
    this.#reserver = new Reserver({ store, local, clock, metrics, log });
    this.#lines = new Lines(clock);
  }

  /** Calls that wait for a slot of their tenant. */
  get waiting(): number {
    return this.#lines.waiting;
  }

  /** At once, unless the store answers later or the call has to wait. Throws, or rejects with, a RouterError. */
  enter(call: AdmissionCall): Admitted | Promise<Admitted> {
    const claims = this.#book.of(call.tenant, call.limits);
    if (claims === null) return FREE;
    const tokens = tokensOf(call.uncachedTokens, call.outputTokens);
    const { slots } = claims;
    if (slots !== null && this.#lines.of(slots.bucket) > 0) return this.#wait(call, claims, tokens);
    const answer = this.#reserver.reserve(claims, tokens, call.leaseMs);
    if (answer instanceof Promise) return answer.then((later) => this.#answered(call, claims, tokens, later));
    return this.#answered(call, claims, tokens, answer);
  }

  /** Refuses all who wait. */
  close(): void {
    this.#lines.close();
  }

  /** For what `enter` gave out. */
  leave(claims: TenantClaims, reservation: QuotaReservation, tokens: number, used: number, sinceMs: number): void {
    const { slots } = claims;
    this.#metrics.held(-tokens);
    const settling = this.#reserver.settle(reservation, claims.used(used));
    if (slots === null) return;
    claims.holdTime.end(sinceMs, this.#clock);
    if (settling === null) this.#lines.freed(slots.bucket);
    else void settling.then(() => this.#lines.freed(slots.bucket));
  }

  #answered(
    call: AdmissionCall,
    claims: TenantClaims,
    tokens: number,
    answer: QuotaAnswer,
  ): Admitted | Promise<Admitted> {
    if (answer.granted) return this.#admitted(call, claims, tokens, answer, 0);
    if (claims.kinds[answer.claim] === 'in_flight') return this.#wait(call, claims, tokens);
    throw this.#refusal(call, claims, tokens, answer);
  }

  #admitted(
    { signal }: AdmissionCall,
    claims: TenantClaims,
    tokens: number,
    reservation: QuotaReservation,
    waitedMs: number,
  ): Admitted {
    if (signal.aborted) {
      void this.#reserver.settle(reservation, NOTHING_USED);
      if (claims.slots !== null) this.#lines.freed(claims.slots.bucket);
      throw gone();
    }
    for (const limit of reservation.overruns) this.#metrics.overrun(claims.kindOf(limit), claims.tenant);
    const held = claims.tokensAt < 0 || reservation.overruns.includes(claims.tokens!) ? 0 : tokens;
    this.#metrics.held(held);
    const quota = this.#view(claims, reservation.views);
    const sinceMs = claims.slots === null ? UNTIMED : claims.holdTime.begin(this.#clock);
    return new Entry(this, claims, reservation, tokens, held, quota, waitedMs, sinceMs);
  }

  /** For a slot, unless the call has no patience or the line no room. */
  #wait(call: AdmissionCall, claims: TenantClaims, tokens: number): Promise<Admitted> {
    if (call.signal.aborted) throw gone();
    const ahead = this.#lines.of(claims.slots!.bucket);
    if (call.maxWaitMs <= 0 || ahead >= MOST_WAITING) throw this.#full(claims, ahead);
    return this.#inLine(call, claims, tokens, ahead);
  }

  async #inLine(call: AdmissionCall, claims: TenantClaims, tokens: number, ahead: number): Promise<Admitted> {
    const startMs = this.#clock.nowMs();
    const answer = await this.#lines.join(claims.slots!.bucket, {
      signal: call.signal,
      maxWaitMs: call.maxWaitMs,
      ask: () => this.#reserver.reserve(claims, tokens, call.leaseMs),
      waitsOn: ({ claim }) => claims.kinds[claim] === 'in_flight',
    });
    if (answer === 'gone') throw gone();
    if (answer === 'closed') {
      const text = 'This router is shutting down; another one may answer.';
      throw new RouterError('draining', text, { retryAfterSeconds: 1 });
    }
    if (answer === 'waited') throw this.#full(claims, ahead);
    if (!answer.granted) throw this.#refusal(call, claims, tokens, answer);
    return this.#admitted(call, claims, tokens, answer, this.#clock.nowMs() - startMs);
  }

  #full(claims: TenantClaims, ahead: number): RouterError {
    const { tenant, slots, holdTime } = claims;
    this.#metrics.denied('in_flight', tenant);
    const views = this.#reserver.look(claims);
    const quota = views === null ? null : this.#view(claims, views);
    return new RouterError('rate_limit_exceeded', allInFlight(tenant, slots!), {
      ...(quota === null ? {} : { quota }),
      retryAfterSeconds: retryAfterSeconds(holdTime.waitMs(slots!, ahead), this.#random),
    });
  }

  /** Of a rate. */
  #refusal(call: AdmissionCall, claims: TenantClaims, tokens: number, refusal: QuotaRefusal): RouterError {
    const { tenant } = call;
    const { waitMs, overruns, views } = refusal;
    const kind = claims.kinds[refusal.claim]!;
    for (const limit of overruns) this.#metrics.overrun(claims.kindOf(limit), tenant);
    this.#metrics.denied(kind, tenant);
    const quota = this.#view(claims, views);
    const known = quota === null ? {} : { quota };
    if (waitMs === null && kind === 'tokens')
      return new RouterError('above_limit', tooManyTokens(tenant, claims.tokens!, tokens), known);
    const seconds = Math.max(1, Math.ceil((waitMs ?? 0) / 1_000));
    const text =
      kind === 'tokens'
        ? tokensUsedUp(tenant, claims.tokens!, seconds)
        : requestsUsedUp(tenant, claims.requests!, seconds);
    const hint = retryAfterExactly(waitMs ?? 0, this.#random);
    return new RouterError('rate_limit_exceeded', text, { ...known, retryAfterSeconds: hint });
  }

  #view({ requests, tokens, requestsAt, tokensAt }: TenantClaims, views: readonly BucketView[]): QuotaView | null {
    const requestView = limitView(requests, views[requestsAt]);
    const tokenView = limitView(tokens, views[tokensAt]);
    if (requestView === null && tokenView === null) return null;
    return { requests: requestView, tokens: tokenView, wallMs: this.#clock.wallMs() };
  }
}

class Entry implements Admitted {
  readonly quota: QuotaView | null;
  readonly waitedMs: number;
  readonly #admission: Admission;
  readonly #claims: TenantClaims;
  readonly #tokens: number;
  /** What of them counts as held: none of a limit in dry run that is over. */
  readonly #held: number;
  readonly #sinceMs: number;
  #reservation: QuotaReservation | null;

  constructor(
    admission: Admission,
    claims: TenantClaims,
    reservation: QuotaReservation,
    tokens: number,
    held: number,
    quota: QuotaView | null,
    waitedMs: number,
    sinceMs: number,
  ) {
    this.#admission = admission;
    this.#claims = claims;
    this.#reservation = reservation;
    this.#tokens = tokens;
    this.#held = held;
    this.quota = quota;
    this.waitedMs = waitedMs;
    this.#sinceMs = sinceMs;
  }

  settle(usedTokens: number | null): void {
    const reservation = this.#reservation;
    if (reservation === null) return;
    this.#reservation = null;
    this.#admission.leave(this.#claims, reservation, this.#held, usedTokens ?? this.#tokens, this.#sinceMs);
  }
}

/** A limit in dry run is for the operator: a caller that heeded it would be throttled by it. */
function limitView(limit: RateLimit | null, view: BucketView | undefined) {
  if (limit === null || limit.dryRun || view === undefined) return null;
  return { limit: limit.limit, remaining: view.remaining, resetMs: view.resetMs };
}

function gone(): RouterError {
  return new RouterError('client_gone', 'The caller is gone.');
}
