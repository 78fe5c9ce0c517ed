// Decides how fast the byte-level core is: scan beside JSON.parse, and framing per chunk.
// For whoever tunes src/wire; the fastest of many rounds, for the machine may be shared.

import { type ScanLimits, scanObject } from '../src/wire/scan.ts';
import { EventFramer, eventData, FORWARD } from '../src/wire/sse.ts';

const LIMITS: ScanLimits = { maxDepth: 64, maxTokens: 200_000, forbidKeys: true };
const ROUNDS = 40;
const ROUND_BYTES = 48 * 1024 * 1024;
const encoder = new TextEncoder();
const decoder = new TextDecoder();
let sink = 0;

const WORDS =
  'The agent reads the file, then it runs the tests and looks at what failed; after that it edits the source. ';
const CODE = '  if (bytes[i] === 0x22) {\n    return "found";\n  }\n\tconst path = "C:\\\\work";\n';
const CHINESE = '代理先读取文件，然后运行测试，再查看失败的内容。';

/** A chat body of about `size` bytes: a system prompt, turns, two tools. */
function chatBody(size: number, text: string): Uint8Array {
  const turn = Math.min(8000, Math.max(300, size / 6));
  const messages: unknown[] = [];
  let length = 600;
  for (let n = 0; length < size; n++) {
    const content = text.repeat(Math.ceil(turn / text.length)).slice(0, Math.min(turn, size - length));
    messages.push({ role: n === 0 ? 'system' : n % 2 === 1 ? 'user' : 'assistant', content });
    length += encoder.encode(JSON.stringify(content)).length + 35;
  }
  const tool = (name: string) => ({
    type: 'function',
    function: { name, description: 'Reads.', parameters: { type: 'object', properties: { path: { type: 'string' } } } },
  });
  const body = { model: 'support', messages, tools: [tool('read'), tool('write')], temperature: 0.2, max_tokens: 1024 };
  return encoder.encode(JSON.stringify({ ...body, stream: true, stream_options: { include_usage: true } }));
}

/** Nanoseconds of one call in the fastest round: what the code costs, whatever else the machine does meanwhile. */
function fastestNs(run: () => void, calls: number): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    for (let n = 0; n < calls; n++) run();
    best = Math.min(best, ((performance.now() - start) * 1e6) / calls);
  }
  return best;
}

const rows: Record<string, string | number>[] = [];
for (const [label, text] of [
  ['prose', WORDS],
  ['code', CODE],
  ['chinese', CHINESE],
] as const) {
  for (const size of [2048, 65_536, 409_600]) {
    const body = chatBody(size, text);
    const calls = Math.max(5, Math.round(ROUND_BYTES / ROUNDS / body.length));
    const scan = fastestNs(() => {
      sink += scanObject(body, LIMITS).fields.length;
    }, calls);
    const parse = fastestNs(() => {
      sink += Object.keys(JSON.parse(decoder.decode(body))).length;
    }, calls);
    rows.push({
      body: label,
      bytes: body.length,
      'scan µs': +(scan / 1000).toFixed(2),
      'scan ns/byte': +(scan / body.length).toFixed(3),
      'decode + JSON.parse µs': +(parse / 1000).toFixed(2),
    });
  }
}
console.table(rows);

const delta = { id: 'chatcmpl-0123456789abcdef0123456789', object: 'chat.completion.chunk', created: 1763800000 };
const event = encoder.encode(
  `data: ${JSON.stringify({ ...delta, model: 'support-7b', choices: [{ index: 0, delta: { content: ' tokens of text' }, finish_reason: null }], usage: null })}\n\n`,
);
const emit = (run: Uint8Array) => {
  sink = (sink + run.length) | 0;
};
const framings: Record<string, string | number>[] = [];
for (const [label, judge] of [
  ['judge forwards', () => FORWARD],
  [
    'judge reads data',
    (bytes: Uint8Array, start: number, end: number) => {
      sink = (sink + (eventData(bytes, start, end)?.end ?? 0)) | 0;
      return FORWARD;
    },
  ],
] as const) {
  const framer = new EventFramer(judge, 1 << 20);
  const whole = fastestNs(() => framer.push(event, emit), 10_000);
  const cut = event.length >> 1;
  const head = event.subarray(0, cut);
  const rest = event.subarray(cut);
  const halves = fastestNs(() => {
    framer.push(head, emit);
    framer.push(rest, emit);
  }, 10_000);
  framings.push({
    judge: label,
    'chunk bytes': event.length,
    'µs per chunk': +(whole / 1000).toFixed(3),
    'µs per event cut in two': +(halves / 1000).toFixed(3),
  });
}
console.table(framings);
if (sink === 0) throw new Error('nothing was measured');
