// Sends calls that do not wait for answers, phase by phase, from a process of its own, and says what became of each. Started by
// overload-stage.ts; for tests of overload.
import { Pool } from 'undici';
import type { CallRecord, LoadSpec } from './overload-stage.ts';

const spec = JSON.parse(process.argv[2]!) as LoadSpec;
const pool = new Pool(spec.url, { pipelining: 1, headersTimeout: 60_000, bodyTimeout: 60_000 });
const running = new Set<Promise<void>>();
const records: CallRecord[] = [];
let worstLagMs = 0;
let seed = spec.seed;

/** Mulberry32: the same arrivals in every run of a seed. */
function random(): number {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
}

/** Each caller has a matter of its own: equal prompts would be taken for one run. */
const bodyOf = (caller: number, stream: boolean) =>
  JSON.stringify({ model: 'asked', stream, messages: [{ role: 'user', content: `Matter ${caller}` }] });
const startMs = performance.now();
const elapsedMs = () => performance.now() - startMs;

interface Caller {
  readonly phase: number;
  readonly number: number;
  readonly stream: boolean;
  readonly obeys: boolean;
}

async function send(caller: Caller, tries: number): Promise<void> {
  const { phase, number, stream, obeys } = caller;
  const atMs = elapsedMs();
  let status = 0;
  let retryAfter: number | null = null;
  let whole = false;
  try {
    const { statusCode, headers, body } = await pool.request({
      path: '/v1/chat/completions',
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: bodyOf(number, stream),
    });
    status = statusCode;
    const text = await body.text();
    whole = status === 200 && (stream ? text.endsWith('data: [DONE]\n\n') : text.endsWith('}'));
    const said = headers['retry-after'];
    if (typeof said === 'string') retryAfter = Number(said);
  } catch {
    whole = false;
  }
  records.push({ phase, atMs, ms: elapsedMs() - atMs, status, whole, retryAfter, stream, tries });
  if (!obeys || whole || retryAfter === null || tries > spec.returns) return;
  await new Promise((resolve) => setTimeout(resolve, retryAfter * 1_000));
  await send(caller, tries + 1);
}

let callers = 0;
function begin(phase: number): void {
  const caller = { phase, number: callers++, stream: random() < spec.streamed, obeys: random() < spec.obey };
  const call: Promise<void> = send(caller, 1).finally(() => running.delete(call));
  running.add(call);
}

let dueMs = 0;
let phaseEndMs = 0;
for (const [phase, { perSecond, seconds }] of spec.phases.entries()) {
  process.send!({ phaseWallMs: Date.now() });
  phaseEndMs += seconds * 1_000;
  for (;;) {
    // Poisson: gaps between arrivals are exponential.
    dueMs += (-Math.log(1 - random()) / perSecond) * 1_000;
    if (dueMs >= phaseEndMs) break;
    const restMs = dueMs - elapsedMs();
    if (restMs > 0) await new Promise((resolve) => setTimeout(resolve, restMs));
    worstLagMs = Math.max(worstLagMs, elapsedMs() - dueMs);
    begin(phase);
  }
  dueMs = phaseEndMs;
}
process.send!({ phaseWallMs: Date.now() });
while (running.size > 0) await Promise.all(running);
await pool.close();
process.send!({ records, worstLagMs }, () => process.disconnect());
