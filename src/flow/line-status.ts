// What of a gate's lines a page or a metric shows. For the gate.
import type { LineStatus } from '../core/gate.ts';
import { PRIORITIES } from '../core/names.ts';
import type { Bands } from './bands.ts';

/** All lines that are not empty, by class, band and tenant. */
export function lineStatus(bands: Bands, nowMs: number): readonly LineStatus[] {
  const all: LineStatus[] = [];
  for (const line of bands.all) {
    for (const share of line.shares()) {
      for (const flow of share.flows) {
        if (flow === null || flow.waiting === 0) continue;
        let sinceMs = nowMs;
        for (const { sinceMs: otherMs } of flow.arrivals.oldest()) sinceMs = Math.min(sinceMs, otherMs);
        const { waiting, band } = flow;
        all.push({
          class: line.class,
          priority: PRIORITIES[band]!,
          tenant: share.tenant,
          waiting,
          oldestMs: nowMs - sinceMs,
        });
      }
    }
  }
  return all;
}
