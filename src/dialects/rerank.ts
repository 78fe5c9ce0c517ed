// POST /v2/rerank, /v1/rerank and /rerank. For clients of Cohere, Jina, Voyage, Text Embeddings Inference and vLLM.
import type { BodyLimits, Dialect } from '../core/dialect.ts';
import { RouterError } from '../core/errors.ts';
import { fieldOf } from '../wire/json-view.ts';
import type { ScannedObject } from '../wire/scan.ts';
import { scanBody } from './fields.ts';
import { RerankCall } from './rerank/call.ts';
import { cohereCaller } from './rerank/cohere.ts';
import type { CallerForm } from './rerank/form.ts';
import { jinaCaller } from './rerank/jina.ts';
import { teiCaller } from './rerank/tei.ts';
import { voyageCaller } from './rerank/voyage.ts';

const common = {
  name: 'rerank',
  class: 'rerank',
  errorStatus: (error: RouterError) => error.status,
  requestIdHeader: null,
} as const;

const NEEDS_MODEL = true;

/** Cohere's v2 API. */
export const rerankV2: Dialect = {
  ...common,
  routes: ['/v2/rerank'],
  parse: (body, limits) => new RerankCall(body, scanBody(body, limits, 'documents'), cohereCaller, limits, NEEDS_MODEL),
  errorBody: (error, requestId) => JSON.stringify({ id: requestId, message: error.message }),
};

/** Jina's API, and Voyage's where one of its own keys stands in the body: they share the path. */
export const rerankV1: Dialect = {
  ...common,
  routes: ['/v1/rerank'],
  parse(body, limits) {
    const scan = scanBody(body, limits, 'documents');
    const form = has(scan, 'top_k') || has(scan, 'truncation') ? voyageCaller : jinaCaller;
    return new RerankCall(body, scan, form, limits, NEEDS_MODEL);
  },
  errorBody: ({ message }) => JSON.stringify({ detail: message, message }),
};

/** TEI's API where `texts` stands in the body; else vLLM's, which is Jina's form. Neither needs a model. */
export const rerankBare: Dialect = {
  ...common,
  routes: ['/rerank'],
  parse(body, limits) {
    const scan = scanEither(body, limits);
    const form: CallerForm = has(scan, 'texts') ? teiCaller : jinaCaller;
    return new RerankCall(body, scan, form, limits, false);
  },
  errorBody: (error) => JSON.stringify({ error: error.message, error_type: errorType(error), detail: error.message }),
};

const has = (scan: ScannedObject, key: string): boolean => fieldOf(scan, key) !== undefined;

/** Documents do not count as tokens under either name; which one it is, only the scan says. */
function scanEither(body: Uint8Array, limits: BodyLimits): ScannedObject {
  try {
    return scanBody(body, limits, 'documents');
  } catch (thrown) {
    if (!(thrown instanceof RouterError) || thrown.code !== 'too_complex') throw thrown;
    return scanBody(body, limits, 'texts');
  }
}

/** TEI's word for what went wrong. */
function errorType({ code, status, detail }: RouterError): string {
  if (code === 'missing_field' && (detail.param === 'texts' || detail.param === 'documents')) return 'Empty';
  if (code === 'model_warming' || code === 'draining') return 'Unhealthy';
  if (status === 429 || status === 503) return 'Overloaded';
  return status < 500 ? 'Validation' : 'Backend';
}
