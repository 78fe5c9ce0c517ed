// What `spillway tenants` does to the tenants of a data folder, and what it says. For src/entry/cli/tenants.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { SqliteTenants } from '../../src/stores/sqlite/tenants.ts';
import { HOSTILE_TEXTS } from '../tenants/sample-keys.ts';
import { newFolder } from './spillway-process.ts';
import { tenants } from './tenants-command.ts';

const base = newFolder();
const policy = join(base, 'policy.yaml');
writeFileSync(
  policy,
  `version: 1
pools: { a: { zone: eu, workers: [ { url: "http://a", usdPerGpuHour: 1 } ] }, b: { zone: us, workers: [ { url: "http://b" } ] } }
models: { m: { ladder: [ { pool: a } ] }, n: { ladder: [ { pool: b } ] } }
plans: { standard: { requestsPerMinute: 600, usd: { perDay: 5 }, models: [m] }, free: { inFlight: 2 } }
tenants: { fixed: { plan: free } }
`,
);
let count = 0;
let folder: string;
beforeEach(() => {
  folder = join(base, `data-${count++}`);
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

const run = (action: string, ...args: string[]) => tenants(folder, policy, action, ...args);
interface Shown {
  readonly name: string;
  readonly source: string;
  readonly entry: Record<string, unknown> | null;
  readonly rules: { readonly plan: string | null; readonly weight: number } | null;
  readonly faults: readonly string[];
  readonly shadowed: boolean;
}
const listed = async () => JSON.parse((await run('list', '--json')).out) as Shown[];
const entryOf = async (name: string) => (await listed()).find((one) => one.name === name)?.entry;

describe('spillway tenants set', () => {
  it('takes every flag into an entry as a policy would have it, and says what it means', async () => {
    const said = await run(
      'set',
      'acme',
      ...['--plan', 'standard', '--weight', '4', '--requests-per-minute', '10k', '--tokens-per-minute', '400k'],
      ...['--in-flight', '32', '--usd-per-hour', '0.5', '--usd-per-day', '50', '--usd-per-month', '1000'],
      ...[
        '--usd-warn-at',
        '80%,95%',
        '--zones',
        'eu, eu',
        '--models',
        'm,m*',
        '--priority',
        'batch',
        '--expires',
        '2099-01-31',
      ],
    );
    expect([said.code, said.err]).toEqual([0, expect.stringContaining('within five seconds')]);
    expect(said.out).toContain(
      'acme (set by the store)\n  plan standard, weight 4, up to batch, zones eu, models m, m*',
    );
    expect(said.out).toContain(
      '10000 requests a minute, 400000 uncached tokens a minute, 32 in flight, $0.50 an hour, $50.00 a day, $1000.00 a month (warns at 80% and 95%)',
    );
    expect(await entryOf('acme')).toEqual({
      plan: 'standard',
      weight: 4,
      requestsPerMinute: '10k',
      uncachedTokensPerMinute: '400k',
      inFlight: 32,
      usd: { perHour: 0.5, perDay: 50, perMonth: 1000, warnAt: ['80%', '95%'] },
      zones: ['eu'],
      models: ['m', 'm*'],
      priority: 'batch',
      expires: '2099-01-31T00:00:00.000Z',
    });
  });

  it('leaves what it does not name as it was, and default takes a key away', async () => {
    await run(
      'set',
      'acme',
      '--weight',
      '4',
      '--plan',
      'free',
      '--usd-per-day',
      '5',
      '--usd-warn-at',
      '90%',
      '--models',
      'm',
      '--expires',
      '30d',
    );
    await run('set', 'acme', '--weight', '5', '--usd-per-month', '9');
    expect(await entryOf('acme')).toMatchObject({
      plan: 'free',
      weight: 5,
      usd: { perDay: 5, perMonth: 9, warnAt: '90%' },
    });
    await run('set', 'acme', '--plan', 'default', '--usd-per-day', 'default', '--expires', 'never');
    expect(await entryOf('acme')).toEqual({ weight: 5, models: ['m'], usd: { perMonth: 9, warnAt: '90%' } });
    await run('set', 'acme', '--usd-per-month', 'default');
    expect(await entryOf('acme')).toEqual({ weight: 5, models: ['m'] });
    await run('set', 'acme', '--usd', 'none', '--requests-per-minute', 'none');
    expect(await entryOf('acme')).toEqual({ weight: 5, models: ['m'], usd: 'none', requestsPerMinute: 'none' });
  });

  it.each([
    ['--plan', 'gold', 1, /plan: unknown plan "gold"\. Valid: standard, free\./],
    ['--weight', '0', 1, /weight: must be a number from 0\.001 to 1000/],
    ['--weight', 'much', 1, /weight: must be a number from 0\.001 to 1000/],
    ['--requests-per-minute', '4kk', 1, /requestsPerMinute: must be a whole number above 0, such as 600, 400k or 5M/],
    ['--priority', 'high', 1, /priority: unknown value "high"\. Valid: critical, interactive, batch, background\./],
    ['--usd-warn-at', '80%', 1, /usd: needs at least one of perHour, perDay and perMonth/],
    ['--usd-per-day', '5', 1, /usd: limits money, and rung 1 of n \(b\), which it can reach, has no price/],
    ['--expires', 'tomorrow', 2, /--expires wants a time from now/],
    ['--tenant', 'x', 2, /Flags: --plan, .*--json/],
  ])('%s %s is refused, and nothing is written', async (flag, value, code, text) => {
    expect(await run('set', 'acme', flag, value)).toEqual({ code, out: '', err: expect.stringMatching(text) });
    expect(() => readdirSync(folder).filter((file) => file === 'tenants.db').length).toThrow(/ENOENT/);
  });

  it.each([
    ['fixed', /fixed is set by the policy, which wins: change it there/],
    ['*', /"\*" is set by the policy alone/],
    ['development', /development is the tenant of calls without keys/],
    ['Acme', /A tenant's name is 1 to 63 lower-case/],
  ])('the name %s is refused', async (name, text) => {
    expect(await run('set', name, '--weight', '2')).toEqual({ code: 2, out: '', err: expect.stringMatching(text) });
  });

  it('says what may be set when nothing is, and what is odd', async () => {
    expect(await run('set', 'acme')).toMatchObject({
      code: 2,
      err: expect.stringContaining('Say what to set: --plan, --weight,'),
    });
    const odd = await run('set', 'acme', '--zones', 'mars');
    expect([odd.code, odd.err]).toEqual([
      0,
      expect.stringContaining('warning: zones[0]: no target is in zone "mars". Valid: eu, us.'),
    ]);
  });

  it('F031 hostile text is a model that is asked, or refused without harm', async () => {
    const plain = HOSTILE_TEXTS.filter((text) => /^[a-z0-9][a-z0-9_-]{0,62}$/.test(text));
    for (const [at, text] of HOSTILE_TEXTS.entries()) {
      const named = await run('set', text, '--weight=2');
      // A name such as constructor is one like any other.
      expect(named.code === 0, text).toBe(plain.includes(text));
      if (at % 3 === 0) await run('set', 'acme', `--models=${text}`, `--plan=${text}`);
    }
    expect(await run('set', 'acme', '--weight', '3')).toMatchObject({ code: 0 });
    expect((await listed()).map(({ name }) => name)).toEqual([...plain, 'acme', 'fixed'].sort());
  });
});

describe('spillway tenants list and show', () => {
  it('show those of the policy and of the store, and an entry that cannot be used with its reason', async () => {
    await run('set', 'acme', '--weight', '4', '--plan', 'free');
    const store = new SqliteTenants({ folder, busyMs: 1_000 });
    store.set({ name: 'broken', entry: { plan: 'gone' }, changedMs: 0 });
    store.set({ name: 'fixed', entry: { weight: 9 }, changedMs: 0 });
    store.close();
    const { code, out, err } = await run('list');
    expect([code, err]).toEqual([0, '']);
    const lines = out.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^NAME +SET BY +PLAN +WEIGHT +PRIORITY +CHANGED +LIMITS$/);
    expect(lines[1]).toMatch(/^acme +store +free +4 +interactive +\d.* +2 in flight$/);
    expect(lines[2]).toMatch(/^broken +store +- +\? +\? +1970-01-01 00:00Z +cannot be used: plan: unknown plan "gone"/);
    expect(lines[3]).toMatch(/^fixed +policy +free +1 +interactive +- +2 in flight$/);
    expect(lines[4]).toMatch(/^fixed +store, not in force +- +9 /);
    expect(await listed()).toMatchObject([
      { name: 'acme', source: 'store', rules: { plan: 'free', weight: 4 }, shadowed: false },
      { name: 'broken', source: 'store', rules: null, faults: [expect.stringContaining('unknown plan')] },
      { name: 'fixed', source: 'policy', entry: null },
      { name: 'fixed', source: 'store', shadowed: true },
    ]);
    expect((await run('show', 'fixed')).out).toContain('fixed (set by the policy)\n  plan free');
    expect((await run('show', 'fixed')).out).toContain('not in force: the policy names it too');
    expect((await run('show', 'broken')).out).toContain('cannot be used: plan: unknown plan "gone"');
    expect(JSON.parse((await run('show', 'acme', '--json')).out)).toMatchObject({ name: 'acme', rules: { weight: 4 } });
  });

  it('say of an unknown one that it is none, and what its calls have', async () => {
    expect(await run('show', 'fixd')).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining(
        'No tenant "fixd" is set. Valid: fixed. Did you mean fixed?\nIts calls, if it has keys, have the defaults.',
      ),
    });
  });

  it('show texts that others wrote without what moves a cursor', async () => {
    const store = new SqliteTenants({ folder, busyMs: 1_000 });
    store.set({ name: 'a\u001b[2J\u202eb', entry: { models: ['x'] }, changedMs: 0 });
    store.close();
    expect((await run('list')).out).toContain('a?[2J?b');
  });
});

