// The ledger over HTTP: usage by tenant, model or run, what became of workers' time, and erasing a tenant's records. For the admin
// listener.
import { type Context, Hono } from 'hono';
import { RouterError } from '../core/errors.ts';
import type { LedgerStore, UsageQuery } from '../core/ledger.ts';
import type { Clock, NewId } from '../core/runtime.ts';
import { StoreFault } from '../core/store.ts';
import { poolsJson, usageJson } from './usage-json.ts';
import { QUERY_NAMES, type QueryName, readUsageQuery } from './usage-query.ts';

export interface UsageRoutes {
  readonly ledger: Pick<LedgerStore, 'flush' | 'usage' | 'poolTime' | 'erase'>;
  readonly clock: Pick<Clock, 'wallMs'>;
  /** Notes that so many records of a tenant were taken away. */
  erased(tenant: string, records: number, request: string): void;
}

/** All calls that ended before the question are counted. `mayWrite` throws a RouterError where nothing may be taken away. */
export function usageRoutes({ ledger, clock, erased }: UsageRoutes, newId: NewId, mayWrite: () => void): Hono {
  const app = new Hono({ strict: true });
  app.get('/usage', async (context) => {
    const query = queryOf(context, QUERY_NAMES, clock.wallMs());
    await written(ledger);
    return told(context, usageJson(query, await stored(() => ledger.usage(query))));
  });
  app.get('/usage/pools', async (context) => {
    const { fromMs, toMs } = queryOf(context, ['from', 'to'], clock.wallMs());
    await written(ledger);
    return told(context, poolsJson(fromMs, toMs, await stored(() => ledger.poolTime(fromMs, toMs))));
  });
  app.delete('/tenants/:name/usage', async (context) => {
    mayWrite();
    const tenant = context.req.param('name');
    const id = newId();
    const records = await stored(() => ledger.erase(tenant));
    erased(tenant, records, id);
    context.header('x-request-id', id);
    return told(context, { erased: records });
  });
  return app;
}

function told(context: Context, body: object): Response {
  context.header('cache-control', 'no-store');
  return context.json(body);
}

/** A word that is not known is most likely one that is misspelt, and would be answered with too much. */
function queryOf(context: Context, names: readonly QueryName[], wallMs: number): UsageQuery {
  const said = context.req.queries();
  for (const name of Object.keys(said)) {
    if (!(names as readonly string[]).includes(name))
      throw new RouterError('invalid_value', `This route takes ${names.join(', ')}.`, { param: name.slice(0, 64) });
    if (said[name]!.length > 1) throw new RouterError('invalid_value', `"${name}" stands twice.`, { param: name });
  }
  const read = readUsageQuery((name) => (Object.hasOwn(said, name) ? said[name]![0] : undefined), wallMs);
  if ('query' in read) return read.query;
  const { name, text } = read.fault;
  throw new RouterError('invalid_value', `"${name}" ${text}.`, { param: name });
}

/** While nothing can be written, what is there is told. */
async function written(ledger: Pick<LedgerStore, 'flush'>): Promise<void> {
  try {
    await ledger.flush();
  } catch (thrown) {
    if (!(thrown instanceof StoreFault)) throw thrown;
  }
}

/** A store's own words name files and what to do: here they are for its operator. */
async function stored<Answer>(ask: () => Answer | Promise<Answer>): Promise<Answer> {
  try {
    return await ask();
  } catch (thrown) {
    if (thrown instanceof StoreFault) throw new RouterError('store_unavailable', thrown.message);
    throw thrown;
  }
}
