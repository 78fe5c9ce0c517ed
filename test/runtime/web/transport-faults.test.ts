// Decides that fetch's failures get their names, as far as fetch tells them. For upstream/classify.
import { describe } from 'vitest';
import { createWebTransport } from '../../../src/runtime/web/transport.ts';
import { transportFaults } from '../transport-faults.ts';

// Node's own fetch connects by its own copy of undici, which the package of that name does not fit.
await fetch('data:,').then((reply) => reply.text());
const { constructor: Agent } = (
  globalThis as unknown as Record<symbol, { constructor: new (options: object) => object }>
)[Symbol.for('undici.globalDispatcher.1')]!;
const dispatcher = new Agent({ connect: { timeout: 400 } });

describe('F053 F054 F056 F073 real failures get their names by fetch', () => {
  transportFaults(
    'fetch',
    createWebTransport({ fetch: (url, init) => globalThis.fetch(url, { ...init, dispatcher } as RequestInit) }),
  );
});
