// Decides what becomes of the pieces of a request's body on Node. For runtime/node/ingress.
import { Readable } from 'node:stream';
import type { Context } from 'hono';
import { afterEach, describe, expect, it } from 'vitest';
import { DEFAULT_HTTP_LIMITS } from '../../../src/core/limits.ts';
import { createNodeIngress } from '../../../src/runtime/node/ingress.ts';
import { VirtualClock } from '../../fakes/virtual-clock.ts';

const ingress = createNodeIngress(DEFAULT_HTTP_LIMITS, new VirtualClock());
afterEach(() => ingress.close());

async function bodyOf(pieces: readonly Buffer[]): Promise<Uint8Array> {
  const incoming = Object.assign(new Readable({ read() {} }), { headers: {}, socket: { bytesRead: 0 } });
  const body = ingress.body({ env: { incoming, outgoing: {} } } as unknown as Context, DEFAULT_HTTP_LIMITS);
  for (const piece of pieces) incoming.push(piece);
  incoming.push(null);
  return await body;
}

/** Memory of its own, as Node gives to each piece. */
function own(length: number, fill: string): Buffer {
  return Buffer.allocUnsafeSlow(length).fill(fill);
}

describe('a body in pieces', () => {
  it('is joined, and the memory of its pieces is free at once', async () => {
    const pieces = [own(65_536, 'a'), own(65_536, 'b'), own(7, 'c')];
    const body = await bodyOf(pieces);
    expect(Buffer.from(body).toString()).toBe('a'.repeat(65_536) + 'b'.repeat(65_536) + 'c'.repeat(7));
    expect(pieces.map(({ buffer }) => (buffer as ArrayBuffer).detached)).toEqual([true, true, true]);
  });

  it('leaves memory alone that its pieces share with others', async () => {
    const shared = own(100, 'x');
    const body = await bodyOf([shared.subarray(0, 50), shared.subarray(50, 90)]);
    expect(body).toHaveLength(90);
    expect(shared.toString()).toBe('x'.repeat(100));
  });

  it('is its one piece where it came as one', async () => {
    const piece = own(10, 'y');
    expect(await bodyOf([piece])).toBe(piece);
    expect(piece.toString()).toBe('y'.repeat(10));
  });
});
