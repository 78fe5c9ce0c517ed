// Decides how the managed rerank APIs answer, each in its own form: Cohere v2, Jina, Voyage,
// for tests of providers; the longer a document, the better it fits.

import { type ApiAnswer, type ManagedApi, startManagedApi } from './managed-api.ts';

export type RerankApiForm = 'cohere' | 'jina' | 'voyage';

type Body = { model?: string; query?: string; documents?: string[]; top_n?: number; top_k?: number };

const ROUTES: Record<RerankApiForm, string> = { cohere: '/v2/rerank', jina: '/v1/rerank', voyage: '/v1/rerank' };

/** `url` is a base URL as clients of that API take it. */
export async function startRerankApi(form: RerankApiForm, key: string): Promise<ManagedApi & { readonly url: string }> {
  const refusal = (status: number, message: string): ApiAnswer => ({
    status,
    json: form === 'cohere' ? { id: 'e1', message } : { detail: message },
  });
  const api = await startManagedApi({
    headers: (number) => ({ 'x-api-warning': 'none', 'x-request-id': `up-${number}` }),
    answer({ headers, method, path, body: text }) {
      if (headers['authorization'] !== `Bearer ${key}`) return refusal(401, 'invalid api token');
      if (method !== 'POST' || path !== ROUTES[form]) return refusal(404, 'not found');
      const body = JSON.parse(text) as Body;
      const own = form === 'voyage' ? 'top_k' : 'top_n';
      const foreign = form === 'voyage' ? 'top_n' : 'top_k';
      if (foreign in body) return refusal(422, `extra field ${foreign}`);
      const ranked = (body.documents ?? [])
        .map((document, index) => ({ index, relevance_score: document.length / (document.length + 10) }))
        .sort((a, b) => b.relevance_score - a.relevance_score || a.index - b.index)
        .slice(0, body[own] ?? Number.POSITIVE_INFINITY);
      const usage = { total_tokens: text.length };
      const replies: Record<RerankApiForm, unknown> = {
        cohere: {
          id: 'r1',
          results: ranked,
          meta: { api_version: { version: '2' }, billed_units: { search_units: 1 } },
        },
        jina: { model: body.model, object: 'list', usage, results: ranked },
        voyage: { object: 'list', data: ranked, model: body.model, usage },
      };
      return { status: 200, json: replies[form] };
    },
  });
  return { ...api, url: form === 'cohere' ? api.origin : `${api.origin}/v1` };
}
