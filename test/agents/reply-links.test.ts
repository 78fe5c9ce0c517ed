// Decides which run and which worker a stored reply leads to, for whom and for how long. For src/agents/reply-links.
import { describe, expect, it } from 'vitest';
import { ReplyLinksLru } from '../../src/agents/reply-links.ts';
import type { ReplyLink } from '../../src/core/runs.ts';

const HOUR = 3_600_000;
const link = (workerId: string): ReplyLink => ({
  run: { run: 'r', agent: null, parent: null, source: 'inferred' },
  pool: 'p',
  workerId,
});

describe('links from replies to their runs and workers', () => {
  it('are found by their own tenant alone', () => {
    const links = new ReplyLinksLru();
    links.keep('t', 'resp_1', link('p/1'), 0);
    expect(links.find('t', 'resp_1', 1)).toEqual(link('p/1'));
    for (const [tenant, reply] of [
      ['u', 'resp_1'],
      ['t', 'resp_2'],
      ['', 'resp_1\nt'],
    ] as const)
      expect(links.find(tenant, reply, 1)).toBe(null);
  });

  it('are forgotten an hour after they were asked for last', () => {
    const links = new ReplyLinksLru();
    links.keep('t', 'resp_1', link('p/1'), 0);
    expect(links.find('t', 'resp_1', HOUR - 1)).not.toBe(null);
    expect(links.find('t', 'resp_1', 2 * HOUR - 2)).not.toBe(null);
    expect(links.find('t', 'resp_1', 3 * HOUR - 2)).toBe(null);
  });

  it('are bounded: whoever was asked for longest ago gives way', () => {
    const links = new ReplyLinksLru(2);
    links.keep('t', 'a', link('p/1'), 0);
    links.keep('t', 'b', link('p/2'), 0);
    links.find('t', 'a', 0);
    links.keep('t', 'c', link('p/3'), 0);
    expect(['a', 'b', 'c'].map((reply) => links.find('t', reply, 0)?.workerId)).toEqual(['p/1', undefined, 'p/3']);
    expect(links.size).toBe(2);
  });
});
