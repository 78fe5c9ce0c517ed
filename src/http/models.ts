// How models are listed, in OpenAI's or Anthropic's form by the caller's headers. For http/app.
import { RouterError } from '../core/errors.ts';
import { type HeaderView, headerOf } from '../core/transport.ts';
import type { ListedModel } from '../router/create.ts';

/** Unix seconds; when a model was made is not known, so all carry one fixed, plausible instant. */
const CREATED = 1_767_225_600;

/** Whoever names a version of Anthropic's API speaks it. */
export function speaksAnthropic(headers: HeaderView): boolean {
  return headerOf(headers, 'anthropic-version') !== null;
}

export function modelObject(model: ListedModel, anthropic: boolean) {
  if (!anthropic) return { id: model.id, object: 'model', created: CREATED, owned_by: 'spillway', class: model.class };
  const created_at = new Date(CREATED * 1000).toISOString();
  return { type: 'model', id: model.id, display_name: model.id, created_at, class: model.class };
}

const MOST = 1000;

/** OpenAI's list is whole; Anthropic's is paged by `limit`, `after_id` and `before_id`. */
export function modelList(models: readonly ListedModel[], anthropic: boolean, query: URLSearchParams) {
  if (!anthropic) return { object: 'list', data: models.map((model) => modelObject(model, false)) };
  const limit = query.get('limit') ?? '20';
  const size = Number(limit);
  if (!/^\d{1,4}$/.test(limit) || size < 1 || size > MOST) {
    throw new RouterError('invalid_value', `"limit" must be a whole number from 1 to ${MOST}.`, { param: 'limit' });
  }
  const after = placeOf(models, query, 'after_id');
  const before = placeOf(models, query, 'before_id');
  // Backwards, a page is the last one before its mark.
  const end = before ?? Math.min(models.length, (after ?? -1) + 1 + size);
  const start = after === null ? Math.max(0, before === null ? 0 : end - size) : after + 1;
  const page = models.slice(start, end);
  return {
    data: page.map((model) => modelObject(model, true)),
    has_more: before === null ? end < models.length : start > 0,
    first_id: page[0]?.id ?? null,
    last_id: page.at(-1)?.id ?? null,
  };
}

function placeOf(models: readonly ListedModel[], query: URLSearchParams, key: string): number | null {
  const id = query.get(key);
  if (id === null) return null;
  const place = models.findIndex((model) => model.id === id);
  if (place < 0) throw new RouterError('invalid_value', `"${key}" names no model of this list.`, { param: key });
  return place;
}
