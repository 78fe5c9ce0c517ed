// `spillway usage`: what it asks, what it shows, what it refuses. For src/entry/cli/usage and usage-text.
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { UsageRow } from '../../src/core/ledger.ts';
import { StoreFault } from '../../src/core/store.ts';
import { type LedgerAccess, usageCommandOn } from '../../src/entry/cli/usage.ts';
import { usageCsv, usdDigits } from '../../src/entry/cli/usage-text.ts';
import { askedLedger, poolRow, usageRow } from '../http/usage-rows.ts';

afterEach(() => vi.restoreAllMocks());

const DATA = ['--data', '/nowhere/data'];

async function usage(args: readonly string[], ledger: ReturnType<typeof askedLedger> | null = askedLedger()) {
  const said = { out: '', err: '' };
  const caught = (stream: 'out' | 'err') => (text: string | Uint8Array) => {
    said[stream] += String(text);
    return true;
  };
  vi.spyOn(process.stdout, 'write').mockImplementation(caught('out'));
  vi.spyOn(process.stderr, 'write').mockImplementation(caught('err'));
  const folders: string[] = [];
  const access: LedgerAccess = {
    read(folder) {
      folders.push(folder);
      return Promise.resolve(ledger);
    },
    erase(folder, tenant) {
      folders.push(folder);
      return ledger === null ? Promise.resolve(0) : ledger.erase(tenant);
    },
  };
  try {
    const code = await usageCommandOn(access).run([...args, ...DATA]);
    return { code, folders, asked: ledger?.asked ?? [], ...said };
  } finally {
    vi.restoreAllMocks();
  }
}

describe('usage', () => {
  it('is a table with the sums beside it, by tenant and of the current month by default', async () => {
    const { code, out, err, asked, folders } = await usage([], askedLedger([usageRow(), usageRow({ keys: [null] })]));
    expect([code, folders]).toEqual([0, ['/nowhere/data']]);
    const now = new Date();
    const month = (more: number) => Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + more);
    expect(asked).toEqual([{ by: ['tenant'], fromMs: month(0), toMs: month(1), tenant: null, limit: 100 }, 'close']);
    const [head, first, second, ...rest] = out.split('\n');
    expect(head).toMatch(/^TENANT +CALLS +WHOLE .* COST +OF IT FAILED +CHARGED$/);
    expect(first).toMatch(/^acme +3 +2 +1 +4 +1000 +5000 +400 +70 +9 +1 +\$4\.11 +\$0\.000042 +\$5\.00$/);
    expect(second).toMatch(/^– /);
    expect(rest).toEqual(['']);
    expect(err).toContain(
      '6 calls: cost $8.22, of it for attempts that came to nothing $0.000084; charged $10.00, $1.78 more',
    );
  });

  it('says that there is nothing, that there is no ledger, and that there may be more', async () => {
    expect(await usage(['--from', '2026-11-01', '--to', '2026-11-02'], askedLedger([]))).toMatchObject({
      code: 0,
      out: '',
      err: 'No calls were recorded from 2026-11-01 to 2026-11-02 (UTC).\n',
    });
    expect(await usage([], null)).toMatchObject({ code: 1, out: '' });
    expect((await usage(['--limit', '1'])).err).toContain('Only the 1 dearest groups');
  });

  it('as JSON it is what the admin route tells', async () => {
    const { out } = await usage(
      ['--json', '--by', 'model', '--tenant', 'acme'],
      askedLedger([usageRow({ keys: ['m'] })]),
    );
    expect(JSON.parse(out)).toMatchObject({ tenant: 'acme', rows: [{ model: 'm', chargeNanoUsd: 5_000_000_000 }] });
  });

  it('as CSV it has all digits of an amount, and CRLF', async () => {
    const { out } = await usage(['--csv']);
    expect(out).toBe(
      'tenant,calls,complete_calls,degraded_calls,attempts,uncached_tokens,cached_tokens,cache_write_tokens,output_tokens,' +
        'reasoning_tokens,gpu_seconds,cost_usd,failed_cost_usd,charge_usd\r\n' +
        'acme,3,2,1,4,1000,5000,400,70,9,1.235,4.110000001,0.000042000,5.000000000\r\n',
    );
  });

  it.each([
    ['=HYPERLINK("http://x")', `"'=HYPERLINK(""http://x"")"`],
    ['+1', "'+1"],
    ['-1', "'-1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\tx', "'\tx"],
    ['\rx', `"'\rx"`],
    ['a,b', '"a,b"'],
    ['a"b', '"a""b"'],
    ['a\nb', '"a\nb"'],
    ['a=b', 'a=b'],
    ['', ''],
  ])('a name such as %j is text in every spreadsheet', (name, field) => {
    const csv = usageCsv(['run'], [usageRow({ keys: [name] })]);
    expect(csv.slice(csv.indexOf('\r\n') + 2).startsWith(`${field},3,2`)).toBe(true);
  });

  it('names that hold control characters are no harm to a terminal', async () => {
    const { out } = await usage([], askedLedger([usageRow({ keys: ['a\u001b[2Jb'] })]));
    expect(out).not.toContain('\u001b');
  });

  it('amounts keep all digits, whatever their size and sign', () => {
    expect([0, 1, -1, 1_000_000_000, -12_345_678_901].map(usdDigits)).toEqual([
      '0.000000000',
      '0.000000001',
      '-0.000000001',
      '1.000000000',
      '-12.345678901',
    ]);
  });
});

