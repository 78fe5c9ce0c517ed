// What every store of kept replies does alike. For the tests of each store.
import { describe, expect, it } from 'vitest';
import type { IdempotencyBounds, IdempotencyStore, KeptReply } from '../../src/core/idempotency.ts';
import { HOSTILE_TEXTS } from '../tenants/sample-keys.ts';

export interface RepliesUnderTest {
  readonly store: IdempotencyStore;
  /** Moves the store's clock. */
  pass(ms: number): void;
}

export const SMALL: IdempotencyBounds = { maxReplies: 8, maxBytes: 64_000, maxReplyBytes: 10_000, maxAgeMs: 60_000 };

const scope = (key: string, tenant = 'acme', route = '/v1/chat/completions') => ({ tenant, route, key });
const replyOf = (text: string): KeptReply => ({
  status: 200,
  headers: ['content-type', 'application/json'],
  body: new TextEncoder().encode(text),
});
const LEASE_MS = 1_000;

/** The fence of a try that must be new. */
async function began(store: IdempotencyStore, at = scope('a'), digest = 'd1'): Promise<number> {
  const answer = await store.begin(at, digest, LEASE_MS);
  expect(answer.state).toBe('new');
  return (answer as { fence: number }).fence;
}

export function describeReplies(name: string, open: () => RepliesUnderTest | Promise<RepliesUnderTest>): void {
  describe(name, () => {
    it('F098 gives back what was kept, byte for byte, as often as it is asked', async () => {
      const { store } = await open();
      const body = Uint8Array.from({ length: 512 }, (_, at) => at % 256);
      const reply = { status: 200, headers: ['content-type', 'text/event-stream', 'x-a', 'b'], body };
      await store.keep(scope('a'), await began(store), reply);
      for (let times = 0; times < 3; times++) {
        const answer = await store.begin(scope('a'), 'd1', LEASE_MS);
        expect(answer).toMatchObject({ state: 'kept', reply: { status: 200, headers: reply.headers } });
        expect([...(answer as { reply: KeptReply }).reply.body]).toEqual([...body]);
      }
    });

    it('F098 another body under the same key is a mismatch, while it runs and when it is kept', async () => {
      const { store } = await open();
      const fence = await began(store);
      expect(await store.begin(scope('a'), 'd2', LEASE_MS)).toEqual({ state: 'mismatch' });
      await store.keep(scope('a'), fence, replyOf('x'));
      expect(await store.begin(scope('a'), 'd2', LEASE_MS)).toEqual({ state: 'mismatch' });
    });

    it('F098 while it runs the same request is told so, and runs anew once it was dropped', async () => {
      const { store } = await open();
      const fence = await began(store);
      expect(await store.begin(scope('a'), 'd1', LEASE_MS)).toEqual({ state: 'in_flight' });
      await store.drop(scope('a'), fence);
      await began(store);
    });

    it('F098 tenants and routes know nothing of each other’s keys, whatever these look like', async () => {
      const { store } = await open();
      for (const key of ['a', '","', '\u0000', ...HOSTILE_TEXTS]) {
        for (const at of [scope(key), scope(key, 'beta'), scope(key, 'acme', '/v1/embeddings')]) {
          await store.keep(at, await began(store, at), replyOf(JSON.stringify(at)));
          const kept = await store.begin(at, 'd1', LEASE_MS);
          expect(new TextDecoder().decode((kept as { reply: KeptReply }).reply.body)).toBe(JSON.stringify(at));
        }
      }
    });

    it('a try whose lease has run out gives its key to the next, and keeps nothing any more', async () => {
      const { store, pass } = await open();
      const old = await began(store);
      pass(LEASE_MS + 1);
      const fresh = await began(store);
      expect(fresh).toBeGreaterThan(old);
      await store.keep(scope('a'), old, replyOf('old'));
      await store.drop(scope('a'), old);
      expect(await store.begin(scope('a'), 'd1', LEASE_MS)).toEqual({ state: 'in_flight' });
      await store.keep(scope('a'), fresh, replyOf('fresh'));
      expect(await store.begin(scope('a'), 'd1', LEASE_MS)).toMatchObject({ reply: { body: replyOf('fresh').body } });
    });

    it('keeps no longer than it may, and nothing that is too large', async () => {
      const { store, pass } = await open();
      await store.keep(scope('a'), await began(store), replyOf('x'));
      await store.keep(scope('b'), await began(store, scope('b')), replyOf('x'.repeat(SMALL.maxReplyBytes + 1)));
      await began(store, scope('b'));
      pass(SMALL.maxAgeMs + 1);
      await began(store);
    });

    it('is bounded by count and bytes; whoever floods it loses replies of its own first', async () => {
      const { store } = await open();
      const theirs = scope('theirs', 'beta');
      await store.keep(theirs, await began(store, theirs), replyOf('theirs'));
      for (let n = 0; n < 100; n++) {
        const at = scope(`n${n}`);
        await store.keep(at, await began(store, at), replyOf('y'.repeat(9_000)));
      }
      expect((await store.begin(theirs, 'd1', LEASE_MS)).state).toBe('kept');
      expect((await store.begin(scope('n99'), 'd1', LEASE_MS)).state).toBe('kept');
      let kept = 0;
      for (let n = 0; n < 99; n++) if ((await store.begin(scope(`n${n}`), 'd1', 1)).state === 'kept') kept++;
      expect(kept).toBeLessThan(SMALL.maxReplies);
      expect((kept + 1) * 9_000).toBeLessThanOrEqual(SMALL.maxBytes);
    });

    it('erases one tenant and leaves the others', async () => {
      const { store } = await open();
      for (const tenant of ['acme', 'beta']) {
        const at = scope('a', tenant);
        await store.keep(at, await began(store, at), replyOf(tenant));
      }
      await store.erase('acme');
      await began(store);
      expect((await store.begin(scope('a', 'beta'), 'd1', LEASE_MS)).state).toBe('kept');
    });
  });
}
