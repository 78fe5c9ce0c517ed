// What is refused, with the exact line an operator reads. For policy/load.
import { describe, expect, test } from 'vitest';
import { POOLS, problemsOf, SECRET } from './load-texts.ts';

const KEYS =
  'version, include, server, telemetry, pools, providers, ladders, models, classes, scheduling, fairness, plans, tenants, prices';
const SERVER_KEYS =
  'listen, admin, data, usageDays, basePath, allowedHosts, allowedOrigins, drain, tls, trustedProxies, adminSecret';
const DURATION = 'must be a duration with its unit, such as 700ms, 10s, 10m or 24h, from';
const USED = 'models: { m: { ladder: [ { pool: a }, { pool: b } ] }, v: { class: embed, ladder: [ { pool: e } ] } }';

/** What is wrong, the text after POOLS (from line 6 on), the lines. `#` stands for the file. */
const CASES: readonly (readonly [string, string, readonly string[]])[] = [
  ['an unknown key', 'poolz: {}', [`#:6:1 poolz: unknown key. Valid: ${KEYS}. Did you mean pools?`]],
  ['a section of a later release', 'batches: {}', [`#:6:1 batches: unknown key. Valid: ${KEYS}.`]],
  ['a key of a later release', 'server: { zone: eu }', [`#:6:11 server.zone: unknown key. Valid: ${SERVER_KEYS}.`]],
  ['a section without value', 'server:', ['#:6:1 server: has no value: give it one or remove the key']],
  ['a list for a mapping', 'server: []', ['#:6:1 server: must be a mapping of keys to values, not a list']],
  ['a bare number for a duration', 'server: { drain: 30 }', [`#:6:11 server.drain: ${DURATION} 0s to 596h`]],
  ['a duration beyond timers', 'server: { drain: 597h }', [`#:6:11 server.drain: ${DURATION} 0s to 596h`]],
  [
    'a timeout of nothing',
    'classes: { chat: { timeouts: { idle: 0s } } }',
    [`#:6:32 classes.chat.timeouts.idle: ${DURATION} 1ms to 596h`],
  ],
  [
    'a port without host',
    'server: { listen: 8787 }',
    [
      '#:6:11 server.listen: must be a host and a port, such as 127.0.0.1:8787 or "[::1]:8787"; port 0 takes a free one',
    ],
  ],
  [
    'a port too high',
    'server: { admin: "a:70000" }',
    ['#:6:11 server.admin: must be a host and a port, such as 127.0.0.1:8787 or "[::1]:8787"; port 0 takes a free one'],
  ],
  [
    'a wildcard origin',
    'server: { allowedOrigins: ["*"] }',
    ['#:6:28 server.allowedOrigins[0]: must be an origin such as https://app.example.com, without path or *'],
  ],
  [
    'a host with a port',
    'server: { allowedHosts: ["a.b:80"] }',
    ['#:6:26 server.allowedHosts[0]: must be a host name without scheme, port or *, such as llm.example.com'],
  ],
  ['a climbing base path', 'server: { basePath: /a/../b }', ['#:6:11 server.basePath: must not hold . or .. segments']],
  [
    'an unknown word',
    'telemetry: { log: sumary }',
    ['#:6:14 telemetry.log: unknown value "sumary". Valid: none, summary, debug. Did you mean summary?'],
  ],
  [
    'a class that is not served yet',
    'models: { m: { class: batch, ladder: [ { pool: a } ] } }',
    ['#:6:16 models.m.class: batch is not served yet. Valid: chat, embed, rerank.'],
  ],
  [
    'rules of a class that is not served yet',
    'classes: { batch: {} }',
    ['#:6:12 classes.batch: unknown key. Valid: chat, embed, rerank.'],
  ],
  ['a model without ladder', 'models: { m: {} }', ['#:6:11 models.m.ladder: is required']],
  ['an empty ladder', 'models: { m: { ladder: [] } }', ['#:6:16 models.m.ladder: needs at least one rung']],
  [
    'an unknown pool',
    'models: { m: { ladder: [ { pool: aa } ] } }',
    ['#:6:28 models.m.ladder[0].pool: unknown pool "aa". Valid: a, b, e. Did you mean a?'],
  ],
  [
    'an unknown ladder',
    'models: { m: { ladder: [ { pool: a }, { ladder: x } ] } }',
    ['#:6:41 models.m.ladder[1].ladder: unknown ladder "x". There is none.'],
  ],
  [
    'a rung that is nothing',
    'models: { m: { ladder: [ { same: true } ] } }',
    ['#:6:26 models.m.ladder[0]: lacks the key that says what it is. Valid: pool, provider, ladder.'],
  ],
  [
    'a rung that is two things',
    'models: { m: { ladder: [ { pool: a, ladder: a } ] } }',
    [
      '#:6:26 models.m.ladder[0]: has pool and ladder; choose one',
      '#:6:37 models.m.ladder[0].ladder: unknown ladder "a". There is none.',
    ],
  ],
  [
    'a rung that is text',
    'models: { m: { ladder: [ a ] } }',
    ['#:6:26 models.m.ladder[0]: must be a mapping with one of pool, provider, ladder, not text'],
  ],
  [
    'a first rung that is no copy',
    'models: { m: { ladder: [ { pool: a, same: false } ] } }',
    ['#:6:37 models.m.ladder[0].same: must not be false: the first rung is the asked model itself'],
  ],
  [
    'an unknown reason',
    'models: { m: { ladder: [ { pool: a }, { pool: b, when: [slo] } ] } }',
    [
      '#:6:57 models.m.ladder[1].when[0]: unknown value "slo". Valid: saturated, cold, failing, slow, budget. Did you mean slow?',
    ],
  ],
  [
    'an alias that is a model',
    'models: { m: { ladder: [ { pool: a } ] }, n: { aliases: [m], ladder: [ { pool: b } ] } }',
    ['#:6:58 models.n.aliases[0]: is the name of a model, at #:6:11'],
  ],
  [
    'an alias of two models',
    'models: { m: { aliases: [x], ladder: [ { pool: a } ] }, n: { aliases: [x], ladder: [ { pool: b } ] } }',
    ['#:6:72 models.n.aliases[0]: is an alias already, of m at #:6:26'],
  ],
  [
    'an alias that is a pattern',
    'models: { m: { aliases: ["x*"], ladder: [ { pool: a } ] } }',
    ['#:6:26 models.m.aliases[0]: must not be a pattern: give the pattern a model of its own'],
  ],
  [
    'a substitute for an embedding',
    'models: { v: { class: embed, ladder: [ { pool: e }, { pool: b } ] } }',
    [
      '#:6:53 models.v.ladder[1]: is a substitute, and an embedding is never answered by another model; say same: true where it is a copy',
    ],
  ],
  [
    'a name with spaces',
    'models: { "a b": { ladder: [ { pool: a } ] } }',
    ['#:6:11 models."a b": is no model name: use up to 256 visible ASCII characters without spaces'],
  ],
  [
    'a key twice',
    `${USED}\ntelemetry: { log: none, log: debug }`,
    ['#:7:25 telemetry: has the key "log" twice, first at #:7:14'],
  ],
  ['a key that is no name', `${USED}\n__proto__: {}`, ['#:7:1 has the key "__proto__", which is not accepted']],
  ['a second document', '---\na: 1', ['#:6:1 holds more than one YAML document; only one is read (MULTIPLE_DOCS)']],
  ['a tag', 'server: !!js/function x', ['#:6:9 uses a YAML tag (!name), and none is accepted (TAG_RESOLVE_FAILED)']],
  ['a merge key', 'server: { <<: { drain: 1s } }', [`#:6:11 server."<<": unknown key. Valid: ${SERVER_KEYS}.`]],
];

