// Every route of the public listener. For entries and for whoever mounts the router inside an app of their own.
import { type Context, Hono } from 'hono';
import { RouterError, toRouterError } from '../core/errors.ts';
import { dialects } from '../dialects/index.ts';
import type { ListedModel, Router } from '../router/create.ts';
import { type CallDeps, createCallHandler } from './call.ts';
import { errorReply } from './errors.ts';

export interface AppOptions extends Omit<CallDeps, 'service'> {
  readonly router: Router;
  /** "/" or a path without a trailing slash. */
  readonly basePath: string;
  /** Policy is loaded, the listener is open, and nobody asked to stop. */
  ready(): boolean;
}

/** Unix seconds; when a model was made is not known, so all carry one fixed, plausible instant. */
const CREATED = 1_767_225_600;

export function createApp(options: AppOptions): Hono {
  const { router, newId } = options;
  const base = options.basePath === '/' ? '' : options.basePath;
  const app = new Hono({ strict: true });
  const fail = (error: RouterError) => {
    const { status, headers, body } = errorReply(error, newId());
    return new Response(body, { status, headers });
  };
  const served: string[] = [];
  /** Methods by path; a path that ends in `/` stands for all below it. */
  const taken = new Map<string, readonly string[]>();
  const only = (path: string, methods: readonly string[]) => {
    served.push(`${methods[0]} ${path.endsWith('/') ? `${path}*` : path}`);
    taken.set(path, methods);
  };

  for (const dialect of Object.values(dialects)) {
    const handler = createCallHandler(dialect, { ...options, service: router.service });
    for (const route of dialect.routes) {
      app.post(base + route, handler);
      only(base + route, ['POST']);
    }
  }
  app.get(`${base}/v1/models`, () => json({ object: 'list', data: router.models().map(modelObject) }, newId()));
  only(`${base}/v1/models`, ['GET', 'HEAD']);
  const prefix = `${base}/v1/models/`;
  app.get(`${prefix}*`, (context) => {
    const name = modelName(context, prefix);
    const found = router.model(name);
    if (found !== null) return json(modelObject(found), newId());
    const names = router.models().map(({ id }) => id);
    return fail(
      new RouterError(
        'model_not_found',
        `Model "${name}" is not available to this key. Available: ${names.join(', ')}.`,
      ),
    );
  });
  only(prefix, ['GET', 'HEAD']);
  app.get('/healthz', () => json({ status: 'ok' }, newId()));
  only('/healthz', ['GET', 'HEAD']);
  app.get('/readyz', () =>
    options.ready() ? json({ status: 'ready' }, newId()) : json({ status: 'stopping' }, newId(), 503),
  );
  only('/readyz', ['GET', 'HEAD']);
  app.all(`${base}/v1/v1/*`, () =>
    fail(new RouterError('not_found', 'The path has /v1 twice: remove /v1 from the base URL of your client.')),
  );

  // Other methods of a known path come here too: a second handler on a path would make Hono compose them on every call.
  app.notFound((context) => {
    const { path } = context.req;
    const methods = taken.get(path) ?? (path.startsWith(prefix) ? taken.get(prefix) : undefined);
    if (methods !== undefined) return fail(wrongMethod(context, methods));
    const text = `No such route: ${context.req.method} ${shown(context)}. Served: ${served.join(', ')}.`;
    return fail(new RouterError('not_found', text));
  });
  app.onError((error) => {
    options.log.error('fault', { name: error.name });
    return fail(toRouterError(error));
  });
  return app;
}

function json(value: unknown, id: string, status = 200): Response {
  const headers = { 'content-type': 'application/json', 'x-request-id': id, 'cache-control': 'no-store' };
  return new Response(JSON.stringify(value), { status, headers });
}

function modelObject(model: ListedModel) {
  return { id: model.id, object: 'model', created: CREATED, owned_by: 'spillway', class: model.class };
}

/** The rest of the path is the name, slashes included, encoded or not. */
function modelName(context: Context, prefix: string): string {
  const path = new URL(context.req.url).pathname;
  return decodeURIComponent(path.slice(prefix.length));
}

function wrongMethod(context: Context, methods: readonly string[]): RouterError {
  const allow = methods.join(', ');
  return new RouterError('method_not_allowed', `${shown(context)} takes ${allow}, not ${context.req.method}.`, {
    headers: { allow },
  });
}

/** A path of plain characters is repeated to the caller; any other is not. */
function shown(context: Context): string {
  return /^[A-Za-z0-9/._-]{1,128}$/.test(context.req.path) ? context.req.path : 'this path';
}
