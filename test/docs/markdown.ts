// Reads what documents hold: links, headings, tables. For the tests of documents.
import { posix } from 'node:path';

/** Links of a document that lead to no file or no heading. Addresses on the web are not followed. */
export function brokenLinks(
  path: string,
  text: string,
  exists: (path: string) => boolean,
  read: (path: string) => string,
): string[] {
  const prose = text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '');
  const links = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]!);
  return links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [file, heading] = link.split('#', 2);
    const target = file === '' ? path : posix.normalize(posix.join(posix.dirname(path), file!));
    if (target !== path && !exists(target)) return true;
    if (heading === undefined) return false;
    return !anchors(target === path ? text : read(target)).includes(heading);
  });
}

function anchors(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map((match) =>
    match[1]!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** The text below a heading, up to the next of its level or above. Throws when there is none. */
export function sectionOf(text: string, heading: string): string {
  const lines = text.split('\n');
  const at = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '') === heading);
  if (at < 0) throw new Error(`No heading "${heading}".`);
  const level = /^#+/.exec(lines[at]!)![0].length;
  const rest = lines.slice(at + 1);
  const end = rest.findIndex((line) => (/^#+(?= )/.exec(line)?.[0].length ?? 9) <= level);
  return rest.slice(0, end < 0 ? rest.length : end).join('\n');
}

/** The cells below `title` in the first table that has it. Throws when there is none. */
export function tableColumn(text: string, title: string): string[] {
  const rows = text.split('\n').map((line) => (line.startsWith('|') ? cells(line) : null));
  const at = rows.findIndex((row) => row?.includes(title) === true);
  if (at < 0) throw new Error(`No table with a column "${title}".`);
  const column = rows[at]!.indexOf(title);
  const found: string[] = [];
  for (const row of rows.slice(at + 2)) {
    if (row === null) break;
    found.push(row[column] ?? '');
  }
  return found;
}

function cells(line: string): string[] {
  return line
    .replace(/^\||\|$/g, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());
}

/** What stands in backticks. */
export function codeSpans(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1]!);
}
