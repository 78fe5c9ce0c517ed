// Decides how `spillway keys` is run in tests without a process of its own: what it says is caught. For tests of entry/cli.
import { vi } from 'vitest';
import { keysCommand } from '../../src/entry/cli/keys.ts';

export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export async function keys(folder: string, action = '', ...args: string[]): Promise<Said> {
  const said = { out: '', err: '' };
  const caught = (stream: 'out' | 'err') => (text: string | Uint8Array) => {
    said[stream] += String(text);
    return true;
  };
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation(caught('out')),
    vi.spyOn(process.stderr, 'write').mockImplementation(caught('err')),
  ];
  try {
    const code = await keysCommand.run([action, '--data', folder, ...args]);
    return { code, ...said };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

export interface ListedKey {
  readonly id: string;
  readonly prefix: string;
  readonly tenant: string;
  readonly name: string;
  readonly models: readonly string[] | null;
  readonly routes: readonly string[] | null;
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
  readonly state: 'active' | 'expired' | 'revoked';
}

export async function listed(folder: string): Promise<readonly ListedKey[]> {
  return JSON.parse((await keys(folder, 'list', '--json')).out) as ListedKey[];
}

export async function made(folder: string, ...args: string[]): Promise<ListedKey & { readonly key: string }> {
  const { out } = await keys(folder, 'create', '--json', ...args);
  return JSON.parse(out) as ListedKey & { key: string };
}
