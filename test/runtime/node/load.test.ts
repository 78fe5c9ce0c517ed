// Decides that memory and lateness are measured as they kill a process, and that a pressed process sheds and lives.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { oldGenerationBytes } from '../../../src/runtime/node/load.ts';
import { eventually } from '../../fakes/eventually.ts';
import { getBytes, postBytes, RawConnection, type RawResponse, rawRequest } from '../../fakes/raw-client.ts';
import type { Order, Report } from './pressed-process.ts';

const MIB = 1024 * 1024;
const OLD_MIB = 64;
const HELD_BYTES = 64 * 1024;
const BODY = { model: 'any', messages: [{ role: 'user', content: 'Hello' }] };

const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  }
});

async function start(guard: 'guarded' | 'unguarded', heap: boolean) {
  const child = fork(fileURLToPath(new URL('./pressed-process.ts', import.meta.url)), [guard, String(HELD_BYTES)], {
    execArgv: heap ? [`--max-old-space-size=${OLD_MIB}`, '--max-semi-space-size=2'] : [],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: { PATH: process.env['PATH'] ?? '' },
  });
  children.push(child);
  const gone = new AbortController();
  child.once('exit', () => gone.abort());
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  const told = async (order: Order): Promise<unknown> => {
    const answer = once(child, 'message', { signal: gone.signal });
    child.send(order);
    return (await answer)[0];
  };
  return {
    child,
    port,
    report: () => told({ ask: 'report' }) as Promise<Report>,
    block: (blockMs: number, times: number) => told({ ask: 'block', blockMs, times }),
  };
}

/** Callers come one after the other, some every few ms, and stay; the replies of those who were answered. */
async function flood(port: number, callers: number, enough: (refused: readonly RawResponse[]) => boolean) {
  const staying: RawConnection[] = [];
  const refused: RawResponse[] = [];
  let failed = 0;
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      if (staying.length >= callers || failed > 0 || enough(refused)) {
        clearInterval(timer);
        resolve();
        return;
      }
      RawConnection.connect(port).then(
        (connection) => {
          staying.push(connection);
          connection.write(postBytes('/v1/chat/completions', BODY));
          connection.readResponse(60_000).then(
            (response) => refused.push(response),
            () => failed++,
          );
        },
        () => failed++,
      );
    }, 6);
  });
  return { staying, refused, leave: () => staying.forEach((one) => void one.destroy()) };
}

describe('what the old generation may take', () => {
  const heap = (mib: number) => mib * MIB;

  it.each([
    ['as the command line says', 256, ['--max-old-space-size=64'], 64],
    ['in either spelling, the last one counts', 256, ['--max_old_space_size=32', '--max-old-space-size=64'], 64],
    ['else all but three semi-spaces of the usual size', 4288, [], 4096],
    ['or of the size that was asked for', 4144, ['--max-semi-space-size=16'], 4096],
    ['and never less than three quarters', 100, ['--max-heap-size=100'], 75],
    ['nor more than the heap', 256, ['--max-old-space-size=9999'], 256],
    ['whatever else is said', 4288, ['--max-old-space-size=0', '--max-old-space-size=x', ''], 4096],
  ])('%s', (_what, limitMib, flags, mib) => {
    expect(oldGenerationBytes(heap(limitMib), flags)).toBe(heap(mib));
  });
});

describe('a process short of memory', { timeout: 60_000 }, () => {
  it('F086 sheds all but health before memory runs out, closes connections, and serves again once it is free', async () => {
    const { child, port, report } = await start('guarded', true);
    const { refused, staying, leave } = await flood(port, 3_000, (all) => all.length >= 100);
    expect(child.exitCode).toBeNull();
    expect(staying.length).toBeLessThan(3_000);
    for (const response of refused) {
      expect(response.status).toBe(503);
      expect(JSON.parse(response.body.toString())).toMatchObject({ error: { code: 'server_is_overloaded' } });
      expect(Number(response.headers['retry-after'])).toBeGreaterThanOrEqual(5);
      expect(Number(response.headers['retry-after'])).toBeLessThanOrEqual(10);
      expect(response.headers['connection']).toBe('close');
    }
    const pressed = await report();
    expect(pressed.step).toBe(5);
    expect(pressed.steps).toEqual([...pressed.steps].sort());
    expect(pressed.held).toBeGreaterThan(200);
    expect((await rawRequest(port, getBytes('/healthz'))).status).toBe(200);
    expect((await rawRequest(port, getBytes('/v1/models'))).status).toBe(503);
    const anthropic = await rawRequest(port, postBytes('/v1/messages', BODY));
    expect(anthropic.status).toBe(529);
    expect(JSON.parse(anthropic.body.toString())).toMatchObject({ type: 'error', error: { type: 'overloaded_error' } });
    leave();
    await eventually(async () => (await report()).step < 5, { deadlineMs: 20_000, what: 'the first step is left' });
    const back = await RawConnection.connect(port);
    back.write(postBytes('/v1/chat/completions', BODY));
    await eventually(async () => (await report()).held === 1, { what: 'a call is served again' });
    back.destroy();
    expect(child.exitCode).toBeNull();
  });

  it('F086 without the ladder the same flood ends the process', async () => {
    const { child, port } = await start('unguarded', true);
    const ended = once(child, 'exit');
    const { leave } = await flood(port, 3_000, () => child.exitCode !== null || child.signalCode !== null);
    const [code, signal] = (await ended) as [number | null, string | null];
    expect([code, signal]).not.toEqual([0, null]);
    leave();
  });
});

describe('a process whose event loop is blocked', { timeout: 60_000 }, () => {
  it('F087 climbs while the loop is late, the higher the later it is; short stalls are nothing', async () => {
    const { block, report } = await start('guarded', false);
    await block(80, 10);
    expect((await report()).steps).toEqual([]);
    await block(300, 6);
    expect((await report()).steps[0]).toBe(1);
    await block(900, 4);
    expect((await report()).step).toBeGreaterThanOrEqual(2);
  });
});
