// The admin secret as the environment gives it, to the router that asks for it and to commands that send it. For entry.
import { readFileSync } from 'node:fs';
import { AddressRefused } from './bind.ts';

export type Env = Readonly<Record<string, string | undefined>>;

/** What a header can carry as one word. */
const WORD = /^[\x21-\x7e]{1,4096}$/;

/** Null when neither variable is set. One that is set and holds no secret is refused: it was meant to guard something. */
export function environmentSecret(env: Env): string | null {
  const file = env['SPILLWAY_ADMIN_SECRET_FILE'];
  if (file !== undefined && file !== '') return word(fileText(file), 'The file of SPILLWAY_ADMIN_SECRET_FILE');
  const text = env['SPILLWAY_ADMIN_SECRET'];
  return text === undefined || text === '' ? null : word(text, 'SPILLWAY_ADMIN_SECRET');
}

function fileText(file: string): string {
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (thrown) {
    const { code = 'unreadable' } = thrown as NodeJS.ErrnoException;
    throw new AddressRefused(`The file of SPILLWAY_ADMIN_SECRET_FILE cannot be read (${code}).`);
  }
}

function word(text: string, what: string): string {
  if (WORD.test(text)) return text;
  throw new AddressRefused(`${what} must hold one word of visible ASCII, at most 4096 characters.`);
}
