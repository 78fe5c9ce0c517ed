// Shares between recorded clients at twice a pool's capacity. For src/flow and src/simulation/fairness.
import { describe, expect, it } from 'vitest';
import { gathered } from '../../src/simulation/traffic.ts';
import { type FairShareOptions, fairShare } from './claims/fair-share.ts';
import { trace } from './staged.ts';

const recorded = gathered([trace('servegen-rates.csv', 'rates'), trace('servegen-tokens.csv', 'tokens')]);
const share = (options: Partial<FairShareOptions>) =>
  fairShare({
    recorded,
    fromMs: null,
    lastsMs: 300_000,
    load: 2,
    weighted: false,
    asOneTenant: false,
    seed: 1,
    ...options,
  });

describe('at twice the capacity, recorded clients', () => {
  it.each([
    ['of one weight', false],
    ['of weights from 1 to 4', true],
  ])('%s get what they are entitled to: Jain’s index is at least 0.97', async (_, weighted) => {
    const { report } = await share({ weighted });
    const { jain, tenants } = report.fairness;
    expect(tenants.length).toBe(12);
    expect(jain).toBeGreaterThanOrEqual(0.97);
    const demanded = tenants.reduce((sum, tenant) => sum + tenant.demanded, 0);
    const served = tenants.reduce((sum, tenant) => sum + tenant.served, 0);
    expect(served / demanded).toBeLessThan(0.7);
  });

  it('get by order of arrival what they ask for and not what they are entitled to', async () => {
    const { report } = await share({ asOneTenant: true });
    expect(report.fairness.tenants.length).toBe(12);
    expect(report.fairness.jain).toBeLessThan(0.9);
  });
});
