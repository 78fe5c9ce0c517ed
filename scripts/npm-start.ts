// Starts the router as a reader of the README does, by `npm start`, and ends it with all that it started. For the scripts
// that do what documents say.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Started {
  /** Where callers reach it. */
  readonly url: string;
  /** All that it printed so far, its log included. */
  said(): string;
  stop(): Promise<void>;
}

const START_MS = 30_000;

/** Answers when it listens and all demo workers are up. `args` are those of `serve`. */
export async function npmStart(args: readonly string[] = []): Promise<Started> {
  // A group of its own, so that what npm started ends with it.
  const child = spawn('npm', ['start', '--', ...args], { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let said = '';
  const exit = once(child, 'exit') as Promise<[number | null]>;
  async function stop(): Promise<void> {
    process.kill(-child.pid!, 'SIGTERM');
    const lateTimer = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), START_MS);
    await exit;
    clearTimeout(lateTimer);
  }
  const listening = new Promise<void>((resolve, reject) => {
    const fail = (what: string) => reject(new Error(`npm start ${what}:\n${said}`));
    const lateTimer = setTimeout(() => fail('took too long'), START_MS);
    // Read to its end, so that nothing blocks.
    const hear = (chunk: Buffer) => {
      said += chunk;
      if (!said.includes('Stop with Ctrl+C')) return;
      clearTimeout(lateTimer);
      resolve();
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.on('exit', () => {
      clearTimeout(lateTimer);
      fail('ended');
    });
  });
  try {
    await listening;
    await untilReady(/admin {3}(http:\S+)/.exec(said)![1]!);
    return { url: /listens on (http:\S+)/.exec(said)![1]!, said: () => said, stop };
  } catch (thrown) {
    if (child.exitCode === null) await stop();
    throw thrown;
  }
}

async function untilReady(statusUrl: string): Promise<void> {
  for (const untilMs = Date.now() + START_MS; Date.now() < untilMs; ) {
    const { pools } = (await (await fetch(statusUrl)).json()) as { pools: { condition: string }[] };
    if (pools.length > 0 && pools.every(({ condition }) => condition === 'ready')) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('The demo workers did not come up.');
}
