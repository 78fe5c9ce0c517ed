// The trace that a request belongs to, by its `traceparent` header (W3C Trace Context). For http/call.
import { type HeaderView, headerOf } from '../core/transport.ts';

/** Version, trace id, parent id and flags; later versions may have more fields. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/;
const NO_TRACE = '0'.repeat(32);

/** 32 lower-case hex digits; null: the caller sent none, or what is none. */
export function readTraceId(headers: HeaderView): string | null {
  if (headers['traceparent'] === undefined) return null;
  const id = TRACEPARENT.exec(headerOf(headers, 'traceparent') ?? '')?.[1] ?? null;
  return id === NO_TRACE ? null : id;
}
