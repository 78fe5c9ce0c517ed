// Finds the tests that name a fault row and writes the table of rows, tests and state. For docs/faults.md.
import { readdirSync, readFileSync } from 'node:fs';
import type { FaultRow, FaultSection } from './fault-rows.ts';

export interface NamedTest {
  /** Below test/. */
  readonly file: string;
  readonly ids: readonly string[];
  readonly name: string;
}

/** A test's or group's name that begins with row ids: `it('F058 F059 a cut stream …'`. Skipped ones prove nothing. */
const NAME =
  /(?:\b(?:it|test|describe)(?:\.\w+)*\(|\)\()\s*(?:'((?:F\d{3},? )+(?:[^'\\\n]|\\.)*)'|"((?:F\d{3},? )+(?:[^"\\\n]|\\.)*)"|`((?:F\d{3},? )+(?:[^`\\]|\\.)*)`)/g;

export function namedTests(file: string, text: string): readonly NamedTest[] {
  const found: NamedTest[] = [];
  for (const match of text.matchAll(NAME)) {
    if (/\.(?:skip|todo|fails)\b/.test(match[0].split('(', 1)[0]!)) continue;
    const whole = (match[1] ?? match[2] ?? match[3])!;
    const head = /^(?:F\d{3},? )+/.exec(whole)![0];
    const name = whole
      .slice(head.length)
      .replace(/\$\{[^}]*\}/g, '…')
      .replace(/\\(.)/g, '$1');
    found.push({ file, ids: head.match(/F\d{3}/g)!, name });
  }
  return found;
}

export function allNamedTests(folder: URL): readonly NamedTest[] {
  return (
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .map((path) => path.replaceAll('\\', '/'))
      // What is in fakes/ tests the fakes.
      .filter((path) => path.endsWith('.test.ts') && !path.startsWith('fakes/'))
      .sort()
      .flatMap((path) => namedTests(path, readFileSync(new URL(path, folder), 'utf8')))
  );
}

const STATES = ['proven', 'in part', 'waived', 'open'] as const;
type State = (typeof STATES)[number];

function stateOf({ note }: FaultRow, tests: number): { state: State; text: string } {
  if (note?.kind === 'waived') return { state: 'waived', text: `waived: ${note.text}` };
  if (tests === 0) {
    if (note === null) return { state: 'open', text: 'open: no test names it yet' };
    const text = note.kind === 'later' ? `open: not in this version (${note.text})` : `open: ${note.text}`;
    return { state: 'open', text };
  }
  return note === null ? { state: 'proven', text: 'proven' } : { state: 'in part', text: `in part: ${noteText(note)}` };
}

function noteText(note: NonNullable<FaultRow['note']>): string {
  return note.kind === 'later' ? `${note.text} not in this version` : note.text;
}

/** Throws when a test names a row that is not there. */
export function faultsDocument(sections: readonly FaultSection[], tests: readonly NamedTest[]): string {
  const byId = new Map<string, NamedTest[]>();
  for (const { rows } of sections) for (const { id } of rows) byId.set(id, []);
  for (const test of tests) {
    for (const id of new Set(test.ids)) {
      const list = byId.get(id);
      if (list === undefined) throw new Error(`${test.file} names ${id}, which is no row of scripts/fault-rows.ts.`);
      list.push(test);
    }
  }
  const counts: Record<State, number> = { proven: 0, 'in part': 0, waived: 0, open: 0 };
  const body: string[] = [];
  for (const { title, rows } of sections) {
    body.push('', `## ${title}`, '', '| Id | Fault | Expected | Tests | State |', '|---|---|---|---|---|');
    for (const row of rows) {
      const named = byId.get(row.id)!;
      const { state, text } = stateOf(row, named.length);
      counts[state]++;
      body.push(`| ${[row.id, row.fault, row.expected, testCell(named), text].join(' | ')} |`);
    }
  }
  const total = STATES.reduce((sum, state) => sum + counts[state], 0);
  const summary = STATES.map((state) => `${counts[state]} ${state}`).join(', ');
  return `${[
    '# Faults',
    '',
    'What the router is to survive, what is expected of it, and the tests that prove it: their names begin with the id of',
    'the row. Generated from `scripts/fault-rows.ts` and the names of tests by `npm run generate`; do not edit.',
    '',
    `Of ${total} rows: ${summary}.`,
    ...body,
  ].join('\n')}\n`;
}

/** Tests by file; a name that stands several times in a file is said once. */
function testCell(tests: readonly NamedTest[]): string {
  const files = new Map<string, Set<string>>();
  for (const { file, name } of tests) files.set(file, (files.get(file) ?? new Set()).add(name));
  return [...files].map(([file, names]) => `\`${file}\`: ${[...names].map(escaped).join('; ')}`).join('<br>');
}

function escaped(text: string): string {
  return text.replace(/[|<>`*\\]/g, (sign) => `\\${sign}`).replace(/\s+/g, ' ');
}
