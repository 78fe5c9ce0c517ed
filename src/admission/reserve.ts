// Holds all claims of a call in one step, by the store or, while it is lost, by what this process counts itself. For admission.
import { RouterError } from '../core/errors.ts';
import type { Metrics } from '../core/metrics.ts';
import type { BucketView, QuotaAnswer, QuotaReservation, QuotaStore } from '../core/quota.ts';
import type { Clock, Log } from '../core/runtime.ts';
import { StoreFault } from '../core/store.ts';
import type { TenantClaims } from './tenant-claims.ts';

/** A store that has not answered by then is lost to this call. */
const PATIENCE_MS = 1_000;
/** A lost store is asked again so often; calls in between do not wait for it. */
const PAUSE_MS = 1_000;
const NOTHING_USED = [0, 0, 0] as const;

export interface ReserverDeps {
  readonly store: QuotaStore;
  /** What counts while the store is lost; none: then calls of tenants with limits are refused. */
  readonly local: QuotaStore | null;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Log;
}

export class Reserver {
  readonly #deps: ReserverDeps;
  #lost = false;
  #againMs = 0;

  constructor(deps: ReserverDeps) {
    this.#deps = deps;
  }

  reserve(claims: TenantClaims, tokens: number, leaseMs: number): QuotaAnswer | Promise<QuotaAnswer> {
    if (this.#lost && this.#deps.clock.nowMs() < this.#againMs) return this.#locally(claims, tokens, leaseMs);
    let answer: QuotaAnswer | Promise<QuotaAnswer>;
    try {
      answer = this.#deps.store.reserve(claims.claims(tokens), leaseMs);
    } catch (thrown) {
      this.#fault('reserve', thrown);
      return this.#locally(claims, tokens, leaseMs);
    }
    if (answer instanceof Promise) return this.#later(answer, claims, tokens, leaseMs);
    if (this.#lost) this.#back();
    return answer;
  }

  /** How all limits stand, in the order of claims; null: that is not known at once, and a refusal does not wait for it. */
  look(claims: TenantClaims): readonly BucketView[] | null {
    const store = this.#lost ? this.#deps.local : this.#deps.store;
    if (store === null) return null;
    const views: BucketView[] = [];
    for (const { limit } of claims.claims(0)) {
      try {
        const view = store.read(limit);
        if (view instanceof Promise) {
          view.catch((thrown: unknown) => this.#fault('read', thrown));
          return null;
        }
        views.push(view);
      } catch (thrown) {
        this.#fault('read', thrown);
        return null;
      }
    }
    return views;
  }

  /** Never fails: what a store is not told comes back with the lease, and by the bucket's pace. */
  settle(reservation: QuotaReservation, used: readonly number[]): Promise<void> | null {
    try {
      const settling = reservation.settle(used);
      return settling instanceof Promise ? settling.catch((thrown: unknown) => this.#fault('settle', thrown)) : null;
    } catch (thrown) {
      this.#fault('settle', thrown);
      return null;
    }
  }

  #later(answer: Promise<QuotaAnswer>, claims: TenantClaims, tokens: number, leaseMs: number): Promise<QuotaAnswer> {
    return new Promise((resolve, reject) => {
      let waits = true;
      const lost = (thrown: unknown) => {
        waits = false;
        this.#fault('reserve', thrown);
        try {
          resolve(this.#locally(claims, tokens, leaseMs));
        } catch (refusal) {
          reject(refusal);
        }
      };
      const timer = this.#deps.clock.after(PATIENCE_MS, () => lost(new StoreFault('busy', 'No answer came.')));
      answer.then(
        (known) => {
          timer.cancel();
          if (waits) {
            if (this.#lost) this.#back();
            resolve(known);
          } else if (known.granted) void this.settle(known, NOTHING_USED);
        },
        (thrown: unknown) => {
          timer.cancel();
          if (waits) lost(thrown);
        },
      );
    });
  }

  #locally(claims: TenantClaims, tokens: number, leaseMs: number): QuotaAnswer | Promise<QuotaAnswer> {
    const { local } = this.#deps;
    if (local !== null) return local.reserve(claims.claims(tokens), leaseMs);
    throw new RouterError('store_unavailable', 'The store of quotas cannot be reached.', { retryAfterSeconds: 5 });
  }

  /** Said once, until it is back. */
  #fault(op: 'reserve' | 'settle' | 'read', thrown: unknown): void {
    const { clock, log, metrics } = this.#deps;
    metrics.storeFault('quotas', op);
    if (!this.#lost) log.warn('quota_store', { state: 'lost', op, code: codeOf(thrown) });
    this.#lost = true;
    this.#againMs = clock.nowMs() + PAUSE_MS;
  }

  #back(): void {
    this.#lost = false;
    this.#deps.log.info('quota_store', { state: 'back' });
  }
}

function codeOf(thrown: unknown): string {
  return thrown instanceof StoreFault ? thrown.code : 'unknown_fault';
}