describe('spillway tenants remove', () => {
  it('removes, and says what it did not', async () => {
    await run('set', 'acme', '--weight', '4');
    await run('set', 'beta', '--weight', '4');
    expect(JSON.parse((await run('remove', 'acme', '--json')).out)).toEqual({ removed: ['acme'] });
    const said = await run('remove', 'acme', 'beta', 'fixed');
    expect([said.code, said.out]).toEqual([1, '']);
    expect(said.err).toContain('beta is removed;');
    expect(said.err).toContain('No tenant "acme" is set.');
    expect(said.err).toContain('fixed is set by the policy: remove it there.');
    expect((await listed()).map(({ name }) => name)).toEqual(['fixed']);
  });
});

describe('wrong calls and broken data', () => {
  it.each([
    [['nope'], 2, /Say first what to do: list, show, set, remove/],
    [['show'], 2, /takes one name of a tenant/],
    [['list', 'x'], 2, /takes nothing but flags/],
    [['remove'], 2, /one or more names/],
  ] as [string[], number, RegExp][])('%j', async ([action, ...args], code, text) => {
    expect(await run(action!, ...args)).toEqual({ code, out: '', err: expect.stringMatching(text) });
  });

  it('a broken file is said to be one, exit code 1, and left as it is', async () => {
    mkdirSync(folder);
    writeFileSync(join(folder, 'tenants.db'), 'not a database');
    for (const args of [['list'], ['set', 'acme', '--weight', '2'], ['remove', 'acme']]) {
      const said = await run(args[0]!, ...args.slice(1));
      expect([said.code, said.out]).toEqual([1, '']);
      expect(said.err).toMatch(/tenants\.db is (damaged|no store of tenants)/);
    }
  });

  it('a policy that is refused decides nothing, exit code 2', async () => {
    const bad = join(base, 'bad.yaml');
    writeFileSync(bad, 'version: 2\n');
    const said = await tenants(folder, bad, 'set', 'acme', '--weight', '2');
    expect(said).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining('The policy is refused, and nothing is done.'),
    });
  });

  it('without --policy the one last in force with the data decides, else the default one', async () => {
    expect(await tenants(folder, null, 'set', 'acme', '--plan', 'own')).toMatchObject({
      code: 1,
      err: expect.stringContaining('unknown plan "own". There is none.'),
    });
    mkdirSync(folder);
    writeFileSync(
      join(folder, 'last-good-policy.yaml'),
      'version: 1\npools: { a: { workers: [ { url: "http://a" } ] } }\nmodels: { m: { ladder: [ { pool: a } ] } }\nplans: { own: { weight: 3 } }\n',
    );
    expect(await tenants(folder, null, 'set', 'acme', '--plan', 'own')).toMatchObject({
      code: 0,
      out: expect.stringContaining('plan own, weight 3'),
    });
  });
});
