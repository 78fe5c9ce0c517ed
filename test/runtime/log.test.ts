// What stands in the log of a router on Node: one JSON object a line, and no more than was asked for. For runtime/node/log.
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createNodeLog, type NodeLog } from '../../src/runtime/node/log.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

async function written(
  level: 'none' | 'summary' | 'debug',
  write: (log: NodeLog) => void,
): Promise<Record<string, unknown>[]> {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-log-'));
  folders.push(folder);
  const path = join(folder, 'log');
  const descriptor = openSync(path, 'w');
  const log = createNodeLog(level, descriptor);
  write(log);
  await log.flush();
  closeSync(descriptor);
  const lines = readFileSync(path, 'utf8').split('\n');
  expect(lines.pop()).toBe('');
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

function writeAll(log: NodeLog): void {
  log.debug('small', { step: 1 });
  log.info('bare');
  log.info('nothing known', { code: undefined });
  log.info('call', { id: 'a "quoted"\nname', rung: 2, code: undefined, degraded: null });
  log.warn('bare');
  log.error('fault', { name: 'TypeError' });
}

describe('the log on Node', () => {
  it('writes one JSON object a line, with or without fields', async () => {
    const lines = await written('debug', writeAll);
    expect(lines.map(({ event }) => event)).toEqual(['small', 'bare', 'nothing known', 'call', 'bare', 'fault']);
    expect(lines.map(({ level }) => level)).toEqual([20, 30, 30, 30, 40, 50]);
    expect(lines[1]).not.toHaveProperty('code');
    expect(lines[3]).toMatchObject({ id: 'a "quoted"\nname', rung: 2, degraded: null });
    expect(lines[3]).not.toHaveProperty('code');
    for (const { time } of lines) expect(Math.abs(Number(time) - Date.now())).toBeLessThan(60_000);
  });

  it('keeps to its level', async () => {
    expect((await written('summary', writeAll)).map(({ level }) => level)).toEqual([30, 30, 30, 40, 50]);
    expect((await written('none', writeAll)).map(({ level }) => level)).toEqual([40, 50]);
  });
});
