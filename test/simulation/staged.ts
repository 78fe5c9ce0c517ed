// A small policy, traces from the fixtures and calls to play, for the tests of the simulator as a whole.
import { readFileSync } from 'node:fs';
import { type Catalog, compilePolicy } from '../../src/policy/compile.ts';
import { loadPolicy } from '../../src/policy/load.ts';
import { registriesWith } from '../../src/registries.ts';
import type { RouterRegistries } from '../../src/router/create.ts';
import type { CallSpec } from '../../src/simulation/call.ts';
import type { Script } from '../../src/simulation/script.ts';
import { single } from '../../src/simulation/script.ts';
import { type Result, type SimulationOptions, simulate } from '../../src/simulation/simulate.ts';
import type { Trace } from '../../src/simulation/traces/forms.ts';
import { readTrace } from '../../src/simulation/traces/index.ts';
import { turn } from './turn.ts';

export const registries = registriesWith({});

/** One pool of `workers` under the model `chat`, unless the text says more. */
export async function catalogOf(text: string, known: RouterRegistries = registries): Promise<Catalog> {
  const files = { read: async () => text, list: async () => [] };
  const secrets = { env: () => 'secret', file: async () => 'secret' };
  const loaded = await loadPolicy({ path: 'policy.yaml', files, registries: known, secrets });
  if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join('\n'));
  return compilePolicy(loaded.policy);
}

export const POLICY = `
version: 1
pools:
  chat:
    concurrencyPerWorker: 8
    workers: [ { url: "http://10.0.0.1:8000" } ]
models:
  chat: { class: chat, ladder: [ { pool: chat } ] }
classes:
  chat: { queue: { max: 50, wait: 2s } }
`;

export const CALL: CallSpec = {
  tenant: 'acme',
  class: 'chat',
  model: 'chat',
  run: null,
  answersTool: false,
  stop: 'end_turn',
  inputTokens: 100,
  outputTokens: 10,
  blocks: [],
  blockTokens: 64,
  print: null,
  priority: null,
  maxWaitMs: null,
  timeoutMs: null,
  isKnown: false,
  items: 1,
};

/** A call every `everyMs`. */
export function steady(count: number, everyMs: number, call: Partial<CallSpec> = {}): Script[] {
  return Array.from({ length: count }, (_, at) => single(at * everyMs, { ...CALL, ...call }));
}

export async function played(
  scripts: Iterable<Script>,
  options: Partial<SimulationOptions> & { readonly policy?: string } = {},
): Promise<Result> {
  const catalog = await catalogOf(options.policy ?? POLICY);
  return simulate({ catalog, registries, turn, scripts, ...options });
}

export function fixture(name: string): string {
  return readFileSync(new URL(`../fixtures/traces/${name}`, import.meta.url), 'utf8');
}

export function trace<Kind extends Trace['kind']>(name: string, kind: Kind): Extract<Trace, { kind: Kind }> {
  const read = readTrace(fixture(name));
  if (read.kind !== kind) throw new Error(`${name} holds ${read.kind}.`);
  return read as Extract<Trace, { kind: Kind }>;
}
