// What is accepted and what becomes of it: every key, the catalog, the saved policy, the generated files. For policy.
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { generatedFiles } from '../../scripts/generate.ts';
import { formatDuration, parseAddress, parseDuration } from '../../src/core/units.ts';
import { engines } from '../../src/fleet/engines/index.ts';
import { checkExitCode, checkJson, checkReport } from '../../src/policy/check.ts';
import { compilePolicy } from '../../src/policy/compile.ts';
import { savedPolicy } from '../../src/policy/last-good.ts';
import { fitsPattern } from '../../src/policy/match.ts';
import { profiles } from '../../src/scheduling/profiles.ts';
import { lines, load, POOLS, policyOf, SECRET } from './load-texts.ts';

const root = new URL('../../', import.meta.url);

const FULL = `version: 1
include: [ more.yaml ]
server: { listen: "[::1]:1", admin: localhost:0, data: /d, usageDays: 30, basePath: /llm/v/, allowedHosts: [LLM.example.com], allowedOrigins: ["https://a.b:8"], drain: 1.5s, tls: { cert: /c, key: /k }, trustedProxies: [10.0.0.5, "FD00::/8"], adminSecret: $KEY }
telemetry: { log: none }
pools:
  p:
    serves: acme/p
    zone: eu
    engine: vllm
    capabilities: [tools, schema, vision, audio, logprobs]
    contextTokens: 8192
    concurrencyPerWorker: 3
    workers:
      - { url: "http://10.0.0.1:9001/x/v1/", apiKey: $KEY, headers: { X-Foo: bar, x-token: "$file:/run/secrets/key" } }
      - { demo: chat, model: d, startUp: 2s, prefillTokensPerSecond: 0, decodeTokensPerSecond: 15, maxNumSeqs: 1, maxNumQueuedReqs: 0, maxModelLen: 9 }
      - { demo: chat }
      - { demo: chat }
  e: { speaks: [openai-embeddings], workers: [ { url: "https://e", auth: modal, modalKey: $KEY, modalSecret: $KEY, apiKey: $KEY } ] }
providers:
  g:
    kind: openai-compatible
    baseUrl: "https://g.example/v1beta/openai/"
    apiKey: $KEY
    auth: api-key
    headers: { X-Project: p1 }
    zone: us
    capabilities: [vision]
    speaks: [openai-chat, rerank]
    rerank: { form: jina, scores: cosine }
    replyHeaders: [X-RateLimit-Remaining-Tokens]
    quotaDomain: account
    concurrency: 9
    maxItems: 96
    optional: true
ladders: { l: [ { pool: q, when: [slow, cold] }, { pool: p, same: true } ] }
classes:
  chat: { timeouts: { connect: 1ms, headers: 2s, firstContent: 3m, idle: 4h, total: 5s }, queue: { max: 0, wait: 0s }, retries: 5 }
  rerank: { default: r }
  embed: { timeouts: { connect: 1s, headers: 2s, firstContent: 3s, idle: 4s, total: 5s }, queue: { max: 7, wait: 8s }, retries: 0 }
`;
const MORE = `models:
  m: { aliases: [gpt-4o-mini, a/b:c@d], class: chat, ladder: [ { pool: p }, { ladder: l, same: false, when: [cold, failing] } ] }
  e: { class: embed, ladder: [ { pool: e } ] }
  r: { class: rerank, ladder: [ { provider: g/rerank/large, same: true, when: [slow] } ] }
pools: { q: { workers: [ { demo: chat } ] } }
`;
const TEXTS = { 'policies/x.yaml': FULL, 'policies/more.yaml': MORE };

