// How a demo worker runs as a process of its own. For the command line.
import { parseArgs } from 'node:util';
import { type DemoWorkerOptions, FLAGS, settingsFrom } from './options.ts';
import { startDemoWorker } from './server.ts';

const GRACE_MS = 1000;

const flagLines = FLAGS.map((flag) => {
  const fallback = flag.fallback === '' ? 'empty' : String(flag.fallback);
  return `  --${flag.name.padEnd(28)} ${flag.text} [${flag.unit}; default ${fallback}]`;
});

const usage = [
  'Usage: spillway demo-worker [flags]',
  '',
  ...flagLines,
  `  --${'exit-with-parent'.padEnd(28)} ends when standard input closes [default off]`,
  `  --${'help'.padEnd(28)} prints this text`,
  '',
].join('\n');

type Parsed = { kind: 'run'; options: DemoWorkerOptions; exitWithParent: boolean } | { kind: 'help' };

/** Throws an Error whose message names the flag. */
export function parseDemoWorkerFlags(args: readonly string[]): Parsed {
  const described = Object.fromEntries(FLAGS.map(({ name }) => [name, { type: 'string' as const }]));
  const { values } = parseArgs({
    args: [...args],
    options: { ...described, 'exit-with-parent': { type: 'boolean' }, help: { type: 'boolean' } },
    strict: true,
    allowPositionals: false,
  });
  if (values['help'] === true) return { kind: 'help' };
  const given: Record<string, string | number> = {};
  for (const flag of FLAGS) {
    const value = (values as Record<string, string | boolean | undefined>)[flag.name];
    if (typeof value !== 'string') continue;
    if (typeof flag.fallback === 'string') given[flag.key] = value;
    else if (value.trim() === '') throw new RangeError(`--${flag.name} wants a number`);
    else given[flag.key] = Number(value);
  }
  return { kind: 'run', options: settingsFrom(given), exitWithParent: values['exit-with-parent'] === true };
}

function signalled(exitWithParent: boolean): Promise<void> {
  return new Promise((stop) => {
    const end = () => stop();
    process.once('SIGTERM', end);
    process.once('SIGINT', end);
    if (!exitWithParent) return;
    process.stdin.once('end', end);
    process.stdin.once('close', end);
    process.stdin.once('error', end);
    process.stdin.resume();
  });
}

async function run(args: string[]): Promise<number> {
  let parsed: Parsed;
  try {
    parsed = parseDemoWorkerFlags(args);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return 2;
  }
  if (parsed.kind === 'help') {
    process.stdout.write(usage);
    return 0;
  }
  // Listens for the end before the start, so that a parent that dies while the model loads leaves no orphan.
  const { exitWithParent } = parsed;
  const ended = new AbortController();
  const stop = signalled(exitWithParent).then(() => ended.abort());
  let code = 0;
  try {
    const worker = await startDemoWorker({ ...parsed.options, signal: ended.signal });
    const { url, settings } = worker;
    process.stdout.write(`${JSON.stringify({ listening: url, model: settings.model, kind: settings.kind })}\n`);
    await stop;
    await worker.close(GRACE_MS);
  } catch (error) {
    if (!ended.signal.aborted) {
      process.stderr.write(`${(error as Error).message}\n`);
      code = 1;
    }
  }
  // An open standard input would keep the process alive.
  if (exitWithParent) process.stdin.destroy();
  return code;
}

export const demoWorkerCommand = { summary: 'runs a demo worker: a vLLM-shaped server without a model', usage, run };
