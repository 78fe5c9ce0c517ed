// Does what the README says, in its own order: starts the router, runs each printed curl line, stops it. For .ci/run.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { npmStart } from './npm-start.ts';

/** The lines of all `sh` blocks, continued lines joined. */
export function shellLines(markdown: string): readonly string[] {
  const blocks = [...markdown.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map((match) => match[1]!);
  return blocks
    .flatMap((block) => block.replace(/\\\n\s*/g, '').split('\n'))
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

export function curlLines(markdown: string): readonly string[] {
  return shellLines(markdown).filter((line) => line.startsWith('curl '));
}

const CALL_MS = 20_000;

async function shell(line: string): Promise<string> {
  const script = line.replace(/^curl /, 'curl -fsS --max-time 20 --retry 20 --retry-delay 1 ');
  const child = spawn('bash', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'], timeout: CALL_MS * 2 });
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`exit ${code}: ${line}`);
  return text;
}

async function main(): Promise<void> {
  const lines = curlLines(readFileSync('README.md', 'utf8'));
  if (lines.length < 2) throw new Error('The README prints too few curl lines.');
  const router = await npmStart();
  try {
    for (const line of lines) {
      const text = await shell(line);
      if (text.trim() === '') throw new Error(`nothing came back: ${line}`);
      console.log(`ok ${line}`);
    }
  } catch (thrown) {
    console.log(router.said());
    throw thrown;
  } finally {
    await router.stop();
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) await main();
