// The table of faults counts what tests really claim, and the counter of test reports hides no failure. For maintainers.
import { describe, expect, it } from 'vitest';
import { countsOf, failuresOf, isGood, sumOf } from '../../scripts/count.ts';
import { errorsDocument } from '../../scripts/errors.ts';
import { FAULT_SECTIONS, readRows } from '../../scripts/fault-rows.ts';
import { faultsDocument, namedTests } from '../../scripts/faults.ts';
import { curlLines } from '../../scripts/readme.ts';
import { ERROR_CODES } from '../../src/core/errors.ts';

/** Ids are written with a # in here, so that these samples are not taken for proofs themselves. */
const real = (text: string) => text.replaceAll('#', 'F');
const names = (text: string) => namedTests('a.test.ts', real(text)).map(({ ids, name }) => `${ids.join('+')}: ${name}`);

describe('the table of faults', () => {
  it('has the rows F001 to F135, each once and in order', () => {
    const ids = FAULT_SECTIONS.flatMap(({ rows }) => rows.map(({ id }) => id));
    expect(ids).toEqual(Array.from({ length: 135 }, (_, at) => `F${String(at + 1).padStart(3, '0')}`));
  });

  it('finds names in every form of test', () => {
    expect(names("it('#001 one thing', () => {});")).toEqual(['F001: one thing']);
    expect(names(`it(\`#002 #003 after ${'$'}{n} events\`, f);`)).toEqual(['F002+F003: after … events']);
    expect(names("it.each([\n  1,\n])(\n  '#004, #005 case %i',\n  f);")).toEqual(['F004+F005: case %i']);
    expect(names('describe("#006 a group", f);')).toEqual(['F006: a group']);
    expect(names("it.concurrent('#007 don\\'t stop', f);")).toEqual(["F007: don't stop"]);
  });

  it('counts neither skipped tests nor mentions', () => {
    for (const text of [
      "it.skip('#001 x', f);",
      "it.todo('#001 x');",
      "describe.skip('#001 x', f);",
      "// it says #001 x\nconst row = '#001 x';",
      "it('takes #001 x', f);",
      "it('#01 x', f);",
    ]) {
      expect(names(text), text).toEqual([]);
    }
  });

  const sections = [
    {
      title: 'One',
      rows: readRows(
        'F001 | a | b\nF002 | a | b | later: keys\nF003 | a | b | rest: c\nF004 | a | b | waived: d\nF005 | a | b',
      ),
    },
  ];

  it('tells proven, in part, waived and open apart', () => {
    const tests = namedTests('x.test.ts', real("it('#001 #003 holds', f); it('#001 holds | too', f);"));
    const text = faultsDocument(sections, tests);
    expect(text).toContain('Of 5 rows: 1 proven, 1 in part, 1 waived, 2 open.');
    expect(text).toContain('| F001 | a | b | `x.test.ts`: holds; holds \\| too | proven |');
    expect(text).toContain('| F002 | a | b |  | open: not in this version (keys) |');
    expect(text).toContain('| F003 | a | b | `x.test.ts`: holds | in part: c |');
    expect(text).toContain('| F004 | a | b |  | waived: d |');
    expect(text).toContain('| F005 | a | b |  | open: no test names it yet |');
  });

  it('refuses a test that names a row which is not there, and a row that is none', () => {
    expect(() => faultsDocument(sections, namedTests('x.test.ts', real("it('#099 holds', f);")))).toThrow('F099');
    for (const row of ['F1 | a | b', 'F001 | a', 'F001 | a | b | maybe: c', 'F001 | a | b | later: c | d']) {
      expect(() => readRows(row), row).toThrow();
    }
  });
});

describe('docs/errors.md', () => {
  it('has a row for each code, with its status', () => {
    const text = errorsDocument();
    for (const [code, { status, type }] of Object.entries(ERROR_CODES)) {
      expect(text).toContain(`| ${status} | \`${code}\` | \`${type}\` |`);
    }
  });
});

describe('the counter of test reports', () => {
  const report = (fields: Record<string, unknown>) =>
    JSON.stringify({
      numPassedTests: 3,
      numFailedTests: 0,
      numPendingTests: 0,
      numTodoTests: 0,
      testResults: [{ status: 'passed', assertionResults: [{}, {}, {}] }],
      ...fields,
    });

  it('sums reports', () => {
    const sum = sumOf([countsOf(report({})), countsOf(report({ numPassedTests: 4, numFailedTests: 1 }))]);
    expect(sum).toEqual({ passed: 7, failed: 1, unproven: 0 });
    expect(isGood(sum)).toBe(false);
    expect(isGood(countsOf(report({})))).toBe(true);
  });

  it('counts a suite that could not be loaded as a failure', () => {
    const unloaded = report({ testResults: [{ status: 'failed', assertionResults: [] }] });
    expect(countsOf(unloaded)).toEqual({ passed: 3, failed: 1, unproven: 0 });
  });

  it('names each failure with the start of what it said', () => {
    const failing = report({
      testResults: [
        { name: 'a.test.ts', status: 'failed', message: 'cannot find module', assertionResults: [] },
        {
          name: 'b.test.ts',
          status: 'failed',
          assertionResults: [
            { status: 'passed', fullName: 'good' },
            { status: 'failed', fullName: 'bad', failureMessages: [`expected 1\n${'x\n'.repeat(99)}`] },
          ],
        },
        { name: 'c.test.ts', status: 'passed', assertionResults: [{ status: 'passed' }] },
      ],
    });
    const failures = failuresOf(failing);
    expect(failures).toHaveLength(2);
    expect(failures[0]).toBe('FAILED a.test.ts\n  cannot find module');
    expect(failures[1]).toMatch(/^FAILED b\.test\.ts: bad\n {2}expected 1\n/);
    expect(failures[1]!.split('\n').length).toBeLessThanOrEqual(13);
  });

  it('takes neither skipped tests nor empty runs nor other files for a success', () => {
    expect(isGood(countsOf(report({ numPendingTests: 1 })))).toBe(false);
    expect(isGood(countsOf(report({ numTodoTests: 1 })))).toBe(false);
    expect(isGood(countsOf(report({ numPassedTests: 0 })))).toBe(false);
    expect(() => countsOf('{}')).toThrow();
    expect(() => countsOf('')).toThrow();
  });
});

describe('the check of the README', () => {
  it('finds the curl lines of sh blocks, continued lines joined', () => {
    const text = '```sh\n# first\nnpm ci\ncurl http://a \\\n  -d 1\n```\n\ncurl not this\n\n```yaml\ncurl: no\n```\n';
    expect(curlLines(text)).toEqual(['curl http://a -d 1']);
  });
});
