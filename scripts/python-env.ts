// Makes a virtual environment with the packages of some requirement files, and removes it. For scripts that run Python.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { run } from './child.ts';

export interface PythonEnvironment {
  /** A PATH on which `python` and `pip` are those of the environment. */
  readonly path: string;
  remove(): void;
}

/** By the machine's own Python, 3.11 or newer; without it, or without its venv, this fails. */
export async function pythonEnvironment(root: string, requirements: readonly string[]): Promise<PythonEnvironment> {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-python-'));
  const machine = process.env['PATH'] ?? '';
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    await run('python3', ['-m', 'venv', folder], { cwd: root, path: machine });
    const path = `${join(folder, 'bin')}${delimiter}${machine}`;
    const files = requirements.flatMap((file) => ['-r', file]);
    if (files.length > 0) await run('pip', ['install', '--quiet', ...files], { cwd: root, path });
    return { path, remove };
  } catch (thrown) {
    remove();
    throw thrown;
  }
}
