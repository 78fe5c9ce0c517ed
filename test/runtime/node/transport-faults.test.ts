// Decides that undici's failures get their names. For upstream/classify.
import { describe } from 'vitest';
import { createNodeTransport } from '../../../src/runtime/node/transport.ts';
import { transportFaults } from '../transport-faults.ts';

describe('F053 F054 F056 F067 F073 real failures get their names', () => {
  transportFaults('undici', createNodeTransport({ connectTimeoutMs: 400 }));
});
