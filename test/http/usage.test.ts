// The ledger over HTTP, behind the admin listener's door. For src/http/usage and usage-query.
import { describe, expect, it } from 'vitest';
import { DEFAULT_HTTP_LIMITS } from '../../src/core/limits.ts';
import { StoreFault } from '../../src/core/store.ts';
import { createAdminApp } from '../../src/http/admin.ts';
import type { TenantDesk } from '../../src/http/admin-tenants.ts';
import { readUsageQuery } from '../../src/http/usage-query.ts';
import type { Router } from '../../src/router/create.ts';
import { askedLedger, usageRow } from './usage-rows.ts';

const NOW = Date.UTC(2026, 10, 29, 16, 20);
const NOVEMBER = { fromMs: Date.UTC(2026, 10, 1), toMs: Date.UTC(2026, 11, 1) };

const erasures: unknown[][] = [];

function admin(ledger = askedLedger(), secret: string | null = null, headers: Record<string, string> = {}) {
  const app = createAdminApp({
    router: {} as Router,
    newId: () => 'id',
    ingress: { headers: () => headers, body: () => Promise.reject(new Error('no body is read')) },
    digest: (bytes) => bytes,
    secret: () => secret,
    open: () => true,
    ready: () => true,
    policy: () => ({ file: 'policy.yaml', loadedAt: '', refused: [] }),
    limits: DEFAULT_HTTP_LIMITS,
    tenants: {} as TenantDesk,
    usage: { ledger, clock: { wallMs: () => NOW }, erased: (...what) => void erasures.push(what) },
    metrics: () => Promise.resolve({ contentType: 'text/plain', body: '' }),
  });
  return async (path: string, method = 'GET') => {
    const response = await app.fetch(new Request(`http://localhost${path}`, { method }));
    return { status: response.status, headers: response.headers, body: (await response.json()) as never };
  };
}

describe('GET /usage', () => {
  it('asks for what was added up to now, and tells whole nano-USD by the names of the keys', async () => {
    const ledger = askedLedger([usageRow({ keys: ['acme', null] })]);
    const { status, headers, body } = await admin(ledger)(
      '/usage?by=tenant,run&from=2026-11-02&to=2026-11-03T08:30Z&tenant=acme&limit=5',
    );
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
    const fromMs = Date.UTC(2026, 10, 2);
    const toMs = Date.UTC(2026, 10, 3, 8, 30);
    expect(ledger.asked).toEqual(['flush', { by: ['tenant', 'run'], fromMs, toMs, tenant: 'acme', limit: 5 }]);
    expect(body).toEqual({
      from: '2026-11-02',
      to: '2026-11-03T08:30:00Z',
      by: ['tenant', 'run'],
      tenant: 'acme',
      complete: true,
      rows: [
        {
          tenant: 'acme',
          run: null,
          calls: 3,
          completeCalls: 2,
          degraded: 1,
          attempts: 4,
          uncachedTokens: 1000,
          cachedTokens: 5000,
          cacheWriteTokens: 400,
          outputTokens: 70,
          reasoningTokens: 9,
          gpuMs: 1234.5678,
          costNanoUsd: 4_110_000_001,
          chargeNanoUsd: 5_000_000_000,
          failedCostNanoUsd: 42_000,
        },
      ],
    });
  });

  it('is of the current month, by tenant, unless told otherwise', async () => {
    const ledger = askedLedger();
    await admin(ledger)('/usage');
    expect(ledger.asked[1]).toEqual({ by: ['tenant'], ...NOVEMBER, tenant: null, limit: 100 });
  });

  it('says when there may be more', async () => {
    expect((await admin()('/usage?limit=1')).body).toMatchObject({ complete: false });
  });

  it.each([
    ['by=tenant,tenant', 'by'],
    ['by=', 'by'],
    ['by=price', 'by'],
    ['from=2026-02-30', 'from'],
    ['from=yesterday', 'from'],
    ['to=2026-11-01T25:00Z', 'to'],
    ['to=2026-11-01T08:00', 'to'],
    ['from=2026-11-03&to=2026-11-03', 'to'],
    ['from=2027-01-01', 'to'],
    ['limit=0', 'limit'],
    ['limit=10001', 'limit'],
    ['limit=1e3', 'limit'],
    ['tenant=', 'tenant'],
    [`tenant=${'x'.repeat(257)}`, 'tenant'],
    ['form=2026-11-01', 'form'],
    ['by=tenant&by=run', 'by'],
    ['__proto__=1', '__proto__'],
  ])('refuses %s and asks the ledger nothing', async (query, param) => {
    const ledger = askedLedger();
    const { status, body } = await admin(ledger)(`/usage?${query}`);
    expect([status, ledger.asked]).toEqual([400, []]);
    expect(body).toMatchObject({ error: { code: 'invalid_value', param } });
  });

  it('tells its operator what is wrong with the store', async () => {
    const ledger = askedLedger();
    ledger.usage = () => {
      throw new StoreFault('damaged', 'ledger.db is damaged.');
    };
    const { status, body } = await admin(ledger)('/usage');
    expect(status).toBe(503);
    expect(body).toMatchObject({ error: { code: 'store_unavailable', message: 'ledger.db is damaged.' } });
  });

  it('tells what is there while nothing can be written', async () => {
    const ledger = askedLedger();
    ledger.flush = () => {
      throw new StoreFault('full', 'There is no room left.');
    };
    expect(await admin(ledger)('/usage')).toMatchObject({ status: 200, body: { rows: [{ calls: 3 }] } });
  });

  it('is for operators alone', async () => {
    const ledger = askedLedger();
    const ask = admin(ledger, 'secret');
    for (const [path, method] of [['/usage'], ['/usage/pools'], ['/tenants/acme/usage', 'DELETE']] as const)
      expect((await ask(path, method)).status).toBe(401);
    expect(ledger.asked).toEqual([]);
  });
});

