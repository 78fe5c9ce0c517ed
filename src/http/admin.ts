// The admin listener: what the router knows of itself. For operators, on loopback.
import { Hono } from 'hono';
import { RouterError, toRouterError } from '../core/errors.ts';
import type { NewId } from '../core/runtime.ts';
import type { Router } from '../router/create.ts';
import { errorReply } from './errors.ts';

export interface AdminOptions {
  readonly router: Router;
  readonly newId: NewId;
  ready(): boolean;
  /** The policy in force: where it came from, and what is wrong with a newer one that was refused. */
  policy(): { readonly file: string; readonly loadedAt: string; readonly refused: readonly string[] };
}

export function createAdminApp({ router, newId, ready, policy }: AdminOptions): Hono {
  const app = new Hono({ strict: true });
  app.get('/healthz', (context) => context.json({ status: 'ok' }));
  app.get('/readyz', (context) => context.json({ status: ready() ? 'ready' : 'stopping' }, ready() ? 200 : 503));
  app.get('/status', (context) => {
    context.header('cache-control', 'no-store');
    return context.json({ ready: ready(), policy: policy(), models: router.models(), ...router.status() });
  });
  const fail = (error: RouterError) => {
    const { status, headers, body } = errorReply(error, newId());
    return new Response(body, { status, headers });
  };
  app.notFound(() =>
    fail(new RouterError('not_found', 'No such route. The admin listener serves GET /healthz, /readyz and /status.')),
  );
  app.onError((thrown) => fail(toRouterError(thrown)));
  return app;
}
