// Decides how `spillway tenants` is run in tests without a process of its own: what it says is caught. For tests of entry/cli.
import { vi } from 'vitest';
import { tenantsCommand } from '../../src/entry/cli/tenants.ts';
import type { Said } from './keys-command.ts';

export async function tenants(folder: string, policy: string | null, action = '', ...args: string[]): Promise<Said> {
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
    const from = policy === null ? [] : ['--policy', policy];
    const code = await tenantsCommand.run([action, '--data', folder, ...from, ...args]);
    return { code, ...said };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
