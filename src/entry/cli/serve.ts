// `spillway serve`: starts the router, says what it serves, reloads and drains on signals. For operators.
import { flushCompileCache } from 'node:module';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StoreFault } from '../../core/store.ts';
import { type Address, parseAddress } from '../../core/units.ts';
import { formatProblem } from '../../policy/problems.ts';
import { createNodeLog, type NodeLog } from '../../runtime/node/log.ts';
import { AddressRefused } from '../bind.ts';
import { type LogLevel, PolicyRefused, type RunningRouter, startRouter } from '../node.ts';
import type { Command } from './command.ts';
import { readFlags, UsageError } from './flags.ts';
import { welcome } from './welcome.ts';

const ROOT = new URL('../../../', import.meta.url);

const usage = `Usage: spillway serve [flags]

  --policy FILE      policy to serve [policies/default.yaml of the package; SPILLWAY_POLICY]
  --listen HOST:PORT where callers connect [the policy's server.listen; SPILLWAY_LISTEN]
  --admin HOST:PORT  where operators connect [the policy's server.admin; SPILLWAY_ADMIN]
  --data DIR         where state is kept [the policy's server.data; SPILLWAY_DATA]
  --log LEVEL        none, summary or debug [the policy's telemetry.log, else summary; SPILLWAY_LOG]
  --last-good        start on the saved policy when the file is broken [SPILLWAY_LAST_GOOD]
  --require-keys     let nobody in without a key, even before there is one [SPILLWAY_REQUIRE_KEYS]
  --quiet            print no welcome [SPILLWAY_QUIET]

The policy is read again when one of its files changes and on SIGHUP; a broken one is refused and the last good one
stays. SIGTERM and SIGINT drain: no new calls, those in flight end, at most server.drain (30 s).
As long as no key was ever made (spillway keys create), whoever is on this machine may call.
Logs are JSON lines on standard error.
`;

const TABLE = {
  policy: { type: 'string' },
  listen: { type: 'string' },
  admin: { type: 'string' },
  data: { type: 'string' },
  log: { type: 'string' },
  'last-good': { type: 'boolean' },
  'require-keys': { type: 'boolean' },
  quiet: { type: 'boolean' },
} as const;

const LEVELS: readonly LogLevel[] = ['none', 'summary', 'debug'];

interface ServeOptions {
  readonly policyPath: string;
  readonly listen?: Address;
  readonly admin?: Address;
  readonly data?: string;
  /** Undefined: as the policy says. */
  readonly level: LogLevel | undefined;
  readonly lastGood: boolean;
  readonly requireKeys: boolean;
  readonly quiet: boolean;
}

function optionsFrom(args: readonly string[]): ServeOptions {
  const flags = readFlags(args, TABLE, process.env);
  if (flags.rest.length > 0)
    throw new UsageError(`Nothing known to do with "${flags.rest[0]}". See spillway serve --help.`);
  const address = (name: 'listen' | 'admin') => {
    const text = flags.text(name);
    if (text === undefined) return {};
    const parsed = parseAddress(text);
    if (parsed === null) throw new UsageError(`--${name} wants an address such as 127.0.0.1:8787, not "${text}".`);
    return { [name]: parsed };
  };
  const data = flags.text('data');
  const asked = flags.text('log');
  const level = LEVELS.find((one) => one === asked);
  if (asked !== undefined && level === undefined) throw new UsageError(`--log wants one of ${LEVELS.join(', ')}.`);
  return {
    policyPath: resolve(flags.text('policy') ?? fileURLToPath(new URL('policies/default.yaml', ROOT))),
    ...address('listen'),
    ...address('admin'),
    ...(data === undefined ? {} : { data }),
    level,
    lastGood: flags.on('last-good'),
    requireKeys: flags.on('require-keys'),
    quiet: flags.on('quiet'),
  };
}

async function run(args: string[]): Promise<number> {
  let options: ServeOptions;
  try {
    options = optionsFrom(args);
  } catch (thrown) {
    if (!(thrown instanceof UsageError)) throw thrown;
    process.stderr.write(`${thrown.message}\n`);
    return 2;
  }
  let log: NodeLog | undefined;
  const createLog = (level: LogLevel) => {
    log = createNodeLog(options.level ?? level, 2);
    return log;
  };
  const launcher = { executable: process.execPath, args: [fileURLToPath(new URL('bin/spillway.mjs', ROOT))] };
  let running: RunningRouter;
  try {
    running = await startRouter({ ...options, env: process.env, launcher, log: createLog });
  } catch (thrown) {
    process.stderr.write(`${startFailure(thrown, options)}\n`);
    await log?.flush();
    return thrown instanceof PolicyRefused || thrown instanceof AddressRefused ? 2 : 1;
  }
  for (const warning of running.warnings) process.stderr.write(`warning: ${formatProblem(warning)}\n`);
  if (!options.quiet) process.stdout.write(welcome(running, options.policyPath));
  log?.info('listening', { host: running.listen.host, port: running.listen.port, adminPort: running.admin.port });
  // Written now and not at the end, since a process may be killed.
  setImmediate(() => flushCompileCache());
  process.on('SIGHUP', () => void running.reload());
  await stopSignal();
  process.stderr.write('Stopping: no new calls; those in flight may end. A second signal stops at once.\n');
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(1));
  await running.stop();
  log?.info('stopped');
  await log?.flush();
  return 0;
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
  });
}

function startFailure(thrown: unknown, options: ServeOptions): string {
  if (thrown instanceof PolicyRefused) {
    const hint = options.lastGood ? '' : '\nStart with --last-good to use the policy that was last in force.';
    return `${thrown.message}\nThe policy is refused; nothing was started.${hint}`;
  }
  if (thrown instanceof AddressRefused || thrown instanceof StoreFault) return thrown.message;
  const error = thrown as NodeJS.ErrnoException & { address?: string; port?: number };
  if (error.code === 'EADDRINUSE') {
    return `${error.address}:${error.port} is taken by another program. Choose another with --listen or --admin.`;
  }
  return error.stack ?? String(thrown);
}

export const serveCommand: Command = { summary: 'starts the router', usage, run };
