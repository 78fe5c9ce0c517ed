// What a policy's managed APIs become: addresses, credentials, rungs, absence, and what `check` says of them. For policy.
import { describe, expect, test } from 'vitest';
import type { DialectName } from '../../src/core/names.ts';
import { dialects } from '../../src/dialects/index.ts';
import { checkJson, checkReport } from '../../src/policy/check.ts';
import { CLASS_DIALECTS } from '../../src/policy/classes.ts';
import { compilePolicy } from '../../src/policy/compile.ts';
import type { ProviderSpec } from '../../src/policy/policy.ts';
import { lines, load, POOLS, policyOf, problemsOf, SECRET } from './load-texts.ts';

/** One provider `x` under a model that any kind can serve. */
async function providerOf(entry: string, routeClass = 'chat'): Promise<{ spec: ProviderSpec; warnings: string[] }> {
  const text = `version: 1\nproviders: { x: { ${entry} } }\nmodels: { m: { class: ${routeClass}, ladder: [ { provider: x } ] } }`;
  const result = await load(text);
  if (!result.ok) throw new Error(lines(result.problems).join('\n'));
  return { spec: result.policy.providers[0]!, warnings: lines(result.warnings) };
}

describe('a kind brings', () => {
  const KINDS: readonly (readonly [string, string, Partial<ProviderSpec>])[] = [
    [
      'openai',
      'chat',
      {
        origin: 'https://api.openai.com',
        basePath: '/v1',
        versioned: true,
        speaks: new Set<DialectName>(['openai-chat', 'openai-completions', 'openai-embeddings', 'openai-responses']),
        headers: ['authorization', `Bearer ${SECRET}`],
        replyHeaders: ['openai-processing-ms', 'openai-version'],
      },
    ],
    [
      'anthropic',
      'chat',
      {
        origin: 'https://api.anthropic.com',
        basePath: '',
        versioned: false,
        speaks: new Set<DialectName>(['anthropic-messages', 'anthropic-count-tokens']),
        headers: ['x-api-key', SECRET],
        replyHeaders: [],
      },
    ],
    ['cohere', 'rerank', { origin: 'https://api.cohere.com', rerank: { form: 'cohere', scores: 'probability' } }],
    ['jina', 'rerank', { origin: 'https://api.jina.ai', rerank: { form: 'jina', scores: 'undeclared' } }],
    ['voyage', 'rerank', { origin: 'https://api.voyageai.com', rerank: { form: 'voyage', scores: 'undeclared' } }],
  ];
  test.each(KINDS)('%s: its address, its way to send a key, its dialects', async (kind, routeClass, expected) => {
    const { spec, warnings } = await providerOf(`kind: ${kind}, apiKey: $KEY`, routeClass);
    expect(spec).toMatchObject({ name: 'x', kind, quotaDomain: 'x', zone: null, ...expected });
    expect(spec.concurrency).toEqual({ kind: 'fixed', options: { limit: 256 } });
    expect(warnings).toEqual([]);
  });
});

test('the dialects of each class are those that the router takes', () => {
  for (const [routeClass, names] of Object.entries(CLASS_DIALECTS)) {
    const taken = Object.values(dialects).filter((dialect) => dialect.class === routeClass);
    expect(new Set(names)).toEqual(new Set(taken.map(({ name }) => name)));
  }
});

describe('base URLs are taken as clients of the API take them', () => {
  const URLS: readonly (readonly [string, string, string, boolean, string])[] = [
    ['openai-compatible', 'https://h/v1beta/openai/', '/v1beta/openai', true, ''],
    ['openai-compatible', 'https://h', '', true, ''],
    ['openai', 'https://h/v1', '/v1', true, ''],
    [
      'openai',
      'https://h',
      '',
      true,
      'has no path: clients of this API take its version, such as /v1, for a part of the base URL',
    ],
    ['anthropic', 'https://h/anthropic', '/anthropic', false, ''],
    ['anthropic', 'https://h/v1', '', false, 'ends in /v1, which every call adds: it is dropped'],
    ['anthropic', 'http://h', '', false, 'is not encrypted: whoever is on the way can read the key'],
    ['anthropic', 'http://127.0.0.1:1', '', false, ''],
  ];
  test.each(URLS)('%s at %s', async (kind, url, basePath, versioned, warning) => {
    const { spec, warnings } = await providerOf(`kind: ${kind}, apiKey: $KEY, baseUrl: "${url}"`);
    expect(spec).toMatchObject({ basePath, versioned });
    expect(warnings.join()).toContain(warning);
    expect(warnings).toHaveLength(warning === '' ? 0 : 1);
  });
});