test('every key is accepted and reaches the policy', async () => {
  const result = await load(TEXTS);
  if (!result.ok) throw new Error(lines(result.problems).join('\n'));
  const { policy, warnings } = result;
  expect(policy.server).toEqual({
    listen: { host: '::1', port: 1 },
    admin: { host: 'localhost', port: 0 },
    data: '/d',
    usageDays: 30,
    basePath: '/llm/v',
    allowedHosts: ['llm.example.com'],
    allowedOrigins: ['https://a.b:8'],
    drainMs: 1500,
    tls: { cert: '/c', key: '/k' },
    trustedProxies: ['10.0.0.5', 'fd00::/8'],
    adminSecret: SECRET,
  });
  const pool = policy.pools[0]!;
  expect(pool.target).toEqual({
    kind: 'pool',
    name: 'p',
    serves: 'acme/p',
    zone: 'eu',
    capabilities: new Set(['tools', 'schema', 'vision', 'audio', 'logprobs']),
    speaks: new Set(engines.vllm.speaks),
    rerank: engines.vllm.rerank,
    contextTokens: 8192,
    maxItems: null,
  });
  expect(pool.engine).toEqual({ name: 'vllm', options: {} });
  expect(pool.workers[0]).toMatchObject({
    kind: 'url',
    origin: 'http://10.0.0.1:9001',
    basePath: '/x',
    headers: ['x-foo', 'bar', 'x-token', SECRET, 'authorization', `Bearer ${SECRET}`],
  });
  expect(pool.workers[1]).toMatchObject({ kind: 'demo', options: { demo: 'chat', startUp: 2_000, maxModelLen: 9 } });
  expect(policy.classes.chat).toEqual({
    class: 'chat',
    timeouts: { connectMs: 1, headersMs: 2000, firstContentMs: 180_000, idleMs: 14_400_000, totalMs: 5000 },
    queue: { max: 0, waitMs: 0, maxBytes: 268_435_456 },
    priority: 'interactive',
    share: 1,
    slo: { firstContentMs: null, totalMs: null, objective: 0.99 },
    retries: 5,
    defaultModel: null,
  });
  expect(policy.pools[1]!.workers[0]).toMatchObject({
    headers: ['modal-key', SECRET, 'modal-secret', SECRET, 'authorization', `Bearer ${SECRET}`],
  });
  expect(policy.providers).toEqual([
    {
      name: 'g',
      key: policy.providers[0]!.key,
      kind: 'openai-compatible',
      zone: 'us',
      capabilities: new Set(['vision']),
      speaks: new Set(['openai-chat', 'rerank']),
      rerank: { form: 'jina', scores: 'cosine' },
      auth: 'api-key',
      origin: 'https://g.example',
      basePath: '/v1beta/openai',
      versioned: true,
      headers: ['x-project', 'p1', 'authorization', `Api-Key ${SECRET}`],
      replyHeaders: ['x-ratelimit-remaining-tokens'],
      quotaDomain: 'account',
      concurrency: { kind: 'fixed', options: { limit: 9 } },
      profile: profiles.sticky,
      contextTokens: null,
      maxItems: 96,
    },
  ]);
  expect(policy.classes.rerank.defaultModel).toBe('r');
  expect(lines(warnings)).toEqual([
    'policies/x.yaml:14:11 pools.p.workers[0].url: ends in /v1, which every call adds: it is dropped',
    'policies/more.yaml:2:54 models.m.ladder: rung 3 (p) repeats rung 1: it helps only for other reasons',
    'policies/more.yaml:4:73 models.r.ladder[0].when: has no effect: every call begins at the first rung',
  ]);
});

test('worker keys are distinct, stable, without secrets, and change with the secret behind a reference', async () => {
  const keysOf = async (secret: string) => {
    const source = { env: () => secret, file: () => Promise.resolve(secret) };
    return (await policyOf(TEXTS, source)).pools.flatMap((pool) => pool.workers.map((worker) => worker.key));
  };
  const keys = await keysOf(SECRET);
  expect(new Set(keys).size).toBe(keys.length);
  expect(keys.join()).not.toContain(SECRET);
  expect(await keysOf(SECRET)).toEqual(keys);
  const renewed = await keysOf('another-secret');
  expect(renewed[0]).not.toBe(keys[0]);
  expect(renewed.slice(1, -2)).toEqual(keys.slice(1, -2));
  expect(renewed.at(-2)).not.toBe(keys.at(-2));
  expect(renewed.at(-1)).toBe(keys.at(-1));
});

test('a catalog lays nested ladders flat; reasons narrow, and only copies of the asked model are same', async () => {
  const catalog = compilePolicy(await policyOf(TEXTS));
  const rungs = catalog.find('m')!.rungs.map((rung) => [rung.number, rung.target.name, rung.same, [...rung.when]]);
  expect(rungs).toEqual([
    [1, 'p', true, ['saturated', 'cold', 'failing', 'slow']],
    [2, 'q', false, ['cold']],
    [3, 'p', false, ['cold', 'failing']],
  ]);
  expect(catalog.names).toEqual(['m', 'gpt-4o-mini', 'a/b:c@d', 'e', 'r']);
  expect(catalog.find('gpt-4o-mini')).toBe(catalog.find('m'));
  expect(catalog.find('e')!.rules).toBe(catalog.classes.embed);
});

