// `spillway status`: the pools and workers of a running router. For operators.

import { request } from 'undici';
import { parseAddress } from '../../core/units.ts';
import type { MoneyStatus, RouterStatus } from '../../router/status.ts';
import { environmentSecret } from '../admin-secret.ts';
import { AddressRefused, isLoopback } from '../bind.ts';
import type { Command } from './command.ts';
import { readFlags, UsageError } from './flags.ts';

const usage = `Usage: spillway status [--admin 127.0.0.1:8789] [--json]

Asks the admin listener of a running router for its pools and workers. On another machine that is --admin https://HOST:PORT.
The admin secret is taken from SPILLWAY_ADMIN_SECRET or SPILLWAY_ADMIN_SECRET_FILE.
`;

interface StatusOptions {
  readonly origin: string;
  readonly json: boolean;
  readonly secret: string | null;
}

function optionsFrom(args: readonly string[], env: NodeJS.ProcessEnv): StatusOptions {
  const flags = readFlags(args, { admin: { type: 'string' }, json: { type: 'boolean' } }, env);
  const text = flags.text('admin') ?? '127.0.0.1:8789';
  const named = text.replace(/^https:\/\//, '');
  const address = parseAddress(named);
  if (address === null) throw new UsageError(`--admin wants an address such as 127.0.0.1:8789, not "${text}".`);
  const secret = environmentSecret(env);
  const encrypted = named !== text;
  if (secret !== null && !encrypted && !isLoopback(address))
    throw new UsageError(`The admin secret is sent to another machine over TLS only: --admin https://${named}`);
  return { origin: `${encrypted ? 'https' : 'http'}://${named}`, json: flags.on('json'), secret };
}

async function run(args: string[]): Promise<number> {
  let options: StatusOptions;
  try {
    options = optionsFrom(args, process.env);
  } catch (thrown) {
    if (!(thrown instanceof UsageError || thrown instanceof AddressRefused)) throw thrown;
    process.stderr.write(`${thrown.message}\n`);
    return 2;
  }
  const { origin, json, secret } = options;
  const headers = secret === null ? {} : { authorization: `Bearer ${secret}` };
  try {
    const reply = await request(`${origin}/status`, { headers, headersTimeout: 3_000, bodyTimeout: 3_000 });
    const text = await reply.body.text();
    if (reply.statusCode === 401) {
      const wrong = secret === null ? 'asks for the admin secret' : 'does not take this admin secret';
      process.stderr.write(
        `The router on ${origin} ${wrong}: set SPILLWAY_ADMIN_SECRET or SPILLWAY_ADMIN_SECRET_FILE as it is set there.\n`,
      );
      return 1;
    }
    process.stdout.write(json ? `${text}\n` : table(JSON.parse(text) as RouterStatus));
    return 0;
  } catch {
    process.stderr.write(`No router answers on ${origin}. Is it running, and is this its admin address?\n`);
    return 1;
  }
}

/** Lines of a pool that are printed. */
const MOST_LINES = 10;

function table(status: RouterStatus): string {
  const lines = [`${status.openCalls} calls open${status.draining ? ', draining' : ''}`];
  if (status.money != null) lines.push(moneyLine(status.money));
  for (const pool of status.pools) {
    lines.push(
      `${pool.name} (${pool.serves ?? pool.kind}): ${pool.condition}, ${pool.inFlight} in flight, ${pool.waiting} waiting, ${Math.round(pool.saturation * 100)} % full`,
    );
    for (const { class: routeClass, priority, tenant, waiting, oldestMs } of pool.lines.slice(0, MOST_LINES)) {
      lines.push(
        `  in line: ${waiting} ${routeClass} calls of ${tenant}, ${priority}, for up to ${Math.round(oldestMs)} ms`,
      );
    }
    if (pool.lines.length > MOST_LINES) lines.push(`  and ${pool.lines.length - MOST_LINES} more lines: see --json`);
    for (const worker of pool.workers) {
      const paused = worker.pausedFor === null ? '' : `, left alone ${worker.pausedMs} ms (${worker.pausedFor})`;
      const place = worker.origin === '' ? 'not up yet' : worker.origin;
      lines.push(
        `  ${worker.id} ${place}: ${worker.state}, ${worker.inFlight}/${worker.limit}, breaker ${worker.breaker}${paused}`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}

function moneyLine({ reservedUsd, waiting, ledger }: MoneyStatus): string {
  const held = `$${reservedUsd.toFixed(reservedUsd < 0.01 ? 6 : 2)} held for calls in flight, ${waiting} waiting for limits of their own`;
  const kept = ledger.ok ? 'the ledger is written' : 'THE LEDGER CANNOT BE WRITTEN';
  const records = `${ledger.waiting} records wait${ledger.lost === 0 ? '' : `, ${ledger.lost} LOST`}`;
  return `${held}; ${kept}, ${records}`;
}

export const statusCommand: Command = { summary: 'shows the pools and workers of a running router', usage, run };
