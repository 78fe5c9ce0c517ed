// Names what failed in vitest's JSON reports, sums them into one line, and fails when anything failed or nothing ran. For .ci/run.
import { existsSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  /** Skipped, to do, or never reached. */
  readonly unproven: number;
}

/** What one report says. A suite that could not be loaded counts as one failure. Throws on anything else than a report. */
export function countsOf(text: string): Counts {
  const report = JSON.parse(text) as Record<string, unknown>;
  const number = (key: string): number => {
    const value = report[key];
    if (typeof value !== 'number') throw new Error(`No test report: "${key}" is missing.`);
    return value;
  };
  const suites = report['testResults'];
  if (!Array.isArray(suites)) throw new Error('No test report: "testResults" is missing.');
  const unloaded = suites.filter(
    (suite: { status?: string; assertionResults?: readonly unknown[] }) =>
      suite.status === 'failed' && suite.assertionResults?.length === 0,
  ).length;
  return {
    passed: number('numPassedTests'),
    failed: number('numFailedTests') + unloaded,
    unproven: number('numPendingTests') + number('numTodoTests'),
  };
}

interface ReportedSuite {
  readonly name?: string;
  readonly status?: string;
  readonly message?: string;
  readonly assertionResults?: readonly {
    readonly status?: string;
    readonly fullName?: string;
    readonly failureMessages?: readonly string[];
  }[];
}

/** Each failure by file and name with the start of what it said, in few enough lines to stand at the end of a log. */
export function failuresOf(text: string): string[] {
  const { testResults } = JSON.parse(text) as { testResults: readonly ReportedSuite[] };
  const start = (said: string) => said.split('\n').slice(0, 12).join('\n  ').slice(0, 800);
  return testResults.flatMap(({ name = '', status, message = '', assertionResults = [] }) => {
    const failed = assertionResults.filter((test) => test.status === 'failed');
    if (failed.length === 0) return status === 'failed' ? [`FAILED ${name}\n  ${start(message)}`] : [];
    return failed.map((test) => `FAILED ${name}: ${test.fullName}\n  ${start(test.failureMessages?.[0] ?? '')}`);
  });
}

export function sumOf(all: readonly Counts[]): Counts {
  return {
    passed: all.reduce((sum, { passed }) => sum + passed, 0),
    failed: all.reduce((sum, { failed }) => sum + failed, 0),
    unproven: all.reduce((sum, { unproven }) => sum + unproven, 0),
  };
}

/** Skipped tests fail: what is not proven is not passed over. */
export function isGood({ passed, failed, unproven }: Counts): boolean {
  return passed > 0 && failed === 0 && unproven === 0;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const paths = process.argv.slice(2);
  const reports = paths.filter((path) => existsSync(path)).map((path) => readFileSync(path, 'utf8'));
  for (const failure of reports.flatMap(failuresOf)) console.log(failure);
  // A run that left no report has failed.
  const missing: Counts = { passed: 0, failed: paths.length - reports.length, unproven: 0 };
  const sum = sumOf([...reports.map(countsOf), missing]);
  if (sum.unproven > 0) console.log(`${sum.unproven} skipped`);
  console.log(`${sum.passed} passed, ${sum.failed} failed`);
  process.exitCode = paths.length > 0 && isGood(sum) ? 0 : 1;
}
