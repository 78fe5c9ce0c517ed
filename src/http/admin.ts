// The admin listener: what the router knows of itself, and its tenants. For operators, by their secret or on this machine.
import { Hono } from 'hono';
import { RouterError, toRouterError } from '../core/errors.ts';
import type { HttpLimits } from '../core/limits.ts';
import type { Digest, NewId } from '../core/runtime.ts';
import type { HeaderView } from '../core/transport.ts';
import type { Router } from '../router/create.ts';
import { sameBytes } from '../wire/same-bytes.ts';
import { type TenantDesk, tenantRoutes } from './admin-tenants.ts';
import { credentialOf } from './credential.ts';
import { errorReply } from './errors.ts';
import type { Ingress } from './ingress.ts';
import { type UsageRoutes, usageRoutes } from './usage.ts';

export interface AdminOptions {
  readonly router: Router;
  readonly newId: NewId;
  readonly ingress: Pick<Ingress, 'headers' | 'body'>;
  readonly limits: HttpLimits;
  readonly digest: Digest;
  /** What this listener asks for; null = none is set. */
  secret(): string | null;
  /** Whether anybody may look while no secret is set. */
  open(): boolean;
  ready(): boolean;
  /** The policy in force: where it came from, and what is wrong with a newer one that was refused. */
  policy(): { readonly file: string; readonly loadedAt: string; readonly refused: readonly string[] };
  /** The ledger, where one is kept. */
  readonly usage?: UsageRoutes;
  /** Reads and writes tenants. */
  readonly tenants: TenantDesk;
  /** The page that Prometheus reads. */
  metrics(): Promise<{ readonly contentType: string; readonly body: string }>;
}

export function createAdminApp(options: AdminOptions): Hono {
  const { router, newId, ready, policy } = options;
  const app = new Hono({ strict: true });
  app.get('/healthz', (context) => context.json({ status: 'ok' }));
  app.get('/readyz', (context) => context.json({ status: ready() ? 'ready' : 'stopping' }, ready() ? 200 : 503));
  app.use(async (context, next) => {
    const refused = await refuseOperator(options.ingress.headers(context), options);
    return refused === null ? next() : fail(refused);
  });
  app.get('/status', (context) => {
    context.header('cache-control', 'no-store');
    return context.json({ ready: ready(), policy: policy(), models: router.models(null), ...router.status() });
  });
  app.get('/metrics', async () => {
    const { contentType, body } = await options.metrics();
    return new Response(body, { headers: { 'content-type': contentType, 'cache-control': 'no-store' } });
  });
  const mayWrite = () => {
    if (options.secret() === null) throw refused(NO_SECRET);
  };
  if (options.usage !== undefined) app.route('/', usageRoutes(options.usage, newId, mayWrite));
  tenantRoutes(app, {
    desk: options.tenants,
    ingress: options.ingress,
    limits: options.limits,
    newId,
    mayWrite,
  });
  const fail = (error: RouterError) => {
    const { status, headers, body } = errorReply(error, newId());
    return new Response(body, { status, headers });
  };
  app.notFound(() =>
    fail(
      new RouterError(
        'not_found',
        'No such route. The admin listener serves GET /healthz, /readyz, /status, /metrics, /usage, /usage/pools and /tenants, GET, PUT and DELETE of /tenants/NAME, and DELETE of /tenants/NAME/usage.',
      ),
    ),
  );
  app.onError((thrown) => fail(toRouterError(thrown)));
  return app;
}

const NO_SECRET =
  'Nothing is changed without an admin secret: set SPILLWAY_ADMIN_SECRET, SPILLWAY_ADMIN_SECRET_FILE or server.adminSecret.';

/** Null when the request may pass. Secrets are compared by their digests, in constant time. */
async function refuseOperator(headers: HeaderView, options: AdminOptions): Promise<RouterError | null> {
  const secret = options.secret();
  if (secret === null) {
    if (options.open()) return null;
    return refused(
      'No admin secret is set, and without one this listener answers on loopback only, and only as long as no keys exist: set SPILLWAY_ADMIN_SECRET, SPILLWAY_ADMIN_SECRET_FILE or server.adminSecret.',
    );
  }
  const given = credentialOf(headers);
  const bytes = (text: string) => options.digest(new TextEncoder().encode(text));
  if (given !== null && sameBytes(await bytes(given), await bytes(secret))) return null;
  return refused('Send the admin secret as "Authorization: Bearer …".');
}

function refused(text: string): RouterError {
  return new RouterError('invalid_api_key', text, { headers: { 'www-authenticate': 'Bearer' } });
}
