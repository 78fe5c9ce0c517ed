// What is refused about managed APIs, credentials, reply headers, defaults and the server, word by word. For policy/load.
import { describe, expect, test } from 'vitest';
import { isNetwork } from '../../src/policy/network.ts';
import { replyHeaderProblem } from '../../src/policy/reply-headers.ts';
import { lines, load, POOLS, problemsOf, SECRET } from './load-texts.ts';

const OPENAI = 'providers: { o: { kind: openai, apiKey: $KEY } }';

/** What is wrong, the text after POOLS (from line 6 on), the lines. `#` stands for the file. */
const CASES: readonly (readonly [string, string, readonly string[]])[] = [
  [
    'an unknown kind',
    'providers: { o: { kind: opnai } }',
    [
      '#:6:19 providers.o.kind: unknown value "opnai". Valid: openai, anthropic, openai-compatible, cohere, jina, voyage. Did you mean openai?',
    ],
  ],
  [
    'an unknown provider',
    `${OPENAI}\nmodels: { m: { ladder: [ { provider: oo/gpt-5 } ] } }`,
    ['#:7:28 models.m.ladder[0].provider: unknown provider "oo". Valid: o. Did you mean o?'],
  ],
  [
    'a name of a pool and a provider',
    'providers: { a: { kind: openai, apiKey: $KEY } }',
    ['#:6:14 providers.a: is the name of a pool too, at #:3:3'],
  ],
  [
    'a rung without a model behind its slash',
    `${OPENAI}\nmodels: { m: { ladder: [ { provider: o/ } ] } }`,
    ['#:7:28 models.m.ladder[0].provider: must be the name of a provider, or name/model'],
  ],
  [
    'a rung that is a pool and a provider',
    `${OPENAI}\nmodels: { m: { ladder: [ { pool: a, provider: o } ] } }`,
    ['#:7:26 models.m.ladder[0]: has pool and provider; choose one'],
  ],
  [
    'a substitute for an embedding',
    `${OPENAI}\nmodels: { v: { class: embed, ladder: [ { pool: e }, { provider: o/text-embedding-3-small } ] } }`,
    [
      '#:7:53 models.v.ladder[1]: is a substitute, and an embedding is never answered by another model; say same: true where it is a copy',
    ],
  ],
  [
    'a provider that speaks no dialect of the class',
    'providers: { c: { kind: cohere, apiKey: $KEY } }\nmodels: { m: { ladder: [ { pool: a }, { provider: c } ] } }',
    [
      '#:7:39 models.m.ladder[1]: c speaks rerank, and calls of class chat are openai-chat, openai-completions, openai-responses, anthropic-messages, anthropic-count-tokens',
    ],
  ],
  [
    'the same of an absent one, inside a ladder',
    'providers: { n: { kind: anthropic, apiKey: $NOPE, optional: true } }\nladders: { l: [ { provider: n } ] }\nmodels: { v: { class: embed, ladder: [ { ladder: l } ] } }',
    [
      '#:8:40 models.v.ladder[0]: n speaks anthropic-messages, anthropic-count-tokens, and calls of class embed are openai-embeddings',
    ],
  ],
  [
    'no address where the kind has none',
    'providers: { g: { kind: openai-compatible, apiKey: $KEY } }',
    ['#:6:14 providers.g.baseUrl: is required: this kind has no address of its own'],
  ],
  [
    'the address of a route',
    'providers: { g: { kind: openai-compatible, apiKey: $KEY, baseUrl: "https://h/v1/chat/completions" } }',
    ['#:6:58 providers.g.baseUrl: is the address of one route; give what stands before it'],
  ],
  [
    'no key where one is needed',
    'providers: { o: { kind: anthropic } }',
    ['#:6:14 providers.o.apiKey: is required with auth: x-api-key; say auth: none where no key is asked for'],
  ],
  [
    'a literal key',
    `providers: { o: { kind: openai, apiKey: ${SECRET} } }`,
    ['#:6:33 providers.o.apiKey: must be $NAME (an environment variable) or $file:/path, never the secret itself'],
  ],
  [
    'a literal modal secret',
    `providers: { o: { kind: openai, auth: modal, modalKey: $KEY, modalSecret: ${SECRET} } }`,
    ['#:6:62 providers.o.modalSecret: must be $NAME (an environment variable) or $file:/path, never the secret itself'],
  ],
  [
    'half a modal key',
    'providers: { o: { kind: openai, auth: modal, modalKey: $KEY } }',
    ['#:6:33 providers.o.auth: is modal, which needs both modalKey and modalSecret'],
  ],
  [
    'a key with auth none',
    'providers: { o: { kind: openai, auth: none, apiKey: $KEY } }',
    ['#:6:45 providers.o.apiKey: has no place with auth: none'],
  ],
  [
    'a modal key with another auth',
    'providers: { o: { kind: openai, apiKey: $KEY, modalKey: $KEY } }',
    ['#:6:47 providers.o.modalKey: has no place with auth: bearer'],
  ],
  [
    'a credential in two places',
    'providers: { o: { kind: anthropic, apiKey: $KEY, headers: { X-Api-Key: $KEY } } }',
    ['#:6:50 providers.o.headers: sets x-api-key beside apiKey, which is sent there; remove one'],
  ],
  [
    'a header that a dialect brings',
    'providers: { o: { kind: anthropic, apiKey: $KEY, headers: { anthropic-version: "2023-06-01" } } }',
    ['#:6:61 providers.o.headers.anthropic-version: is a header that the router itself writes'],
  ],
  [
    'reply headers that never pass',
    'providers: { o: { kind: openai, apiKey: $KEY, replyHeaders: [Set-Cookie, x-trace, openai-organization] } }',
    [
      "#:6:62 providers.o.replyHeaders[0]: never reaches callers: it would set state in the caller's client",
      '#:6:83 providers.o.replyHeaders[2]: never reaches callers: it tells who the account belongs to',
    ],
  ],
  [
    'a default that is no model',
    'models: { m: { ladder: [ { pool: a } ] } }\nclasses: { chat: { default: n } }',
    ['#:7:20 classes.chat.default: unknown model "n". Valid: m.'],
  ],
  [
    'a default of another class',
    'models: { m: { ladder: [ { pool: a } ] }, v: { class: embed, aliases: [w], ladder: [ { pool: e } ] } }\nclasses: { chat: { default: w } }',
    ['#:7:20 classes.chat.default: is a model of class embed, at #:6:43'],
  ],
  ['half a certificate', 'server: { tls: { cert: /c } }', ['#:6:11 server.tls.key: is required']],
  [
    'a network of everyone',
    'server: { trustedProxies: [10.0.0.1, 0.0.0.0/0] }',
    [
      '#:6:38 server.trustedProxies[1]: must be an address or a network, such as 10.0.0.5, 10.0.0.0/8 or fd00::/8, and not all addresses',
    ],
  ],
  [
    'a literal admin secret',
    `server: { adminSecret: ${SECRET} }`,
    ['#:6:11 server.adminSecret: must be $NAME (an environment variable) or $file:/path, never the secret itself'],
  ],
  [
    'an admin secret that is not set',
    'server: { adminSecret: $NOPE }',
    ['#:6:11 server.adminSecret: the environment variable NOPE is not set'],
  ],
];

