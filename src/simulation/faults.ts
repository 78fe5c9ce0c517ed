// What goes wrong with a simulated worker, and when. For simulate and its workers.
import type { Clock } from '../core/runtime.ts';
import type { Door } from './door.ts';

/** Times are of the simulation's clock. */
export type WorkerFault =
  /** Everything takes `factor` times as long. */
  | { readonly kind: 'slow'; readonly factor: number; readonly fromMs: number; readonly untilMs: number }
  /** Its port is closed and what it had is cut, again and again. */
  | {
      readonly kind: 'flapping';
      readonly downMs: number;
      readonly upMs: number;
      readonly fromMs: number;
      readonly untilMs: number;
    };

export function schedule(fault: WorkerFault, door: Door, clock: Clock): void {
  const at = (atMs: number, fn: () => void) => clock.after(Math.max(0, atMs - clock.nowMs()), fn);
  if (fault.kind === 'slow') {
    at(fault.fromMs, () => door.engine.slow(fault.factor));
    if (Number.isFinite(fault.untilMs)) at(fault.untilMs, () => door.engine.slow(1));
    return;
  }
  const down = () => {
    if (clock.nowMs() >= fault.untilMs) return;
    door.down();
    clock.after(fault.downMs, () => {
      door.up();
      clock.after(fault.upMs, down);
    });
  };
  at(fault.fromMs, down);
}
