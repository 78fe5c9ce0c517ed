// A small volume of its own for a test, where the machine lets one be mounted. For tests of full and read-only disks.
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';

export interface Volume {
  readonly path: string;
  /** Nothing may be written from now on. False: somebody has a file open for writing. */
  seal(): void;
  end(): void;
}

const run = (command: string, ...args: readonly string[]) => void execFileSync(command, args, { stdio: 'pipe' });

/** Null: this machine does not let us. */
export function mountVolume(path: string, bytes: number): Volume | null {
  mkdirSync(path, { recursive: true });
  try {
    run('mount', '-t', 'tmpfs', '-o', `size=${bytes},mode=0700`, 'spillway-test', path);
  } catch {
    return null;
  }
  return {
    path,
    seal: () => run('mount', '-o', 'remount,ro', path),
    end: () => run('umount', '-l', path),
  };
}
