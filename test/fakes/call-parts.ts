// What a call is made of when a test builds one by hand: a head, a caller, a target. For tests below http.
import type { CallHead, Dialect, ParsedCall, UpstreamCall } from '../../src/core/dialect.ts';
import type { Caller, Doorkeeper } from '../../src/core/keys.ts';
import { DEFAULT_HTTP_LIMITS } from '../../src/core/limits.ts';
import { DIALECTS } from '../../src/core/names.ts';
import type { PoolTarget } from '../../src/core/plan.ts';

export const headFor = (dialect: Dialect, more: Partial<CallHead> = {}): CallHead => ({
  path: dialect.routes[0]!,
  query: '',
  headers: {},
  ...more,
});

export const CALLER: Caller = { tenant: 'development', keyId: null, managed: true, mayAsk: null, routes: null };

/** Lets everybody in. */
export const OPEN_DOOR: Doorkeeper = { development: true, admit: () => CALLER };

/** A pool that speaks everything. */
export const poolTarget = (more: Partial<PoolTarget> = {}): PoolTarget => ({
  kind: 'pool',
  name: 'pool',
  serves: 'served',
  zone: null,
  capabilities: null,
  speaks: new Set(DIALECTS),
  rerank: null,
  contextTokens: null,
  maxItems: null,
  ...more,
});

export const parseCall = (dialect: Dialect, bytes: Uint8Array, more: Partial<CallHead> = {}): ParsedCall =>
  dialect.parse(bytes, DEFAULT_HTTP_LIMITS, headFor(dialect, more));

/** The call as a pool takes it that knows the model by this name. */
export const toward = (call: ParsedCall, model: string, target: Partial<PoolTarget> = {}): UpstreamCall =>
  call.toward(poolTarget(target), model);
