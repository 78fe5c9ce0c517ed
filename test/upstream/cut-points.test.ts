// Shows that a reply cut at any byte is never taken for a whole one, on any surface: before first content another rung
// answers, after it the stream ends in the dialect's own error, after its end it is a success and nothing is made up.
import { vi } from 'vitest';
import { closeAfterEach, describeStreamCuts, describeWholeCuts } from './cuts.ts';

// Seconds on a quiet machine; thousands of connections may take longer on a busy one.
vi.setConfig({ testTimeout: 90_000 });

closeAfterEach();
describeStreamCuts('in turn');
describeWholeCuts('in turn');
