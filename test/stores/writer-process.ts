// A process that writes a ledger, started, listened to, killed. For tests of several processes.
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const WRITER = fileURLToPath(new URL('./ledger-writer.ts', import.meta.url));

export type Said = Readonly<Record<string, string | number | boolean | null>>;

export interface WriterProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<number | string | null>;
  /** Lines that were said whole. */
  said(): readonly Said[];
  /** Calls known to be durable. */
  durable(): number;
  errors(): string;
}

export function startWriter(folder: string, tenant: string, count: number, leaseMs = 30_000): WriterProcess {
  const args = [WRITER, folder, tenant, String(count), String(leaseMs)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const text = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    text.out += more;
  });
  child.stderr.setEncoding('utf8').on('data', (more: string) => {
    text.err += more;
  });
  const ended = new Promise<number | string | null>((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? signal)),
  );
  const said = () =>
    text.out
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Said);
  return {
    child,
    ended,
    said,
    durable: () => Number(said().findLast(({ event }) => event === 'durable')?.['written'] ?? 0),
    errors: () => text.err,
  };
}
