import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/long/**/*.test.ts'],
    testTimeout: 180_000,
    hookTimeout: 60_000,
    maxWorkers: 1,
    // Bounds on time hold on a machine with room; what else runs there for a moment must not decide.
    retry: 1,
    unstubGlobals: true,
  },
});
