// Decides what workers look like to a gate in tests: an id, a limit, a count. For tests of src/flow and src/scheduling.
import type { SlotWorker } from '../../src/core/worker.ts';

export type TestWorker = SlotWorker & { limit: number; up: boolean };

export function slotWorker(id: string, limit: number, more: Partial<TestWorker> = {}): TestWorker {
  return {
    id,
    limit,
    reach: limit,
    inFlight: 0,
    backlogTokens: 0,
    heldTokens: 0,
    seat: -1,
    up: true,
    state: 'warm',
    origin: 'http://w',
    basePath: '',
    headers: [],
    replyHeaders: [],
    versioned: false,
    zone: null,
    contextTokens: null,
    engineLoad: null,
    expectedFirstContentMs: () => 0,
    usualFirstContentMs: () => 0,
    usualWholeMs: () => 0,
    recentWork: () => 0,
    idleSinceMs: 0,
    admits() {
      return this.up;
    },
    ...more,
  };
}