describe('refused, with file, line, column, key and the way out', () => {
  for (const [what, text, expected] of CASES) {
    test(what, async () => {
      expect(await problemsOf(POOLS + text)).toEqual(expected.map((line) => line.replaceAll('#', 'policies/x.yaml')));
    });
  }
});

/** What is wrong, an entry under `workers`, what is said of it. */
const WORKERS: readonly (readonly [string, string, string])[] = [
  ['no known kind', '{ runpod: abc }', '[0].runpod: unknown key. Valid: url, demo.'],
  ['a mistyped kind', '{ demoo: chat }', '[0].demoo: unknown key. Valid: url, demo. Did you mean demo?'],
  ['no kind at all', '{ apiKey: $KEY }', '[0]: lacks the key that says what it is. Valid: url, demo.'],
  ['two kinds', '{ url: "http://a", demo: chat }', '[0]: has url and demo; choose one'],
  [
    'an option of another kind',
    '{ demo: chat, headers: {} }',
    '[0].headers: unknown key. Valid: demo, model, startUp, prefillTokensPerSecond, decodeTokensPerSecond, maxNumSeqs, maxNumQueuedReqs, maxModelLen, rerankForm, gpu, gpus, usdPerGpuHour, billed.',
  ],
  [
    'a fraction where its plug-in wants none',
    '{ demo: chat, maxNumSeqs: 1.5 }',
    '[0].maxNumSeqs: must be a whole number',
  ],
  [
    'text where its plug-in wants a number',
    '{ demo: chat, maxNumSeqs: many }',
    '[0].maxNumSeqs: must be a number, not text',
  ],
  [
    'a duration its plug-in cannot read',
    '{ demo: chat, startUp: 2 s }',
    '[0].startUp: must be a duration with its unit, such as 700ms, 10s, 10m or 24h, from 0s to 596h',
  ],
  [
    'a value its plug-in does not know',
    '{ demo: embedd }',
    '[0].demo: unknown value "embedd". Valid: chat, embed, rerank. Did you mean embed?',
  ],
  [
    'a credential in the address',
    `{ url: "http://u:${SECRET}@a" }`,
    '[0].url: must be an http:// or https:// address without user, password, query or fragment',
  ],
  [
    'another scheme',
    '{ url: "ftp://a" }',
    '[0].url: must be an http:// or https:// address without user, password, query or fragment',
  ],
  [
    'a literal key',
    `{ url: "http://a", apiKey: ${SECRET} }`,
    '[0].apiKey: must be $NAME (an environment variable) or $file:/path, never the secret itself',
  ],
  [
    'a literal key that is a number',
    '{ url: "http://a", apiKey: 12345678 }',
    '[0].apiKey: must be $NAME (an environment variable) or $file:/path, never the secret itself',
  ],
  [
    'a literal credential in a header',
    `{ url: "http://a", headers: { x-api-key: ${SECRET} } }`,
    '[0].headers.x-api-key: carries a credential: its value must be $NAME or $file:/path',
  ],
  [
    'a header the router writes',
    '{ url: "http://a", headers: { Host: b } }',
    '[0].headers.Host: is a header that the router itself writes',
  ],
  [
    'a header twice',
    '{ url: "http://a", headers: { x-a: b, X-A: c } }',
    '[0].headers.X-A: is given twice: upper and lower case are one in header names',
  ],
  [
    'a header that smuggles',
    '{ url: "http://a", headers: { x-a: "b\\r\\nc: d" } }',
    '[0].headers.x-a: has a value that a header cannot carry',
  ],
  [
    'two credentials in one place',
    '{ url: "http://a", apiKey: $KEY, headers: { Authorization: $KEY } }',
    '[0].headers: sets authorization beside apiKey, which is sent there; remove one',
  ],
  ['an unset variable', '{ url: "http://a", apiKey: $NOPE }', '[0].apiKey: the environment variable NOPE is not set'],
  ['an empty variable', '{ url: "http://a", apiKey: $EMPTY }', '[0].apiKey: the environment variable EMPTY is empty'],
  [
    'a secret that smuggles',
    '{ url: "http://a", headers: { x-a: $BROKEN } }',
    '[0].headers.x-a: $BROKEN holds line breaks, outer spaces or other characters that a header cannot carry',
  ],
  [
    'a secret file that is not there',
    '{ url: "http://a", apiKey: "$file:/nope" }',
    '[0].apiKey: $file:/nope is not there',
  ],
];

describe('a worker is refused for', () => {
  for (const [what, entry, expected] of WORKERS) {
    test(what, async () => {
      const text = `version: 1\npools: { p: { workers: [ ${entry} ] } }\nmodels: { m: { ladder: [ { pool: p } ] } }\n`;
      const found = (await problemsOf(text)).map((line) =>
        line.replace(/^policies\/x\.yaml:2:\d+ pools\.p\.workers/, ''),
      );
      expect(found).toEqual([expected]);
    });
  }
});
