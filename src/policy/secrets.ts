// Where secrets may stand in a policy, and how a reference becomes its value. For the loader.
import type { Path } from './problems.ts';
import { SECRET_FORM } from './units.ts';

/** The machine's secrets. `file` rejects when it cannot read. */
export interface SecretSource {
  env(name: string): string | undefined;
  file(path: string): Promise<string>;
}

export function isReference(text: string): boolean {
  return SECRET_FORM.test(text);
}

const MAX_SECRET_LENGTH = 64 * 1024;

/** The value behind `$NAME` or `$file:/path`, or what is wrong with it. A final line break is not part of a secret. */
export async function resolveSecret(
  reference: string,
  source: SecretSource,
): Promise<{ readonly value: string } | { readonly problem: string }> {
  let text: string | undefined;
  if (reference.startsWith('$file:')) {
    try {
      text = (await source.file(reference.slice('$file:'.length))).replace(/\r?\n$/, '');
    } catch {
      return { problem: `${reference} cannot be read` };
    }
    if (text === '') return { problem: `${reference} is empty` };
  } else {
    text = source.env(reference.slice(1));
    if (text === undefined) return { problem: `the environment variable ${reference.slice(1)} is not set` };
    if (text === '') return { problem: `the environment variable ${reference.slice(1)} is empty` };
  }
  if (text.length > MAX_SECRET_LENGTH || !/^[\t\x20-\x7e]+$/.test(text) || text.trim() !== text) {
    return { problem: `${reference} holds line breaks, outer spaces or other characters that a header cannot carry` };
  }
  return { value: text };
}

/** Calls back for every text under a key `apiKey`, however deep. */
export function eachApiKey(value: unknown, path: Path, found: (text: string, path: Path) => void): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, child] of Object.entries(value)) {
    const childPath = [...path, Array.isArray(value) ? Number(key) : key];
    if (key === 'apiKey' && typeof child === 'string') found(child, childPath);
    else eachApiKey(child, childPath, found);
  }
}

/** A copy with every reference under a key `apiKey` replaced. Only plain lists and mappings are entered. */
export function withSecrets(value: unknown, secrets: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map((item) => withSecrets(item, secrets));
  if (typeof value !== 'object' || value === null) return value;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => [
      key,
      key === 'apiKey' && typeof child === 'string' ? (secrets.get(child) ?? child) : withSecrets(child, secrets),
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
