// How keys are shown, to people and as JSON; never a hash, and of a key only its first characters. For `spillway keys`.
import type { KeyRecord } from '../../core/keys.ts';
import { keyState } from '../../tenants/key-state.ts';
import { visible } from '../../tenants/key-terms.ts';

export function keyJson(record: KeyRecord, wallMs: number) {
  return {
    id: record.id,
    prefix: record.prefix,
    tenant: record.tenant,
    name: record.name,
    models: record.models,
    routes: record.routes,
    createdAt: iso(record.createdMs),
    expiresAt: iso(record.expiresMs),
    revokedAt: iso(record.revokedMs),
    state: keyState(record, wallMs),
  };
}

/** One line per key, in columns. */
export function keyTable(records: readonly KeyRecord[], wallMs: number): string {
  const rows = [
    ['ID', 'PREFIX', 'TENANT', 'NAME', 'MODELS', 'ROUTES', 'CREATED', 'EXPIRES', 'STATE'],
    ...records.map((record) => [
      record.id,
      `${record.prefix}…`,
      record.tenant,
      record.name,
      record.models?.join(',') ?? 'all',
      record.routes?.join(',') ?? 'all',
      minute(record.createdMs),
      record.expiresMs === null ? 'never' : minute(record.expiresMs),
      keyState(record, wallMs),
    ]),
  ].map((row) => row.map(visible));
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) => row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ');
  return `${rows.map((row) => line(row).trimEnd()).join('\n')}\n`;
}

/** "tenant acme, models a,b, all routes, until 2027-01-31 00:00Z" */
export function termsText({ tenant, models, routes, expiresMs }: KeyRecord): string {
  const end = expiresMs === null ? 'does not expire' : `until ${minute(expiresMs)}`;
  const scopes = [
    models === null ? 'all models' : `models ${models.join(',')}`,
    routes === null ? 'all routes' : `routes ${routes.join(',')}`,
  ];
  return `tenant ${tenant}, ${scopes.join(', ')}, ${end}`;
}

export function minute(timeMs: number): string {
  return iso(timeMs)
    .replace('T', ' ')
    .replace(/:\d\d\.\d+Z$/, 'Z');
}

function iso(timeMs: number): string;
function iso(timeMs: number | null): string | null;
function iso(timeMs: number | null): string | null {
  return timeMs === null ? null : new Date(timeMs).toISOString();
}
