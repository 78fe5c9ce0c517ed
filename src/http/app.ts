// Every route of the public listener. For entries and for whoever mounts the router inside an app of their own.
import { type Context, Hono } from 'hono';
import { RouterError, toRouterError } from '../core/errors.ts';
import type { Caller } from '../core/keys.ts';
import { dialects } from '../dialects/index.ts';
import { type Router, unknownModel } from '../router/create.ts';
import { type CallDeps, createCallHandler } from './call.ts';
import { mayCall } from './credential.ts';
import { errorReply } from './errors.ts';
import { modelList, modelObject, speaksAnthropic } from './models.ts';

/** What the routes ask of a router; one that is still being made answers with promises. */
export interface ServedRouter extends Pick<Router, 'service'> {
  models(caller: Caller): ReturnType<Router['models']> | Promise<ReturnType<Router['models']>>;
  model(name: string, caller: Caller): ReturnType<Router['model']> | Promise<ReturnType<Router['model']>>;
}

export interface AppOptions extends Omit<CallDeps, 'service'> {
  readonly router: ServedRouter;
  /** "/" or a path without a trailing slash. */
  readonly basePath: string;
  /** The routes stand inside another app, whose own not-found answer must not be ours to wait for. */
  readonly mounted?: boolean;
  /** Policy is loaded, the listener is open, and nobody asked to stop. */
  ready(): boolean;
}

type Answer = (context: Context, caller: Caller) => Response | Promise<Response>;

const READ = ['GET', 'HEAD'] as const;

export function createApp(options: AppOptions): Hono {
  const { router, newId, ingress, admit, mounted = false } = options;
  const base = options.basePath === '/' ? '' : options.basePath;
  const app = new Hono({ strict: true });
  const fail = (context: Context, error: RouterError) => {
    const dialect = speaksAnthropic(ingress.headers(context)) ? dialects['anthropic-messages'] : undefined;
    return ingress.answer(context, errorReply(error, newId(), dialect));
  };
  const json = (context: Context, value: unknown, status = 200) => {
    const headers = { 'content-type': 'application/json', 'x-request-id': newId(), 'cache-control': 'no-store' };
    return ingress.answer(context, { status, headers, body: JSON.stringify(value) });
  };
  /** Nobody without a credential learns anything, not even which routes there are. */
  const behindKey = (answer: Answer) => async (context: Context) => {
    try {
      const away = options.turnAway?.(null) ?? null;
      if (away !== null) throw away;
      return await answer(context, await admit(context));
    } catch (thrown) {
      if (thrown instanceof RouterError) return fail(context, thrown);
      // Hono hands on to onError what is an Error; the rest would leave the app as it is.
      throw thrown instanceof Error ? thrown : toRouterError(thrown);
    }
  };
  const served: string[] = [];
  /** Methods by path; a path that ends in `/` stands for all below it. */
  const taken = new Map<string, readonly string[]>();
  const only = (path: string, methods: readonly string[]) => {
    served.push(`${methods[0]} ${path.endsWith('/') ? `${path}*` : path}`);
    taken.set(path, methods);
  };

  for (const dialect of Object.values(dialects)) {
    for (const route of dialect.routes) {
      app.post(base + route, createCallHandler(dialect, route, { ...options, service: router.service }));
      only(base + route, ['POST']);
    }
  }
  const listing: Answer = async (context, caller) => {
    mayCall(caller, '/v1/models');
    const query = new URL(context.req.url).searchParams;
    return json(context, modelList(await router.models(caller), speaksAnthropic(ingress.headers(context)), query));
  };
  app.get(`${base}/v1/models`, behindKey(listing));
  only(`${base}/v1/models`, READ);
  const prefix = `${base}/v1/models/`;
  const lookup: Answer = async (context, caller) => {
    mayCall(caller, '/v1/models');
    const name = modelName(context);
    const found = await router.model(name, caller);
    if (found !== null) return json(context, modelObject(found, speaksAnthropic(ingress.headers(context))));
    const names = (await router.models(caller)).map(({ id }) => id);
    return fail(context, unknownModel(name, names));
  };
  app.get(`${prefix}*`, behindKey(lookup));
  only(prefix, READ);
  app.get('/healthz', (context) => json(context, { status: 'ok' }));
  only('/healthz', READ);
  app.get('/readyz', (context) =>
    options.ready() ? json(context, { status: 'ready' }) : json(context, { status: 'stopping' }, 503),
  );
  only('/readyz', READ);
  const doubled: Answer = () => {
    throw new RouterError('not_found', 'The path has /v1 twice: remove /v1 from the base URL of your client.');
  };
  app.all(`${base}/v1/v1/*`, behindKey(doubled));

  // Other methods of a known path come here too: a second handler on a path would make Hono compose them on every call.
  const nowhere: Answer = (context) => {
    const { path } = context.req;
    const known = [...taken.keys()].find((one) => isPath(one, path, mounted));
    const methods = known === undefined ? undefined : taken.get(known);
    if (methods !== undefined) throw wrongMethod(context, methods);
    throw new RouterError(
      'not_found',
      `No such route: ${context.req.method} ${shown(context)}. Served: ${served.join(', ')}.`,
    );
  };
  app.notFound(behindKey(nowhere));
  if (mounted) app.all('*', behindKey(nowhere));
  app.onError((error, context) => {
    options.log.error('fault', { name: error.name });
    return fail(context, toRouterError(error));
  });
  return app;
}

/** A known path that ends in `/` stands for all below it. Inside another app, paths begin with that app's own part. */
function isPath(known: string, path: string, mounted: boolean): boolean {
  if (!known.endsWith('/')) return mounted ? path.endsWith(known) : path === known;
  return mounted ? path.includes(known) : path.startsWith(known);
}

const MODELS = '/v1/models/';

/** The rest of the path is the name, slashes included, encoded or not. */
function modelName(context: Context): string {
  const path = new URL(context.req.url).pathname;
  const name = path.slice(path.indexOf(MODELS) + MODELS.length);
  try {
    return decodeURIComponent(name);
  } catch {
    throw new RouterError('not_found', 'The model name in the path is not encoded as a path must be.');
  }
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
