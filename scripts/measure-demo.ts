// Measures a real demo worker, a process of its own, for the constants that simulated ones have. For src/simulation/constants.ts.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const ROUNDS = 15;
const ANSWER_TOKENS = 200;
const PROMPT_WORDS = [20, 2_000, 8_000, 16_000];
const AT_ONCE = [1, 4, 16];

interface Reply {
  readonly firstMs: number;
  readonly lastMs: number;
  readonly promptTokens: number;
  readonly answerTokens: number;
}

/** Its address is the first thing that it prints. */
async function started(): Promise<{ child: ChildProcess; url: string }> {
  const script = new URL('../bin/spillway.mjs', import.meta.url).pathname;
  const args = [script, 'demo-worker', '--exit-with-parent', '--answer-tokens', String(ANSWER_TOKENS)];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout! })) {
    const { listening } = JSON.parse(line) as { listening?: string };
    if (listening !== undefined) return { child, url: listening };
  }
  throw new Error('The demo worker ended before it listened.');
}

let unique = 0;

/** A prompt that no cache knows. */
async function ask(url: string, words: number, maxTokens: number): Promise<Reply> {
  const content = `${unique++} ${'word '.repeat(words)}`;
  const body = JSON.stringify({
    model: 'demo-large',
    stream: true,
    stream_options: { include_usage: true },
    max_tokens: maxTokens,
    messages: [{ role: 'user', content }],
  });
  const sentMs = performance.now();
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  if (!response.ok || response.body === null) throw new Error(`HTTP ${response.status}: ${await response.text()}`);
  let firstMs = 0;
  let lastMs = 0;
  let text = '';
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (!/"content":"[^"]/.test(chunk)) continue;
    lastMs = performance.now() - sentMs;
    if (firstMs === 0) firstMs = lastMs;
  }
  const usage = /"prompt_tokens":(\d+).*?"completion_tokens":(\d+)/.exec(text);
  if (usage === null) throw new Error(`No usage in: ${text.slice(-300)}`);
  return { firstMs, lastMs, promptTokens: Number(usage[1]), answerTokens: Number(usage[2]) };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

async function firstContents(url: string) {
  const points: { tokens: number; ms: number }[] = [];
  for (const words of PROMPT_WORDS) {
    const replies: Reply[] = [];
    for (let round = 0; round < ROUNDS; round++) replies.push(await ask(url, words, 1));
    points.push({
      tokens: median(replies.map((one) => one.promptTokens)),
      ms: median(replies.map((one) => one.firstMs)),
    });
  }
  return points;
}

async function stepMs(url: string, atOnce: number): Promise<number> {
  const steps: number[] = [];
  for (let round = 0; round < 3; round++) {
    const replies = await Promise.all(Array.from({ length: atOnce }, () => ask(url, 20, ANSWER_TOKENS)));
    for (const { firstMs, lastMs, answerTokens } of replies) steps.push((lastMs - firstMs) / (answerTokens - 1));
  }
  return median(steps);
}

const { child, url } = await started();
try {
  for (let warm = 0; warm < 20; warm++) await ask(url, 200, 8);
  const points = await firstContents(url);
  const [least, most] = [points[0]!, points.at(-1)!];
  const msPerToken = (most.ms - least.ms) / (most.tokens - least.tokens);
  const steps: Record<string, number> = {};
  for (const atOnce of AT_ONCE) steps[`${atOnce} at once`] = Number((await stepMs(url, atOnce)).toFixed(3));
  console.log(
    JSON.stringify(
      {
        firstContentMs: points.map(({ tokens, ms }) => ({ tokens, ms: Number(ms.toFixed(2)) })),
        prefillTokensPerSecond: Math.round(1_000 / msPerToken),
        overheadMs: Number((least.ms - least.tokens * msPerToken).toFixed(2)),
        stepMs: steps,
      },
      null,
      2,
    ),
  );
} finally {
  child.stdin!.end();
}