describe('usage --pools', () => {
  it('sets useful time against what was billed, and the rest apart', async () => {
    const { out, asked } = await usage(['--pools', '--from', '2026-11-01', '--to', '2026-12-01']);
    expect(asked).toEqual([[Date.UTC(2026, 10), Date.UTC(2026, 11)], 'close']);
    expect(out.split('\n')[1]).toMatch(/^chat +60 +30 +6 +20 +4 +50\.0 % +\$0\.07$/);
    expect((await usage(['--pools', '--csv'])).out).toContain(
      '\r\nchat,60.000,30.000,6.000,20.000,4.000,0.500000,0.066000000\r\n',
    );
    const none = askedLedger([], [poolRow({ billedMs: 0, usefulMs: 0 })]);
    expect((await usage(['--pools'], none)).out).toContain('–');
  });
});

describe('usage erase', () => {
  it('takes away a tenant’s records once that is said twice', async () => {
    const ledger = askedLedger();
    expect(await usage(['erase', '--tenant', 'acme'], ledger)).toMatchObject({ code: 2, asked: [] });
    expect(await usage(['erase', '--tenant', 'acme', '--yes'], ledger)).toMatchObject({
      code: 0,
      err: 'Took away 7 records of "acme".\n',
      asked: ['erase acme'],
    });
  });
});

describe('wrongly called', () => {
  it.each([
    [['--csv', '--json']],
    [['--yes']],
    [['--by', 'price']],
    [['--from', '2026-13-01']],
    [['--pools', '--tenant', 'acme']],
    [['--pools', '--limit', '3']],
    [['everything']],
    [['erase', 'acme']],
    [['erase', '--yes']],
    [['erase', '--tenant', 'acme', '--yes', '--from', '2026-11-01']],
    [['--colour']],
  ])('%j is refused with exit code 2', async (args) => {
    const { code, out, err, asked } = await usage(args);
    expect([code, out, asked]).toEqual([2, '', []]);
    expect(err).not.toBe('');
  });

  it('a ledger that cannot be read is exit code 1, with the store’s own words', async () => {
    const ledger = askedLedger();
    ledger.usage = (): readonly UsageRow[] => {
      throw new StoreFault('too_new', 'ledger.db was made by a later version.');
    };
    expect(await usage([], ledger)).toMatchObject({ code: 1, err: 'ledger.db was made by a later version.\n' });
    expect(ledger.asked).toEqual(['close']);
  });
});