describe('find', () => {
  test('prefers the exact name, then the pattern with most literal characters, then the first in the file', async () => {
    const models = ['"*"', '"claude-*"', '"claude-*-20*"', '"*-opus"', 'claude-x', '"claude-?*"'];
    const text = `${POOLS}models:\n${models.map((name) => `  ${name}: { ladder: [ { pool: a } ] }`).join('\n')}\n`;
    const catalog = compilePolicy(await policyOf(text));
    const found = (asked: string) => catalog.find(asked)?.model ?? null;
    expect(['claude-x', 'claude-y', 'claude-3-2026', 'claude-opus', 'x', '', 'claude-'].map(found)).toEqual([
      'claude-x',
      'claude-*',
      'claude-*-20*',
      'claude-*',
      '*',
      '*',
      'claude-*',
    ]);
    expect(found('x'.repeat(300))).toBeNull();
    expect(catalog.names).toEqual(['claude-x']);
    expect(found('claude-y')).toBe('claude-*');
  });

  test('names of built-in properties are unknown models', async () => {
    const catalog = compilePolicy(await policyOf(`${POOLS}models: { m: { ladder: [ { pool: a } ] } }`));
    for (const name of ['constructor', '__proto__', 'toString', 'M', 'm ', '']) expect(catalog.find(name)).toBeNull();
  });

  test('agrees with a regular expression on any pattern and name', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 9 });
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 7 });
    fc.assert(
      fc.property(pattern, text, (glob, name) => {
        expect(fitsPattern(name, glob.split('*'))).toBe(new RegExp(`^${glob.replaceAll('*', '.*')}$`).test(name));
      }),
      { numRuns: 2000 },
    );
  });
});

test('the saved policy is one document that loads to the same policy and holds references, not secrets', async () => {
  const result = await load(TEXTS);
  if (!result.ok) throw new Error(lines(result.problems).join('\n'));
  const saved = savedPolicy(result.sources)!;
  expect(saved).toContain('$KEY');
  expect(saved).not.toContain(SECRET);
  expect(saved).not.toContain('include');
  expect(await policyOf({ 'data/last-good.yaml': saved })).toEqual(result.policy);
  expect(savedPolicy([])).toBeNull();
});

test('the check names every rung, and shows no headers', async () => {
  const result = await load(TEXTS);
  const report = checkReport(result);
  expect(report).toContain(
    'm (chat, also asked as gpt-4o-mini, a/b:c@d)\n  1 p\n  2 q  substitute, when cold\n  3 p  substitute, when cold or failing\n',
  );
  expect(report).toContain('The policy is valid: 3 models, 3 pools, 1 provider, 3 warnings.');
  expect(checkExitCode(result)).toBe(0);
  expect(report + JSON.stringify(checkJson(result))).not.toContain(SECRET);
  expect(checkJson(result).models[0]!.rungs[1]).toEqual({
    number: 2,
    kind: 'pool',
    target: 'q',
    serves: 'q',
    zone: null,
    same: false,
    when: ['cold'],
  });
});

test('pools that no ladder names are warned of, and a policy without models', async () => {
  const result = await load('version: 1\npools: { p: { workers: [ { demo: chat } ] } }');
  expect(result.ok ? lines(result.warnings) : []).toEqual([
    'policies/x.yaml:1:1 names no models: every call will be refused',
    'policies/x.yaml:2:10 pools.p: is on no ladder: no call ever goes there',
  ]);
});

describe('files of the repository', () => {
  for (const [path, text] of Object.entries(generatedFiles())) {
    test(`${path} is in step with the schema`, async () => {
      expect(await readFile(new URL(path, root), 'utf8')).toBe(text);
    });
  }

  for (const name of ['default', 'example']) {
    test(`policies/${name}.yaml is valid without warnings`, async () => {
      const text = await readFile(new URL(`policies/${name}.yaml`, root), 'utf8');
      const result = await load(
        { [`policies/${name}.yaml`]: text },
        { env: () => SECRET, file: () => Promise.resolve(SECRET) },
      );
      expect(result.ok ? lines(result.warnings) : lines(result.problems)).toEqual([]);
    });
  }
});

test('durations and addresses', () => {
  expect(['700ms', '1.5s', '10m', '24h', '0s'].map(parseDuration)).toEqual([700, 1500, 600_000, 86_400_000, 0]);
  for (const text of ['', '10', 's', '-1s', '1 s', '1d', '1e3s', '597h', '1S', '١s'])
    expect(parseDuration(text)).toBeNull();
  expect([0, 1, 1500, 90_000, 600_000, 3_600_000].map(formatDuration)).toEqual([
    '0s',
    '1ms',
    '1500ms',
    '90s',
    '10m',
    '1h',
  ]);
  expect(parseAddress('0.0.0.0:80')).toEqual({ host: '0.0.0.0', port: 80 });
  for (const text of ['80', ':80', '::1:80', 'a:', 'a:65536', 'a b:1', 'http://a:1'])
    expect(parseAddress(text)).toBeNull();
});
