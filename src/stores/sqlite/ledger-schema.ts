// The tables of ledger.db, step by step. For the ledger, its reader and leases.
import type { Migration } from './migrations.ts';

/** "spwl": tells our file from other databases. */
export const LEDGER_APPLICATION_ID = 1_936_750_444;

/**
 * `calls` and `attempts` are what happened. `written_ms` is the store's clock, by which a charge counts for a window of
 * `spend`; `lost` is money that died with its router. Within each window, charges and lost are what is spent.
 * Amounts are nano-USD. Fences grow over all leases, so each name's grow too.
 */
const V1 = `
CREATE TABLE calls (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  trace TEXT,
  arrived_ms INTEGER NOT NULL,
  written_ms INTEGER NOT NULL,
  tenant TEXT NOT NULL,
  key TEXT,
  class TEXT NOT NULL,
  dialect TEXT NOT NULL,
  stream INTEGER NOT NULL,
  priority TEXT NOT NULL,
  step TEXT NOT NULL,
  run TEXT,
  agent TEXT,
  run_source TEXT,
  prefix INTEGER NOT NULL,
  asked TEXT NOT NULL,
  served TEXT,
  target TEXT,
  rung INTEGER,
  degraded TEXT,
  how TEXT NOT NULL,
  code TEXT,
  queue_ms REAL NOT NULL,
  cold_ms REAL NOT NULL,
  first_content_ms REAL,
  total_ms REAL NOT NULL,
  input_tokens INTEGER NOT NULL,
  uncached_tokens INTEGER,
  cached_tokens INTEGER,
  cache_write_tokens INTEGER,
  cache_write_long_tokens INTEGER,
  output_tokens INTEGER,
  reasoning_tokens INTEGER,
  tier TEXT,
  estimated INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  gpu_ms REAL NOT NULL,
  failed_cost INTEGER NOT NULL,
  cost INTEGER NOT NULL,
  charge INTEGER NOT NULL
) STRICT;
CREATE INDEX calls_arrived ON calls (arrived_ms);
CREATE INDEX calls_tenant ON calls (tenant, arrived_ms);
CREATE TABLE attempts (
  call INTEGER NOT NULL,
  place INTEGER NOT NULL,
  target TEXT NOT NULL,
  kind TEXT NOT NULL,
  worker TEXT NOT NULL,
  model TEXT NOT NULL,
  outcome TEXT NOT NULL,
  code TEXT,
  began_ms REAL NOT NULL,
  duration_ms REAL NOT NULL,
  first_content_ms REAL,
  uncached_tokens INTEGER,
  cached_tokens INTEGER,
  cache_write_tokens INTEGER,
  cache_write_long_tokens INTEGER,
  output_tokens INTEGER,
  reasoning_tokens INTEGER,
  tier TEXT,
  estimated INTEGER NOT NULL,
  gpu_ms REAL,
  gpu_source TEXT,
  cost INTEGER NOT NULL,
  PRIMARY KEY (call, place)
) STRICT, WITHOUT ROWID;
CREATE TABLE worker_time (
  holder TEXT NOT NULL,
  seq INTEGER NOT NULL,
  from_ms INTEGER NOT NULL,
  to_ms INTEGER NOT NULL,
  pool TEXT NOT NULL,
  worker TEXT NOT NULL,
  useful_ms REAL NOT NULL,
  failed_ms REAL NOT NULL,
  idle_ms REAL NOT NULL,
  cold_ms REAL NOT NULL,
  cost INTEGER NOT NULL,
  PRIMARY KEY (holder, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX worker_time_from ON worker_time (from_ms);
CREATE TABLE spend (
  tenant TEXT NOT NULL,
  span TEXT NOT NULL,
  start_ms INTEGER NOT NULL,
  amount INTEGER NOT NULL CHECK (amount >= 0),
  PRIMARY KEY (tenant, span, start_ms)
) STRICT, WITHOUT ROWID;
CREATE INDEX spend_start ON spend (start_ms);
CREATE TABLE holders (
  holder TEXT PRIMARY KEY,
  beat INTEGER NOT NULL,
  renewed_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE holds (
  tenant TEXT NOT NULL,
  holder TEXT NOT NULL,
  amount INTEGER NOT NULL CHECK (amount >= 0),
  PRIMARY KEY (tenant, holder)
) STRICT, WITHOUT ROWID;
CREATE INDEX holds_holder ON holds (holder);
CREATE TABLE lost (
  seq INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  tenant TEXT NOT NULL,
  holder TEXT NOT NULL,
  amount INTEGER NOT NULL CHECK (amount > 0)
) STRICT;
CREATE TABLE leases (
  fence INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  holder TEXT NOT NULL,
  expires_ms INTEGER NOT NULL,
  ttl_ms INTEGER NOT NULL,
  UNIQUE (name, holder)
) STRICT;
CREATE TABLE meta (
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
PRAGMA application_id = 1936750444;
PRAGMA user_version = 1;
`;

export const LEDGER_MIGRATIONS: readonly Migration[] = [{ version: 1, sql: V1 }];
