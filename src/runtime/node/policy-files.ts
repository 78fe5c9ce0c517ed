// Policy files and secrets on this machine's disk, and word of their changes. For entry/node.
import { type FSWatcher, watch } from 'node:fs';
import { mkdir, open, readdir, readFile, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Clock, Timer } from '../../core/runtime.ts';
import type { PolicyFiles } from '../../policy/documents.ts';
import type { SecretSource } from '../../policy/secrets.ts';

export const nodePolicyFiles: PolicyFiles = {
  async read(path, maxBytes) {
    const file = await open(path, 'r');
    try {
      const buffer = Buffer.alloc(maxBytes + 1);
      let length = 0;
      for (;;) {
        const { bytesRead } = await file.read(buffer, length, buffer.length - length, null);
        if (bytesRead === 0) break;
        length += bytesRead;
      }
      return buffer.toString('utf8', 0, length);
    } finally {
      await file.close();
    }
  },
  async list(folder) {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter((entry) => !entry.isDirectory()).map((entry) => entry.name);
  },
};

export function nodeSecrets(env: Readonly<Record<string, string | undefined>>): SecretSource {
  return {
    env: (name) => env[name],
    file: (path) => readFile(path, 'utf8'),
  };
}

/** Editors and orchestrators replace files in several steps; this much quiet makes one change of them. */
const QUIET_MS = 100;

export interface FileWatch {
  /** Watches these instead. A change that was noticed before is still told. */
  follow(paths: readonly string[]): void;
  close(): void;
}

/** An include may take in a new file, and orchestrators swap whole folders by a link whose name begins with "..". */
const MAY_MATTER = /\.ya?ml$|^\.\./i;

/**
 * Calls `changed` after any change of `paths`, or of what may come to be included, in their folders. Folders are watched,
 * since a file that is replaced by renaming is another file; a log that grows beside the policy is no change of it.
 */
export function watchFiles(paths: readonly string[], clock: Clock, changed: () => void): FileWatch {
  let timer: Timer | null = null;
  let closed = false;
  const watchers = new Map<string, FSWatcher>();
  let names: ReadonlySet<string> = new Set();
  const noticed = (_event: string, name: string | null) => {
    if (name !== null && !names.has(name) && !MAY_MATTER.test(name)) return;
    timer?.cancel();
    timer = clock.after(QUIET_MS, changed);
  };
  function follow(next: readonly string[]): void {
    if (closed) return;
    const folders = new Set(next.map((path) => dirname(path)));
    names = new Set(next.map((path) => basename(path)));
    for (const [folder, watcher] of watchers) {
      if (folders.has(folder)) continue;
      watcher.close();
      watchers.delete(folder);
    }
    for (const folder of folders) {
      if (!watchers.has(folder)) watchers.set(folder, watch(folder, { persistent: false }, noticed));
    }
  }
  follow(paths);
  return {
    follow,
    close() {
      closed = true;
      timer?.cancel();
      for (const watcher of watchers.values()) watcher.close();
    },
  };
}

/** Writes a file so that a crash leaves the old or the new one, readable by its owner alone. */
export async function replaceFile(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = join(dirname(path), `.${process.pid}.draft`);
  const file = await open(draft, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
}
