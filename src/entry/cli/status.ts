// `spillway status`: the pools and workers of a running router. For operators.

import { request } from 'undici';
import { parseAddress } from '../../core/units.ts';
import type { RouterStatus } from '../../router/status.ts';
import type { Command } from './command.ts';
import { readFlags, UsageError } from './flags.ts';

const usage = `Usage: spillway status [--admin 127.0.0.1:8789] [--json]

Asks the admin listener of a running router for its pools and workers.
`;

async function run(args: string[]): Promise<number> {
  let address: string;
  let json: boolean;
  try {
    const flags = readFlags(args, { admin: { type: 'string' }, json: { type: 'boolean' } }, process.env);
    address = flags.text('admin') ?? '127.0.0.1:8789';
    json = flags.on('json');
    if (parseAddress(address) === null)
      throw new UsageError(`--admin wants an address such as 127.0.0.1:8789, not "${address}".`);
  } catch (thrown) {
    if (!(thrown instanceof UsageError)) throw thrown;
    process.stderr.write(`${thrown.message}\n`);
    return 2;
  }
  try {
    const reply = await request(`http://${address}/status`, { headersTimeout: 3_000, bodyTimeout: 3_000 });
    const text = await reply.body.text();
    process.stdout.write(json ? `${text}\n` : table(JSON.parse(text) as RouterStatus));
    return 0;
  } catch {
    process.stderr.write(`No router answers on http://${address}. Is it running, and is this its admin address?\n`);
    return 1;
  }
}

function table(status: RouterStatus): string {
  const lines = [`${status.openCalls} calls open${status.draining ? ', draining' : ''}`];
  for (const pool of status.pools) {
    lines.push(
      `${pool.name} (${pool.serves ?? pool.kind}): ${pool.condition}, ${pool.inFlight} in flight, ${pool.waiting} waiting`,
    );
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

export const statusCommand: Command = { summary: 'shows the pools and workers of a running router', usage, run };