test('naming a rerank form says that rerank is spoken; speaks has the last word', async () => {
  const at = 'kind: openai-compatible, baseUrl: "https://h/v1", apiKey: $KEY, rerank: { form: jina }';
  expect([...(await providerOf(at, 'rerank')).spec.speaks]).toContain('rerank');
  expect([...(await providerOf(`${at}, speaks: [openai-chat]`)).spec.speaks]).toEqual(['openai-chat']);
});

describe('rungs', () => {
  const PROVIDERS = `${POOLS}providers:
  openrouter: { kind: openai-compatible, baseUrl: "https://h/api/v1", apiKey: $KEY, zone: us }
  spare: { kind: openai, apiKey: $KEY, quotaDomain: openrouter }
`;
  const rungsOf = async (models: string, asked: string) => {
    const catalog = compilePolicy(await policyOf(`${PROVIDERS}models: ${models}`));
    return catalog.find(asked)!.rungs.map(({ target, same }) => [target.name, target.serves, same]);
  };

  test('a model may have slashes; only the first one ends the provider', async () => {
    const model =
      '{ m: { ladder: [ { pool: a }, { provider: openrouter/meta/llama-4, same: true }, { provider: spare/x } ] } }';
    expect(await rungsOf(model, 'm')).toEqual([
      ['a', 'a', true],
      ['openrouter', 'meta/llama-4', true],
      ['spare', 'x', false],
    ]);
  });

  test('without a model, the model’s own name is asked, by its aliases too; under a pattern the asked name goes through', async () => {
    const models =
      '{ gpt-5: { aliases: [best], ladder: [ { provider: spare } ] }, "meta/*": { ladder: [ { provider: openrouter } ] } }';
    expect(await rungsOf(models, 'best')).toEqual([['spare', 'gpt-5', true]]);
    expect(await rungsOf(models, 'meta/llama')).toEqual([['openrouter', null, true]]);
  });

  test('an alias of a pattern is warned of: the provider gets it as it is', async () => {
    const result = await load(`${PROVIDERS}models: { "m-*": { aliases: [best], ladder: [ { provider: spare } ] } }`);
    expect(result.ok && lines(result.warnings).join('\n')).toContain(
      'rung 1 (spare/*) is asked for aliases as they are',
    );
  });

  test('chat and embeddings may share a provider; a reranker may stand in for another', async () => {
    const text = `version: 1
providers:
  openai: { kind: openai, apiKey: $KEY }
  cohere: { kind: cohere, apiKey: $KEY }
  jina: { kind: jina, apiKey: $KEY }
models:
  c: { ladder: [ { provider: openai } ] }
  e: { class: embed, ladder: [ { provider: openai } ] }
  r: { class: rerank, ladder: [ { provider: cohere }, { provider: jina/jina-reranker-v2 } ] }
`;
    const catalog = compilePolicy(await policyOf(text));
    expect(catalog.models.map(({ rungs }) => rungs.length)).toEqual([1, 1, 2]);
  });
});

