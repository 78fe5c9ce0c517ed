// The command line: names a command's file and runs it; a command is loaded only when it is called. For operators.
import type { Command } from './command.ts';

const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import('./serve.ts')).serveCommand,
  check: async () => (await import('./check.ts')).checkCommand,
  keys: async () => (await import('./keys.ts')).keysCommand,
  tenants: async () => (await import('./tenants.ts')).tenantsCommand,
  status: async () => (await import('./status.ts')).statusCommand,
  usage: async () => {
    const [{ usageCommandOn }, { ledgerAccess }] = await Promise.all([
      import('./usage.ts'),
      import('./ledger-access.ts'),
    ]);
    return usageCommandOn(ledgerAccess);
  },
  replay: async () => (await import('./replay.ts')).replayCommand,
  'demo-worker': async () => (await import('../../demo/command.ts')).demoWorkerCommand,
};

async function usage(): Promise<string> {
  const lines = await Promise.all(
    Object.entries(COMMANDS).map(async ([name, load]) => `  ${name.padEnd(14)}${(await load()).summary}`),
  );
  return [
    'Usage: spillway COMMAND [flags]',
    '',
    ...lines,
    '',
    '"spillway COMMAND --help" tells the flags of one.',
    '',
  ].join('\n');
}

async function main(args: string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    process.stdout.write(await usage());
    return name === undefined ? 2 : 0;
  }
  if (name === '--version' || name === 'version') {
    const { default: info } = await import('../../../package.json', { with: { type: 'json' } });
    process.stdout.write(`spillway ${info.version}\n`);
    return 0;
  }
  const load = COMMANDS[name];
  if (load === undefined) {
    process.stderr.write(`Unknown command "${name}". Commands: ${Object.keys(COMMANDS).join(', ')}.\n`);
    return 2;
  }
  const command = await load();
  if (name !== 'demo-worker' && rest.some((arg) => arg === '--help' || arg === '-h')) {
    process.stdout.write(command.usage);
    return 0;
  }
  return command.run(rest);
}

process.exitCode = await main(process.argv.slice(2));
