// Brings demo workers up as processes of their own and keeps them up. For entry/node, as the worker plug-in `demo`.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { RERANK_FORMS } from '../core/names.ts';
import type { Plugin } from '../core/plugin.ts';
import type { Clock, Timer } from '../core/runtime.ts';
import type { WorkerSource } from '../core/worker.ts';
import { duration } from '../policy/units.ts';
import { WORKER_KINDS } from './options.ts';

const count = (text: string) => z.number().int().min(0).optional().describe(text);

const options = z.strictObject({
  demo: z.enum(WORKER_KINDS).describe('What the demo worker serves.'),
  model: z.string().min(1).max(256).optional().describe("Model name it answers to; default the pool's `serves`."),
  startUp: duration().optional().describe('Time to load its model; default 0ms.'),
  prefillTokensPerSecond: count('Prefill rate, tokens per second; 0 = instantly, default 50000.'),
  decodeTokensPerSecond: count('Decode rate per stream, tokens per second; 0 = instantly, default 200.'),
  maxNumSeqs: count('Calls it runs at once; default 16.'),
  maxNumQueuedReqs: count('Calls it lets wait; default 256.'),
  maxModelLen: count('Context, tokens; default 32768.'),
  rerankForm: z.enum(RERANK_FORMS).optional().describe('How a rerank worker looks from outside; default vllm.'),
});

export type DemoSourceOptions = z.output<typeof options>;

/** What a source is told of the pool that it serves. */
export interface PoolIdentity {
  readonly pool: string;
  readonly serves: string;
}

/** How a process of this program is started: the executable and its first arguments. */
export interface Launcher {
  readonly executable: string;
  readonly args: readonly string[];
}

/** Prior of the time from start to listening, ms. */
const START_MS = 400;
const RESTART_MS = 1_000;
const KILL_MS = 3_000;

/** The worker plug-in `demo`, bound to a way to start this program again as `demo-worker`. */
export function demoPlugin(launcher: Launcher, clock: Clock): Plugin<DemoSourceOptions, PoolIdentity, WorkerSource> {
  return { name: 'demo', options, create: (given, pool) => new DemoSource(launcher, clock, argsOf(given, pool)) };
}

function argsOf(given: DemoSourceOptions, pool: PoolIdentity): string[] {
  const args = ['demo-worker', '--exit-with-parent', '--kind', given.demo, '--model', given.model ?? pool.serves];
  const flags: Readonly<Record<string, number | string | undefined>> = {
    'start-up-ms': given.startUp,
    'prefill-tokens-per-second': given.prefillTokensPerSecond,
    'decode-tokens-per-second': given.decodeTokensPerSecond,
    'max-num-seqs': given.maxNumSeqs,
    'max-num-queued-reqs': given.maxNumQueuedReqs,
    'max-model-len': given.maxModelLen,
    'rerank-form': given.rerankForm,
  };
  for (const [flag, value] of Object.entries(flags)) if (value !== undefined) args.push(`--${flag}`, String(value));
  return args;
}

/** One child process. It ends with us: its standard input is a pipe that closes when this process does, however it dies. */
class DemoSource implements WorkerSource {
  readonly expectedReadyMs: number;
  readonly #launcher: Launcher;
  readonly #clock: Clock;
  readonly #args: readonly string[];
  #child: ChildProcess | null = null;
  #restart: Timer | null = null;
  #stopping = false;

  constructor(launcher: Launcher, clock: Clock, args: readonly string[]) {
    this.#launcher = launcher;
    this.#clock = clock;
    this.#args = args;
    const startUp = args.indexOf('--start-up-ms');
    this.expectedReadyMs = START_MS + (startUp < 0 ? 0 : Number(args[startUp + 1]));
  }

  start(at: (url: string | null) => void): void {
    if (this.#child !== null || this.#stopping) return;
    const { executable, args } = this.#launcher;
    // A group of its own: Ctrl+C in a terminal reaches the router alone, which then lets calls in flight end.
    const child = spawn(executable, [...args, ...this.#args], { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
    this.#child = child;
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const url = listeningOf(line);
      if (url !== null && !this.#stopping) at(url);
    });
    const gone = () => {
      if (this.#child !== child) return;
      this.#child = null;
      if (this.#stopping) return;
      at(null);
      this.#restart = this.#clock.after(RESTART_MS, () => this.start(at));
    };
    child.on('exit', gone);
    child.on('error', gone);
  }

  stop(): Promise<void> {
    this.#stopping = true;
    this.#restart?.cancel();
    const child = this.#child;
    if (child === null || child.exitCode !== null) return Promise.resolve();
    return new Promise((resolve) => {
      const kill = this.#clock.after(KILL_MS, () => child.kill('SIGKILL'));
      child.once('exit', () => {
        kill.cancel();
        resolve();
      });
      child.kill('SIGTERM');
    });
  }
}

/** The address in the one line that a demo worker prints when it listens. */
function listeningOf(line: string): string | null {
  try {
    const said: unknown = JSON.parse(line);
    const url = typeof said === 'object' && said !== null ? (said as Record<string, unknown>)['listening'] : null;
    return typeof url === 'string' ? url : null;
  } catch {
    return null;
  }
}
