// A start on the saved policy: serves it, and takes up the mended file by itself. For entry/node.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { PolicyRefused, type RunningRouter, startRouter } from '../../src/entry/node.ts';
import { eventuallyHolds } from '../fakes/eventually.ts';
import { recordingLog } from '../fakes/recording-log.ts';

const policyOf = (model: string) =>
  `version: 1\npools: { one: { workers: [ { url: "http://127.0.0.1:9" } ] } }\nmodels: { ${model}: { class: chat, ladder: [ { pool: one } ] } }\n`;
const NOWHERE = { host: '127.0.0.1', port: 0 };

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'spillway-last-good-'));
  ends.push(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, 'data'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

async function start(folder: string, lastGood: boolean): Promise<RunningRouter> {
  const running = await startRouter({
    policyPath: join(folder, 'policy.yaml'),
    lastGood,
    listen: NOWHERE,
    admin: NOWHERE,
    data: join(folder, 'data'),
    env: {},
    launcher: { executable: process.execPath, args: [] },
    log: recordingLog(),
  });
  ends.push(() => running.close());
  return running;
}

const models = (running: RunningRouter) => running.router.models(null).map(({ id }) => id);

describe('--last-good', () => {
  it('F114 a broken file does not start, the saved policy does, and the mended file is taken up without a word', async () => {
    const folder = await folderWith({
      'policy.yaml': 'version: 1\nmodels: [',
      'data/last-good-policy.yaml': policyOf('saved'),
    });
    await expect(start(folder, false)).rejects.toThrow(PolicyRefused);
    const running = await start(folder, true);
    expect(models(running)).toEqual(['saved']);
    await writeFile(join(folder, 'policy.yaml'), policyOf('mended'));
    await eventuallyHolds(() => expect(models(running)).toEqual(['mended']));
  });

  it('F114 a file that is still broken leaves the saved policy in force', async () => {
    const folder = await folderWith({ 'policy.yaml': 'version: 2', 'data/last-good-policy.yaml': policyOf('saved') });
    const running = await start(folder, true);
    expect(await running.reload()).toBe(false);
    expect(models(running)).toEqual(['saved']);
  });
});
