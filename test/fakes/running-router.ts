// The production entry, in this process, on free loopback ports and a policy given as text. For tests over sockets.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { HttpLimits } from '../../src/core/limits.ts';
import type { Log } from '../../src/core/runtime.ts';
import { type NodeOptions, type RunningRouter, startRouter } from '../../src/entry/node.ts';
import { recordingLog } from './recording-log.ts';

export interface TestRouterOptions {
  readonly policy: string;
  readonly limits?: Partial<HttpLimits>;
  readonly log?: Log;
  readonly more?: Partial<NodeOptions>;
}

export interface TestRouter {
  readonly running: RunningRouter;
  readonly port: number;
  readonly adminPort: number;
  /** With /v1, as SDKs want it. */
  readonly baseURL: string;
  readonly log: ReturnType<typeof recordingLog>;
  /** Where the policy lies, for reload tests. */
  readonly policyPath: string;
  readonly folder: string;
  /** Ends at once: calls in flight are interrupted. */
  close(): Promise<void>;
}

const spillway = fileURLToPath(new URL('../../bin/spillway.mjs', import.meta.url));

export async function startTestRouter(options: TestRouterOptions): Promise<TestRouter> {
  const folder = await mkdtemp(join(tmpdir(), 'spillway-test-'));
  const policyPath = join(folder, 'policy.yaml');
  await writeFile(policyPath, options.policy);
  const log = recordingLog();
  const running = await startRouter({
    policyPath,
    listen: { host: '127.0.0.1', port: 0 },
    admin: { host: '127.0.0.1', port: 0 },
    data: join(folder, 'data'),
    env: process.env,
    launcher: { executable: process.execPath, args: [spillway] },
    log: options.log ?? log,
    ...(options.limits === undefined ? {} : { limits: options.limits }),
    ...options.more,
  });
  return {
    running,
    port: running.listen.port,
    adminPort: running.admin.port,
    baseURL: `http://127.0.0.1:${running.listen.port}/v1`,
    log,
    policyPath,
    folder,
    async close() {
      await running.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/**
 * A policy of one pool per upstream URL, tried in order; all but the first are substitutes unless `same`. Embeddings
 * have a pool of their own at the first URL, since a pool belongs to one class.
 */
export function policyFor(
  urls: readonly string[],
  options: { readonly same?: boolean; readonly chat?: string; readonly engine?: string } = {},
): string {
  const pool = (name: string, serves: string, url: string) => [
    `  ${name}:`,
    `    engine: ${options.engine ?? 'openai'}`,
    `    serves: ${serves}`,
    `    workers: [ { url: "${url}" } ]`,
  ];
  const pools = [
    ...urls.map((url, at) => pool(`pool-${at + 1}`, `served-${at + 1}`, url)),
    pool('pool-vectors', 'served-vectors', urls[0]!),
  ];
  const rungs = urls.map(
    (_, at) => `      - { pool: pool-${at + 1}${at > 0 && options.same === true ? ', same: true' : ''} }`,
  );
  return [
    'version: 1',
    'pools:',
    ...pools.flat(),
    'models:',
    '  asked: { class: chat, ladder: [',
    ...rungs.map((rung) => `${rung.replace('- ', '')},`),
    '    ] }',
    '  vectors: { class: embed, ladder: [ { pool: pool-vectors } ] }',
    ...(options.chat === undefined ? [] : ['classes:', `  chat: ${options.chat}`]),
    '',
  ].join('\n');
}
