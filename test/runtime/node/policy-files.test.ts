// Decides how policy files are read, noticed when they change, and replaced. For entry/node and for operators' editors.

import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeClock } from '../../../src/runtime/node/machine.ts';
import { nodePolicyFiles, nodeSecrets, replaceFile, watchFiles } from '../../../src/runtime/node/policy-files.ts';
import { eventually } from '../../fakes/eventually.ts';
import { VirtualClock } from '../../fakes/virtual-clock.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spillway-files-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('reading', () => {
  it('gives the whole text, and of a file that is too large just enough to tell', async () => {
    const path = join(folder, 'policy.yaml');
    await writeFile(path, 'version: 1 # ö\n');
    expect(await nodePolicyFiles.read(path, 1_000)).toBe('version: 1 # ö\n');
    await writeFile(path, 'x'.repeat(10_000));
    expect(await nodePolicyFiles.read(path, 100)).toBe('x'.repeat(101));
    await writeFile(path, '');
    expect(await nodePolicyFiles.read(path, 100)).toBe('');
  });

  it('says what is missing', async () => {
    await expect(nodePolicyFiles.read(join(folder, 'nope'), 10)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(nodePolicyFiles.read(folder, 10)).rejects.toMatchObject({ code: 'EISDIR' });
    await expect(nodePolicyFiles.list(join(folder, 'nope'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('lists files and links, not folders', async () => {
    await mkdir(join(folder, 'sub'));
    await writeFile(join(folder, 'a.yaml'), '');
    await symlink(join(folder, 'a.yaml'), join(folder, 'b.yaml'));
    expect([...(await nodePolicyFiles.list(folder))].sort()).toEqual(['a.yaml', 'b.yaml']);
  });

  it('takes secrets from the environment given and from files', async () => {
    await writeFile(join(folder, 'key'), 'secret\n');
    const secrets = nodeSecrets({ KEY: 'value' });
    expect(secrets.env('KEY')).toBe('value');
    expect(secrets.env('PATH')).toBeUndefined();
    expect(await secrets.file(join(folder, 'key'))).toBe('secret\n');
  });
});

describe('replacing', () => {
  it('leaves one file, readable by its owner alone, whatever stood there', async () => {
    const path = join(folder, 'data', 'last-good.yaml');
    for (const text of ['one', 'two longer', '', 'three']) {
      await replaceFile(path, text);
      expect(await readFile(path, 'utf8')).toBe(text);
      expect((await stat(path)).mode & 0o777).toBe(0o600);
    }
    expect((await stat(join(folder, 'data'))).mode & 0o777).toBe(0o700);
    expect(await readdir(join(folder, 'data'))).toEqual(['last-good.yaml']);
  });

  it('shows a reader the old or the new text, never a part', async () => {
    const path = join(folder, 'policy.yaml');
    const texts = ['a', 'b'].map((letter) => letter.repeat(200_000));
    await replaceFile(path, texts[0]!);
    let writing = true;
    const reading = (async () => {
      let reads = 0;
      for (; writing; reads++) expect(texts).toContain(await readFile(path, 'utf8'));
      return reads;
    })();
    for (let i = 1; i <= 30; i++) await replaceFile(path, texts[i % 2]!);
    writing = false;
    expect(await reading).toBeGreaterThan(10);
  });

  it('fails where it cannot write, and leaves what was there', async () => {
    const path = join(folder, 'file');
    await writeFile(path, 'old');
    await expect(replaceFile(join(path, 'below'), 'new')).rejects.toThrow();
    expect(await readFile(path, 'utf8')).toBe('old');
  });
});

describe('watching', () => {
  /** Counts changes; the clock is the machine's, since the news come from the kernel. */
  function watched(paths: readonly string[]) {
    let changes = 0;
    const watching = watchFiles(paths, nodeClock, () => changes++);
    const next = async (act: () => Promise<unknown>) => {
      const before = changes;
      await act();
      await eventually(() => changes > before);
    };
    return { watching, next, changes: () => changes };
  }

  it('notices a file that is written, replaced by renaming, removed, and made anew', async () => {
    const path = join(folder, 'policy.yaml');
    await writeFile(path, 'one');
    const { watching, next } = watched([path]);
    await next(() => writeFile(path, 'two'));
    await next(() => replaceFile(path, 'three'));
    await next(async () => {
      await writeFile(`${path}.new`, 'four');
      await rename(`${path}.new`, path);
    });
    await next(() => rm(path));
    await next(() => writeFile(path, 'five'));
    watching.close();
  });

  it('notices changes in every folder that holds one of the files', async () => {
    await mkdir(join(folder, 'models'));
    const paths = [join(folder, 'policy.yaml'), join(folder, 'models', 'a.yaml')];
    for (const path of paths) await writeFile(path, '');
    const { watching, next } = watched(paths);
    for (const path of paths) await next(() => writeFile(path, 'changed'));
    watching.close();
  });

  it('takes several steps in short succession for one change, told after the quiet time', async () => {
    const path = join(folder, 'policy.yaml');
    await writeFile(path, 'one');
    const clock = new VirtualClock();
    let changes = 0;
    const watching = watchFiles([path], clock, () => changes++);
    for (let i = 0; i < 5; i++) await writeFile(path, `text ${i}`);
    await eventually(() => clock.pending === 1);
    expect(changes).toBe(0);
    clock.advance(99);
    expect(changes).toBe(0);
    clock.advance(1);
    expect(changes).toBe(1);
    watching.close();
    expect(clock.pending).toBe(0);
  });

  it('takes no notice of other files beside them, a growing log among them, but of what may be included', async () => {
    const path = join(folder, 'policy.txt');
    await writeFile(path, 'one');
    const clock = new VirtualClock();
    let changes = 0;
    const watching = watchFiles([path], clock, () => changes++);
    for (let i = 0; i < 5; i++) await writeFile(join(folder, 'router.log'), `line ${i}`);
    await writeFile(join(folder, 'models.yaml'), '');
    // News come in order, so what is told of the second file would have been told of the first.
    await eventually(() => clock.pending === 1);
    clock.advance(100);
    expect(changes).toBe(1);
    await writeFile(join(folder, 'router.log'), 'more');
    await writeFile(path, 'two');
    await eventually(() => clock.pending === 1);
    clock.advance(100);
    expect(changes).toBe(2);
    watching.close();
  });

  it('is silent once closed, also about what came just before', async () => {
    const path = join(folder, 'policy.yaml');
    await writeFile(path, 'one');
    const clock = new VirtualClock();
    let changes = 0;
    const watching = watchFiles([path], clock, () => changes++);
    await writeFile(path, 'two');
    await eventually(() => clock.pending === 1);
    watching.close();
    expect(clock.pending).toBe(0);
    await writeFile(path, 'three');
    clock.advance(10_000);
    expect(changes).toBe(0);
  });
});
