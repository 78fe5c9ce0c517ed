// Where secrets may stand in a policy, and how a reference becomes its value. For the loader.
import type { Path, Reporter } from './problems.ts';
import { SECRET_FORM, SECRET_MESSAGE } from './units.ts';

/** The machine's secrets. `file` rejects when it cannot read. */
export interface SecretSource {
  env(name: string): string | undefined;
  file(path: string): Promise<string>;
}

export function isReference(text: string): boolean {
  return SECRET_FORM.test(text);
}

const MAX_SECRET_LENGTH = 64 * 1024;

/** Keys whose text is a secret wherever they stand. */
const SECRET_KEYS: ReadonlySet<string> = new Set(['apiKey', 'modalKey', 'modalSecret']);

/** `unset`: there is nothing there, which is no mistake where a secret is optional. */
type Found = { readonly value: string } | { readonly problem: string; readonly unset: boolean };

/** The value behind `$NAME` or `$file:/path`, or what is wrong with it. A final line break is not part of a secret. */
async function resolveSecret(reference: string, source: SecretSource): Promise<Found> {
  let text: string | undefined;
  if (reference.startsWith('$file:')) {
    try {
      text = (await source.file(reference.slice('$file:'.length))).replace(/\r?\n$/, '');
    } catch (thrown) {
      const code = typeof thrown === 'object' && thrown !== null && 'code' in thrown ? thrown.code : undefined;
      if (code === 'ENOENT') return { problem: `${reference} is not there`, unset: true };
      return { problem: `${reference} cannot be read`, unset: false };
    }
    if (text === '') return { problem: `${reference} is empty`, unset: true };
  } else {
    const named = reference.slice(1);
    text = source.env(named);
    if (text === undefined) return { problem: `the environment variable ${named} is not set`, unset: true };
    if (text === '') return { problem: `the environment variable ${named} is empty`, unset: true };
  }
  if (text.length > MAX_SECRET_LENGTH || !/^[\t\x20-\x7e]+$/.test(text) || text.trim() !== text) {
    const problem = `${reference} holds line breaks, outer spaces or other characters that a header cannot carry`;
    return { problem, unset: false };
  }
  return { value: text };
}

type Loose = Readonly<Record<string, unknown>>;
type Finder = (text: string, path: Path) => void;

export interface ResolvedSecrets {
  /** By reference, as written. */
  readonly values: ReadonlyMap<string, string>;
  /** Optional providers with a secret that is not set, and what is missing. */
  readonly absent: ReadonlyMap<string, string>;
}

/** Resolves every reference, in the document as written, and reports those that cannot be. */
export async function resolveSecrets(raw: unknown, source: SecretSource, report: Reporter): Promise<ResolvedSecrets> {
  const { pools, providers, server } = (raw ?? {}) as Loose;
  const places: { readonly text: string; readonly path: Path; readonly isSecret: boolean }[] = [];
  const secretPlace: Finder = (text, path) => places.push({ text, path, isSecret: true });
  const headerPlace: Finder = (text, path) => places.push({ text, path, isSecret: false });
  for (const [section, value] of entriesOf({ pools, providers })) {
    eachSecret(value, [section], secretPlace);
    for (const [named, spec] of entriesOf(value)) {
      const path = [section, named];
      eachHeader(spec, path, headerPlace);
      for (const [index, worker] of entriesOf((spec as Loose | null)?.['workers']))
        eachHeader(worker, [...path, 'workers', Number(index)], headerPlace);
    }
  }
  const adminSecret = (server as Loose | null | undefined)?.['adminSecret'];
  if (typeof adminSecret === 'string') secretPlace(adminSecret, ['server', 'adminSecret']);

  const values = new Map<string, string>();
  const absent = new Map<string, string>();
  for (const { text, path, isSecret } of places) {
    if (!isReference(text)) {
      if (isSecret) report.problem(path, SECRET_MESSAGE);
      continue;
    }
    const found = await resolveSecret(text, source);
    if ('value' in found) values.set(text, found.value);
    else if (found.unset && isOptional(providers, path)) absent.set(String(path[1]), found.problem);
    else report.problem(path, found.problem);
  }
  return { values, absent };
}

function isOptional(providers: unknown, [section, named]: Path): boolean {
  const spec = section === 'providers' ? (providers as Loose)[named!] : undefined;
  return typeof spec === 'object' && spec !== null && (spec as Loose)['optional'] === true;
}

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

/** A header may have the name of a secret's key; it is found as one then. */
function eachHeader(spec: unknown, path: Path, found: Finder): void {
  for (const [header, value] of entriesOf((spec as Loose | null)?.['headers'])) {
    if (typeof value === 'string' && !SECRET_KEYS.has(header)) found(value, [...path, 'headers', header]);
  }
}

/** FNV-1a over the secrets that an entry refers to; empty when it refers to none. */
export function fingerprint(entry: unknown, secrets: ReadonlyMap<string, string>): string {
  let hash = 0x811c9dc5;
  let any = false;
  const visit = (value: unknown): void => {
    if (typeof value === 'object' && value !== null) for (const child of Object.values(value)) visit(child);
    const text = typeof value === 'string' ? secrets.get(value) : undefined;
    if (text === undefined) return;
    any = true;
    for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
    hash = Math.imul(hash ^ 0xff, 0x01000193);
  };
  visit(entry);
  return any ? ` ~${(hash >>> 0).toString(16)}` : '';
}

/** Calls back for every text under a key of a secret, however deep. */
function eachSecret(value: unknown, path: Path, found: Finder): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, child] of Object.entries(value)) {
    const childPath = [...path, Array.isArray(value) ? Number(key) : key];
    if (SECRET_KEYS.has(key) && typeof child === 'string') found(child, childPath);
    else eachSecret(child, childPath, found);
  }
}

/** A copy with every reference under a key of a secret replaced. Only plain lists and mappings are entered. */
export function withSecrets(value: unknown, secrets: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map((item) => withSecrets(item, secrets));
  if (typeof value !== 'object' || value === null) return value;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => [
      key,
      SECRET_KEYS.has(key) && typeof child === 'string' ? (secrets.get(child) ?? child) : withSecrets(child, secrets),
    ]),
  );
}

const SECRET_LIKE = /key|token|secret|password|authorization|cookie/i;

/** Texts that stand where secrets are put, rightly or by mistake: no message may show them. */
export function secretLikeTexts(raw: unknown): string[] {
  const texts: string[] = [];
  const walk = (value: unknown, suspect: boolean): void => {
    if (typeof value === 'string') {
      if (suspect && value.length >= 8 && !isReference(value)) texts.push(value);
    } else if (typeof value === 'object' && value !== null) {
      const isList = Array.isArray(value);
      for (const [key, child] of Object.entries(value))
        walk(child, isList ? suspect : SECRET_LIKE.test(key) || suspect);
    }
  };
  walk(raw, false);
  return texts.sort((a, b) => b.length - a.length);
}

export function masked(message: string, texts: readonly string[]): string {
  for (const text of texts) message = message.replaceAll(text, '***');
  return message;
}
