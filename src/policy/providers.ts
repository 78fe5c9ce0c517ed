// The `providers:` section: its keys, and what a managed API becomes for the router. For the schema and the loader.
import { z } from 'zod';
import type { ProviderDoor } from '../core/provider.ts';
import type { ProfileSpec } from '../core/schedule.ts';
import { authFields, credentialHeaders } from './auth.ts';
import { concurrency, limitSpec } from './concurrency.ts';
import { headerFields, headerList, parseBase, URL_FORM, URL_MESSAGE } from './endpoint.ts';
import type { ProviderSpec } from './policy.ts';
import type { Path, Reporter } from './problems.ts';
import type { Registries } from './registries.ts';
import { replyHeaders } from './reply-headers.ts';
import { fingerprint } from './secrets.ts';
import { targetFacts, targetFields } from './target.ts';
import { name } from './units.ts';

export function providerSchema(registries: Registries) {
  return z
    .strictObject({
      kind: z.enum(Object.keys(registries.providers)).describe('Kind of managed API.'),
      baseUrl: z
        .string()
        .regex(URL_FORM, URL_MESSAGE)
        .refine((text) => parseBase(text) !== null, URL_MESSAGE)
        .optional()
        .describe(
          "Its address, as the API's own clients take it. Default: that of the kind; openai-compatible has none.",
        ),
      ...authFields("the kind's own"),
      headers: headerFields(),
      ...targetFields(),
      replyHeaders: replyHeaders()
        .optional()
        .describe("Headers of the provider's replies that callers get. Default: those of the kind."),
      quotaDomain: name()
        .optional()
        .describe(
          'The account that calls are paid from. Providers that name one domain share its limits: what one of them is told, the others heed. Default: the name of the provider.',
        ),
      concurrency: concurrency(registries)
        .prefault(256)
        .describe('Calls in flight; further calls wait in line. A number, auto, or a limit that learns.'),
      optional: z
        .boolean()
        .prefault(false)
        .describe(
          'true: while a key of it is not set, the provider is not there, and neither are models that nothing else serves; false: a key that is not set is an error.',
        ),
    })
    .describe('A managed API, which costs money with every call.');
}

export type ProviderDocument = z.output<ReturnType<typeof providerSchema>>;

const VERSION_END = /\/v\d+$/;
/** A route where the base URL of all routes is wanted. */
const ROUTE_END = /\/(chat\/completions|v\d+\/(messages|completions|embeddings|responses|rerank))$/;

export function buildProvider(
  named: string,
  entry: ProviderDocument,
  door: ProviderDoor,
  registries: Registries,
  profile: ProfileSpec,
  secrets: ReadonlyMap<string, string>,
  report: Reporter,
): ProviderSpec {
  const path = ['providers', named];
  const form = entry.auth ?? door.auth;
  const reveal = (reference: string) => secrets.get(reference) ?? '';
  const credential = credentialHeaders(entry, form, true, reveal, path, report);
  const { origin, basePath } = addressOf(entry.baseUrl ?? door.baseUrl, door, [...path, 'baseUrl'], report);
  if (credential.length > 0 && origin.startsWith('http:') && !isLoopback(origin))
    report.warning([...path, 'baseUrl'], 'is not encrypted: whoever is on the way can read the key');
  const { apiKey, modalKey, modalSecret, headers, replyHeaders: kept } = entry;
  const quotaDomain = entry.quotaDomain ?? named;
  const made = { kind: entry.kind, origin, basePath, form, apiKey, modalKey, modalSecret, headers, kept, quotaDomain };
  return {
    name: named,
    key: `${JSON.stringify(made)}${fingerprint(made, secrets)}`,
    kind: entry.kind,
    ...targetFacts(entry, door),
    auth: form,
    origin,
    basePath,
    versioned: door.versioned,
    headers: headerList(headers, credential, secrets, path, report),
    replyHeaders: kept ?? door.replyHeaders,
    quotaDomain,
    concurrency: limitSpec(entry.concurrency, registries),
    profile,
  };
}

function addressOf(
  baseUrl: string | null,
  door: ProviderDoor,
  path: Path,
  report: Reporter,
): { readonly origin: string; readonly basePath: string } {
  if (baseUrl === null) {
    report.problem(path, 'is required: this kind has no address of its own');
    return { origin: '', basePath: '' };
  }
  // The schema accepted the address.
  const { origin, path: basePath } = parseBase(baseUrl)!;
  if (ROUTE_END.test(basePath)) report.problem(path, 'is the address of one route; give what stands before it');
  if (!door.versioned && VERSION_END.test(basePath)) {
    report.warning(path, `ends in ${VERSION_END.exec(basePath)![0]}, which every call adds: it is dropped`);
    return { origin, basePath: basePath.replace(VERSION_END, '') };
  }
  if (door.versioned && door.baseUrl !== null && basePath === '')
    report.warning(path, 'has no path: clients of this API take its version, such as /v1, for a part of the base URL');
  return { origin, basePath };
}

function isLoopback(origin: string): boolean {
  return /^http:\/\/(127\.\d+\.\d+\.\d+|localhost|\[::1\])(:\d+)?$/.test(origin);
}
