// Whether the process takes no call at all for now, decided before a key or a body is looked at. For http/app and http/call.
import { RouterError } from '../core/errors.ts';
import type { Metrics } from '../core/metrics.ts';
import type { RouteClass } from '../core/names.ts';
import type { Pressure } from '../core/pressure.ts';
import type { Random } from '../core/runtime.ts';

/** The refusal, or null when the request may go on. `routeClass` is null for what is no call: lists and lost paths. */
export type TurnAway = (routeClass: RouteClass | null) => RouterError | null;

/** A step of the ladder lasts five seconds at least; callers come back spread over as many more. */
const SOONEST_S = 5;
const SPREAD_S = 6;

/** Counts who was turned away as a call that failed: to its caller it is one. */
export function createTurnAway(pressure: Pressure, metrics: Metrics, random: Random): TurnAway {
  return (routeClass) => {
    // What refuses the highest band of the most urgent class refuses all.
    if (!pressure.sheds('chat', 'critical')) return null;
    if (routeClass !== null) {
      metrics.refused('pressure', routeClass, 'router', 'none');
      metrics.call({ ...NOTHING_DONE, class: routeClass });
    }
    return new RouterError(
      'server_is_overloaded',
      'This router is short of memory or time and takes no calls for now.',
      {
        retryAfterSeconds: SOONEST_S + Math.floor(random() * SPREAD_S),
      },
    );
  };
}

const NOTHING_DONE = {
  priority: 'interactive',
  tenant: 'none',
  target: null,
  how: 'failed',
  code: 'server_is_overloaded',
  degraded: null,
  queueMs: 0,
  firstContentMs: null,
  totalMs: 0,
  attempts: 0,
  uncachedTokens: 0,
  cachedTokens: 0,
  outputTokens: 0,
  cost: 0,
  charge: 0,
} as const;
