// When operators are told that a tenant nears a limit: once per window and level. For spend-book.
import type { WindowSpend } from '../core/ledger.ts';
import type { Log } from '../core/runtime.ts';

export class SpendWarnings {
  /** Per window, since when it runs and how many levels were told. */
  readonly #told = new Map<WindowSpend['window'], { readonly startMs: number; levels: number }>();

  /** `warnAt` ascends. */
  check(tenant: string, windows: readonly WindowSpend[], warnAt: readonly number[], log: Log): void {
    for (const { window, limit, spent, startMs } of windows) {
      let told = this.#told.get(window);
      if (told === undefined || told.startMs !== startMs) {
        told = { startMs, levels: 0 };
        this.#told.set(window, told);
      }
      for (; told.levels < warnAt.length && spent >= warnAt[told.levels]! * limit; told.levels++)
        log.warn('spend_warning', { tenant, window, share: warnAt[told.levels]! });
    }
  }
}