describe('refused, with file, line, column, key and the way out', () => {
  for (const [what, text, expected] of CASES) {
    test(what, async () => {
      const found = await problemsOf(POOLS + text);
      expect(found).toEqual(expected.map((line) => line.replaceAll('#', 'policies/x.yaml')));
      expect(found.join()).not.toContain(SECRET);
    });
  }
});

test('a provider that is defined in two files names both places', async () => {
  const found = await problemsOf({
    'policies/x.yaml': `${POOLS}${OPENAI}\ninclude: [ y.yaml ]\n`,
    'policies/y.yaml': 'providers:\n  o: { kind: openai, apiKey: $KEY }\n  p: { kind: openai, apiKey: $KEY }\n',
  });
  expect(found).toEqual(['policies/y.yaml:2:3 providers.o: is defined twice, first at policies/x.yaml:6:14']);
});

test('a provider on no ladder is warned of', async () => {
  const result = await load(
    `${POOLS}${OPENAI}\nmodels: { m: { ladder: [ { pool: a }, { pool: b } ] }, v: { class: embed, ladder: [ { pool: e } ] } }`,
  );
  expect(result.ok && lines(result.warnings)).toEqual([
    'policies/x.yaml:6:14 providers.o: is on no ladder: no call ever goes there',
  ]);
});

test('reply headers that may pass, and those that never do', () => {
  const passing = [
    'openai-processing-ms',
    'x-ratelimit-remaining-tokens',
    'anthropic-ratelimit-input-tokens-reset',
    'x-trace',
  ];
  expect(passing.map(replyHeaderProblem)).toEqual(passing.map(() => null));
  const never = [
    'Set-Cookie',
    'connection',
    'Transfer-Encoding',
    'content-length',
    'Content-Encoding',
    'authorization',
    'x-api-key',
    'x-amz-security-token',
    'X-Spillway-Served',
    'x-request-id',
    'request-id',
    'retry-after',
    'retry-after-ms',
    'openai-organization',
    'anthropic-organization-id',
    'openai-project',
    'cf-ray',
    'access-control-allow-origin',
    'strict-transport-security',
    'server',
    'a b',
  ];
  for (const header of never) expect(replyHeaderProblem(header), header).not.toBeNull();
});

test('addresses and networks', () => {
  for (const text of ['10.0.0.5', '10.0.0.0/8', '1.2.3.4/32', '::1', 'fd00::/8', '::ffff:10.0.0.1/128', 'FE80::1'])
    expect(isNetwork(text), text).toBe(true);
  const bad = [
    '',
    '10.0.0',
    '10.0.0.256',
    '010.0.0.1',
    '10.0.0.1/0',
    '10.0.0.1/33',
    '10.0.0.1/08',
    '::/0',
    '::1/129',
    '::g',
    'fe80::1%eth0',
    '[::1]',
    'localhost',
    '10.0.0.1/8/8',
    '1.2.3.4 ',
    '0x7f.1',
  ];
  for (const text of bad) expect(isNetwork(text), text).toBe(false);
});
