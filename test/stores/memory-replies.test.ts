// The store of kept replies in memory. For src/stores/memory/replies.
import { expect, it } from 'vitest';
import { MemoryReplies } from '../../src/stores/memory/replies.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { describeReplies, SMALL } from './replies-conformance.ts';

describeReplies('kept replies in memory', () => {
  const clock = new VirtualClock();
  return { store: new MemoryReplies(clock, SMALL), pass: (ms) => void clock.advance(ms) };
});

it('counts what it holds, and holds nothing when it is closed', () => {
  const store = new MemoryReplies(new VirtualClock(), SMALL);
  const at = { tenant: 't', route: '/r', key: 'k' };
  const begun = store.begin(at, 'd', 10);
  expect(store.size).toEqual({ replies: 0, bytes: 0 });
  store.keep(at, begun.state === 'new' ? begun.fence : 0, {
    status: 200,
    headers: ['a', 'b'],
    body: new Uint8Array(100),
  });
  expect(store.size).toEqual({ replies: 1, bytes: 512 + 100 + 2 });
  store.close();
  expect(store.size).toEqual({ replies: 0, bytes: 0 });
});
