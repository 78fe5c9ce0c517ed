// A demo worker as a process of its own. For src/demo/command.ts.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseDemoWorkerFlags } from '../../src/demo/command.ts';
import { demoWorkerCommand, FLAGS } from '../../src/demo/index.ts';
import { ask } from './started.ts';

const SCRIPT = `
  import { demoWorkerCommand } from ${JSON.stringify(new URL('../../src/demo/index.ts', import.meta.url).href)};
  process.exitCode = await demoWorkerCommand.run(process.argv.slice(1));
`;

function command(...args: string[]): ChildProcess & { ended: Promise<[number | null, NodeJS.Signals | null]> } {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', SCRIPT, '--', ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  return Object.assign(child, { ended });
}

async function firstLine(child: ChildProcess): Promise<{ listening: string; model: string; kind: string }> {
  for await (const line of createInterface({ input: child.stdout! })) return JSON.parse(line);
  throw new Error('no line on standard output');
}

describe('the command', () => {
  it('says on one line where it listens, serves, and ends with 0 on SIGTERM after the running call', async () => {
    const child = command(
      '--model',
      'acme/tiny',
      '--decode-tokens-per-second',
      '200',
      '--prefill-tokens-per-second',
      '0',
    );
    const line = await firstLine(child);
    expect(line).toEqual({
      listening: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      model: 'acme/tiny',
      kind: 'chat',
    });
    const reply = await fetch(`${line.listening}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...ask('Bye', { stream: true, max_tokens: 40 }), model: 'acme/tiny' }),
    });
    child.kill('SIGTERM');
    expect(await reply.text()).toContain('[DONE]');
    expect(await child.ended).toEqual([0, null]);
  });

  it('ends with its parent, even while it loads', async () => {
    const loading = command('--start-up-ms', '60000', '--exit-with-parent');
    const child = command('--kind', 'embed', '--exit-with-parent');
    expect(await firstLine(child)).toMatchObject({ model: 'demo-embed', kind: 'embed' });
    for (const one of [child, loading]) {
      one.stdin!.end();
      expect(await one.ended).toEqual([0, null]);
    }
  });

  it('ends with 2 and names the flag that is wrong', async () => {
    const child = command('--max-num-seqs', 'many');
    let told = '';
    child.stderr!.on('data', (chunk: Buffer) => {
      told += chunk.toString();
    });
    expect(await child.ended).toEqual([2, null]);
    expect(told).toContain('--max-num-seqs');
  });
});

describe('flags', () => {
  it.each([
    ['--nothing'],
    ['--kind', 'speech'],
    ['--rerank-form', 'other'],
    ['--port', ''],
    ['--port', '-1'],
    ['stray'],
  ])('refuse %j %j', (...args) => {
    expect(() => parseDemoWorkerFlags(args)).toThrow();
  });

  it('fill the settings of the same name', () => {
    const parsed = parseDemoWorkerFlags(['--cache-blocks', '8', '--start-up-mode=loading', '--api-key', '123']);
    expect(parsed).toMatchObject({
      kind: 'run',
      options: { cacheBlocks: 8, startUpMode: 'loading', apiKey: '123', maxNumSeqs: 16 },
    });
  });

  it('stand in the usage and, with the same default and unit, in the documentation', () => {
    const docs = readFileSync(new URL('../../docs/demo-workers.md', import.meta.url), 'utf8');
    for (const flag of FLAGS) {
      expect(demoWorkerCommand.usage).toContain(`--${flag.name} `);
      const fallback = flag.fallback === '' ? 'empty' : String(flag.fallback);
      expect(docs).toContain(`| \`--${flag.name}\` | ${fallback} | ${flag.unit} | ${flag.text} |`);
    }
  });
});
