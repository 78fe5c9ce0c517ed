// The admin routes that read and write tenants. For operators, behind the guard of http/admin.
import type { Context, Hono } from 'hono';
import { RouterError } from '../core/errors.ts';
import type { HttpLimits } from '../core/limits.ts';
import type { NewId } from '../core/runtime.ts';
import { scanBody } from '../dialects/fields.ts';
import { parseSpan } from '../wire/json-view.ts';
import type { Ingress } from './ingress.ts';
import { checkMedia } from './json-body.ts';

/** A tenant as operators see it: its entry as written, and what that means now. */
export type TenantView = Readonly<Record<string, unknown>>;

/** What the entry brings along. Its refusals are RouterErrors; each write is logged by it with the request's id. */
export interface TenantDesk {
  /** Of the policy and of the store, in the order of their names. */
  list(): readonly TenantView[];
  get(name: string): TenantView | null;
  /** Replaces the entry whole. */
  set(name: string, entry: unknown, requestId: string): Promise<TenantView>;
  /** False: there was none. */
  remove(name: string, requestId: string): Promise<boolean>;
}

export interface TenantRouteOptions {
  readonly desk: TenantDesk;
  readonly ingress: Pick<Ingress, 'headers' | 'body'>;
  readonly limits: HttpLimits;
  readonly newId: NewId;
  /** Throws where no secret guards this listener: whoever may look there may not write. */
  mayWrite(): void;
}

/** An entry is short; what is longer is something else. */
const MAX_BODY_BYTES = 64 * 1024;

export function tenantRoutes(app: Hono, options: TenantRouteOptions): void {
  const { desk, ingress, newId, mayWrite } = options;
  const limits = { ...options.limits, maxBodyBytes: MAX_BODY_BYTES };

  app.get('/tenants', () => json({ tenants: desk.list() }, newId()));
  app.get('/tenants/:name', (context) => {
    const view = desk.get(context.req.param('name'));
    if (view === null) throw unknownTenant();
    return json(view, newId());
  });
  app.put('/tenants/:name', async (context) => {
    mayWrite();
    checkMedia(ingress.headers(context));
    const entry = parsed(await ingress.body(context, limits), limits);
    const id = newId();
    return json(await desk.set(context.req.param('name'), entry, id), id);
  });
  app.delete('/tenants/:name', async (context) => {
    mayWrite();
    const id = newId();
    const name = context.req.param('name');
    if (!(await desk.remove(name, id))) throw unknownTenant();
    return json({ removed: name }, id);
  });
  app.all('/tenants', (context) => refuseMethod(context, 'GET, HEAD'));
  app.all('/tenants/:name', (context) => refuseMethod(context, 'GET, HEAD, PUT, DELETE'));
}

/** A key given twice could mean either to whoever reads it next; the router's own scan refuses it at the top. */
function parsed(body: Uint8Array, limits: HttpLimits): unknown {
  const { open, close } = scanBody(body, limits);
  return parseSpan(body, open, close + 1);
}

function unknownTenant(): RouterError {
  return new RouterError('not_found', 'No tenant of this name is set, in the policy or in the store.');
}

function refuseMethod(context: Context, allow: string): never {
  throw new RouterError('method_not_allowed', `This path takes ${allow}, not ${context.req.method}.`, {
    headers: { allow },
  });
}

function json(value: unknown, id: string): Response {
  const headers = { 'content-type': 'application/json', 'x-request-id': id, 'cache-control': 'no-store' };
  return new Response(JSON.stringify(value), { headers });
}
