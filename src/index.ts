// The public surface: a router from a policy, and its routes as a Hono app for any web-standard runtime. For library users.

export { ERROR_CODES, type ErrorCode, RouterError } from './core/errors.ts';
export type { Caller, Doorkeeper, KeyRecord, KeyStore } from './core/keys.ts';
export type {
  AttemptRecord,
  CallRecord,
  HoldReply,
  HoldRequest,
  LedgerHealth,
  LedgerStore,
  PoolTimeRow,
  UsageQuery,
  UsageRow,
  WindowSpend,
  WorkerTimeRecord,
} from './core/ledger.ts';
export { DEFAULT_HTTP_LIMITS, type HttpLimits } from './core/limits.ts';
export { type CallFacts, type Metrics, NO_METRICS } from './core/metrics.ts';
export type { TenantRules } from './core/plan.ts';
export { NO_PRESSURE, type Pressure } from './core/pressure.ts';
export type { Claim, QuotaAnswer, QuotaLimit, QuotaStore } from './core/quota.ts';
export type { Disclosure, End, InferenceReply, ReplyBody, Sink } from './core/reply.ts';
export type { InferenceRequest, Wants } from './core/request.ts';
export type { RunIdentity, StepKind } from './core/runs.ts';
export type { Clock, Log, LogFields, NewId, Random, Runtime, Timer } from './core/runtime.ts';
export type { InferenceService, Layer, Service } from './core/service.ts';
export { StoreFault, type StoreFaultCode } from './core/store.ts';
export type { TenantRecord, TenantStore } from './core/tenants.ts';
export type {
  Exchange,
  HeaderView,
  Transport,
  TransportFault,
  UpstreamHandler,
  UpstreamRequest,
} from './core/transport.ts';
export { dialects } from './dialects/index.ts';
export { engines } from './fleet/engines/index.ts';
export { type AppOptions, createApp } from './http/app.ts';
export { type Admit, admitByKey } from './http/credential.ts';
export { webIngress } from './http/web-sink.ts';
export { type Catalog, compilePolicy } from './policy/compile.ts';
export type { PolicyFiles } from './policy/documents.ts';
export { type LoadOptions, type LoadResult, loadPolicy } from './policy/load.ts';
export type { SecretSource } from './policy/secrets.ts';
export { providers } from './providers/index.ts';
export { registriesWith } from './registries.ts';
export type { RouterStores } from './router/accounting.ts';
export { createRouter, type Router, type RouterOptions } from './router/create.ts';
export { createWebRuntime, type WebRuntimeOptions } from './runtime/web/runtime.ts';
export { type Admitted, PolicyError, type Spillway, type SpillwayOptions, spillway } from './spillway.ts';
export { createMemoryKeys } from './stores/memory/keys.ts';
export { createMemoryLedger, type MemoryLedgerOptions } from './stores/memory/ledger.ts';
export { createMemoryQuota } from './stores/memory/quota.ts';
export { createMemoryTenants } from './stores/memory/tenants.ts';
export { KeyRing, type KeyRingOptions } from './tenants/key-ring.ts';
export { TenantRing, type TenantRingOptions } from './tenants/tenant-ring.ts';