it('GET /usage/pools tells what became of billed time', async () => {
  const ledger = askedLedger();
  const { body } = await admin(ledger)('/usage/pools?from=2026-11-01');
  expect(ledger.asked).toEqual(['flush', [NOVEMBER.fromMs, NOVEMBER.toMs]]);
  expect(body).toEqual({
    from: '2026-11-01',
    to: '2026-12-01',
    rows: [
      {
        pool: 'chat',
        billedMs: 60_000,
        usefulMs: 30_000,
        failedMs: 6_000,
        idleMs: 20_000,
        coldMs: 4_000,
        costNanoUsd: 66_000_000,
      },
    ],
  });
  expect((await admin()('/usage/pools?by=tenant')).status).toBe(400);
});

it('DELETE /tenants/NAME/usage takes away the records of that tenant', async () => {
  const ledger = askedLedger();
  const operator = admin(ledger, 'secret', { authorization: 'Bearer secret' });
  expect(await operator('/tenants/acme%2Fx/usage', 'DELETE')).toMatchObject({ status: 200, body: { erased: 7 } });
  expect(ledger.asked).toEqual(['erase acme/x']);
  expect(erasures).toEqual([['acme/x', 7, 'id']]);
  expect((await admin(ledger)('/tenants/acme/usage')).status).toBe(404);
});

it('nothing is taken away where no admin secret is set', async () => {
  const ledger = askedLedger();
  expect((await admin(ledger)('/tenants/acme/usage', 'DELETE')).status).toBe(401);
  expect(ledger.asked).toEqual([]);
});

describe('the current month', () => {
  it.each([
    [Date.UTC(2026, 11, 31, 23, 59, 59, 999), Date.UTC(2026, 11, 1), Date.UTC(2027, 0, 1)],
    [Date.UTC(2028, 1, 29), Date.UTC(2028, 1, 1), Date.UTC(2028, 2, 1)],
  ])('of %i begins and ends in UTC', (nowMs, fromMs, toMs) => {
    expect(readUsageQuery(() => undefined, nowMs)).toMatchObject({ query: { fromMs, toMs } });
  });
});
