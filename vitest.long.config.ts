import { defineConfig } from 'vitest/config';

const ALL = ['test/long/**/*.test.ts'];
/** They count and promise no times, so each may have one of two cores. */
const BESIDE = ['cut-points', 'ledger-kill', 'quota-million', 'spend-live'].map((name) => `test/long/${name}.test.ts`);

export default defineConfig({
  test: {
    testTimeout: 180_000,
    hookTimeout: 60_000,
    maxConcurrency: 8,
    // Bounds on time hold on a machine with room; what else runs there for a moment must not decide.
    retry: 1,
    unstubGlobals: true,
    projects: [
      {
        extends: true,
        test: { name: 'alone', include: ALL, exclude: BESIDE, maxWorkers: 1, sequence: { groupOrder: 0 } },
      },
      { extends: true, test: { name: 'two at a time', include: BESIDE, maxWorkers: 2, sequence: { groupOrder: 1 } } },
    ],
  },
});
