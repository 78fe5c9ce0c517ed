// How long replies are expected to be: learned per tenant and model, bounded. For src/router/output-estimates.ts.
import { describe, expect, it } from 'vitest';
import { expectedTokens, OutputEstimates } from '../../src/router/output-estimates.ts';

describe('the expected length of a reply', () => {
  it('is a guess until one was seen, and then moves towards what is seen', () => {
    const estimates = new OutputEstimates();
    expect(expectedTokens(estimates.of('acme', 'm'), 'chat', null)).toBe(300);
    estimates.learn(estimates.of('acme', 'm'), 'acme', 'm', 100);
    expect(expectedTokens(estimates.of('acme', 'm'), 'chat', null)).toBe(100);
    estimates.learn(estimates.of('acme', 'm'), 'acme', 'm', 200);
    expect(expectedTokens(estimates.of('acme', 'm'), 'chat', null)).toBeCloseTo(110);
  });

  it('is one for each tenant and model', () => {
    const estimates = new OutputEstimates();
    estimates.learn(null, 'acme', 'm', 100);
    expect(estimates.of('acme', 'n')).toBeNull();
    expect(estimates.of('other', 'm')).toBeNull();
  });

  it('learns from each of several first replies that were on their way at once', () => {
    const estimates = new OutputEstimates();
    estimates.learn(null, 'acme', 'm', 100);
    estimates.learn(null, 'acme', 'm', 200);
    expect(estimates.of('acme', 'm')?.tokens).toBeCloseTo(110);
  });

  it('is no more than the caller allows, and nothing where no tokens are generated', () => {
    expect(expectedTokens({ tokens: 500 }, 'chat', 20)).toBe(20);
    expect(expectedTokens({ tokens: 500 }, 'embed', null)).toBe(0);
  });

  it('is remembered of the last ten thousand that were seen first', () => {
    const estimates = new OutputEstimates();
    for (let at = 0; at < 10_001; at++) estimates.learn(null, `tenant-${at}`, 'm', at);
    expect(estimates.of('tenant-0', 'm')).toBeNull();
    expect(estimates.of('tenant-1', 'm')?.tokens).toBe(1);
    expect(estimates.of('tenant-10000', 'm')?.tokens).toBe(10_000);
  });
});