describe('an optional provider', () => {
  const text = `${POOLS}providers:
  o: { kind: openai, apiKey: $NOPE, optional: true, zone: us }
  f: { kind: anthropic, apiKey: "$file:/nope", optional: true }
  h: { kind: openai, auth: none, headers: { x-token: $EMPTY }, optional: true }
  there: { kind: openai, apiKey: $KEY, optional: true, quotaDomain: o }
models:
  own: { ladder: [ { pool: a }, { provider: o/x } ] }
  other: { ladder: [ { provider: o }, { provider: f }, { provider: h } ] }
  "gpt-*": { ladder: [ { provider: there } ] }
  e: { class: embed, ladder: [ { pool: e } ] }
  b: { ladder: [ { pool: b } ] }
classes: { chat: { default: other } }
`;

  test('is absent while its key is not set, with its rungs and the models that nothing else serves', async () => {
    const policy = await policyOf(text);
    expect(policy.providers.map(({ name }) => name)).toEqual(['there']);
    expect(policy.absent).toEqual([
      { name: 'o', why: 'the environment variable NOPE is not set' },
      { name: 'f', why: '$file:/nope is not there' },
      { name: 'h', why: 'the environment variable EMPTY is empty' },
    ]);
    const catalog = compilePolicy(policy);
    expect(catalog.models.map(({ model, rungs }) => [model, rungs.length])).toEqual([
      ['own', 1],
      ['gpt-*', 1],
      ['e', 1],
      ['b', 1],
    ]);
    // Another model must not stand for a default that is not there.
    expect(catalog.defaultOf('chat')).toBeNull();
    expect(catalog.defaultOf('embed')).toBe('e');
  });

  test('is told of by the check, with the reason; the key that is there is not', async () => {
    const result = await load(text);
    const report = checkReport(result);
    expect(report).toContain(
      'provider there (openai): 256 calls at https://api.openai.com/v1, auth bearer, quota domain o\n' +
        'provider o is absent: the environment variable NOPE is not set\n' +
        'provider f is absent: $file:/nope is not there\n' +
        'provider h is absent: the environment variable EMPTY is empty\n' +
        'models that nothing else serves, absent as well: other\n',
    );
    expect(report).toContain('\ngpt-* (chat)\n  1 there/*\n');
    const json = checkJson(result);
    expect(json.absent.models).toEqual(['other']);
    expect(json.providers).toMatchObject([{ name: 'there', auth: 'bearer', quotaDomain: 'o' }]);
    expect(json.models.find(({ model }) => model === 'gpt-*')!.rungs[0]).toMatchObject({
      kind: 'provider',
      target: 'there',
      serves: null,
    });
    expect(report + JSON.stringify(json)).not.toContain(SECRET);
  });

  test('is no excuse for a key that is broken, nor for anything else', async () => {
    const broken = await problemsOf(
      'version: 1\nproviders:\n' +
        '  a: { kind: openai, apiKey: $BROKEN, optional: true }\n' +
        '  b: { kind: openai, apiKey: "$file:/locked", optional: true }\n' +
        '  c: { kind: openai, apiKey: $NOPE }\n' +
        'models: { m: { ladder: [ { provider: a }, { provider: b }, { provider: c } ] } }',
    );
    expect(broken).toEqual([
      'policies/x.yaml:3:22 providers.a.apiKey: $BROKEN holds line breaks, outer spaces or other characters that a header cannot carry',
      'policies/x.yaml:4:22 providers.b.apiKey: $file:/locked cannot be read',
      'policies/x.yaml:5:22 providers.c.apiKey: the environment variable NOPE is not set',
    ]);
  });
});

test('a provider is the same across reloads until its address, its key or its account changes', async () => {
  const keyOf = async (entry: string, secret = SECRET) => {
    const text = `version: 1\nproviders: { x: { kind: openai, ${entry} } }\nmodels: { m: { ladder: [ { provider: x } ] } }`;
    return (await policyOf(text, { env: () => secret, file: () => Promise.reject(new Error()) })).providers[0]!.key;
  };
  const key = await keyOf('apiKey: $KEY');
  expect(key).not.toContain(SECRET);
  expect(await keyOf('apiKey: $KEY, zone: eu, concurrency: 3, capabilities: [tools]')).toBe(key);
  const others = [
    await keyOf('apiKey: $KEY', 'another-secret'),
    await keyOf('apiKey: $KEY, baseUrl: "https://h/v1"'),
    await keyOf('apiKey: $KEY, quotaDomain: d'),
    await keyOf('apiKey: $KEY, auth: x-api-key'),
    await keyOf('apiKey: $KEY, headers: { a: b }'),
  ];
  expect(new Set([key, ...others]).size).toBe(6);
});
