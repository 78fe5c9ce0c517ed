// How hard pressed the router's own process is, and what it therefore does not take on. For flow, router, http and runtimes.
import type { Priority, RouteClass } from './names.ts';

/** What a runtime measures of its process. */
export interface ProcessLoad {
  /** Heap in use as a share of what there may be, 0 to 1. */
  readonly heapShare: number;
  /** How late the event loop's timers have run lately, ms. */
  readonly loopLagMs: number;
}

/** Steps are left one by one, with hysteresis. */
export interface Pressure {
  /** 0 = none. */
  readonly step: number;
  /** Whether a call of this class and band is refused for now. */
  sheds(routeClass: RouteClass, priority: Priority): boolean;
  /** Connections are asked to close after their reply. */
  readonly closesConnections: boolean;
}

export const NO_PRESSURE: Pressure = { step: 0, sheds: () => false, closesConnections: false };
