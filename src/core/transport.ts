// The port to the network below an attempt: one HTTP exchange, pushed. For upstream and the runtimes.

export interface UpstreamRequest {
  /** Scheme, host and port. */
  readonly origin: string;
  readonly path: string;
  readonly method: 'GET' | 'POST';
  /** Lower-case names and values, flat: name, value, name, value. */
  readonly headers: readonly string[];
  readonly body: Uint8Array | null;
}

/** Why an exchange broke below HTTP. */
export type TransportFaultKind =
  | 'refused'
  | 'connect_timeout'
  | 'dns'
  | 'tls'
  | 'reset'
  | 'protocol'
  | 'headers_too_large';

export interface TransportFault {
  readonly kind: TransportFaultKind;
  /** For the operator's log; never for a caller. */
  readonly text: string;
}

/** Response headers by lower-case name; the first of a repeated one counts. */
export type HeaderView = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * Gets one exchange's events: `sent`, `head`, `data`…, then exactly one of `end` and `fail` (which may come at any
 * point). After `Exchange.abort` nothing is called any more. Chunks are the callee's to keep.
 */
export interface UpstreamHandler {
  /** A connection is there and the request goes out on it. */
  sent(): void;
  head(status: number, headers: HeaderView): void;
  data(chunk: Uint8Array): void;
  end(): void;
  fail(fault: TransportFault): void;
}

export interface Exchange {
  /** Stops reading until `resume`: back-pressure. */
  pause(): void;
  resume(): void;
  /** Ends the exchange and its connection now. Idempotent. */
  abort(): void;
}

/** No redirects are followed, no body is decoded, no proxy is taken from the environment. */
export interface Transport {
  send(request: UpstreamRequest, handler: UpstreamHandler): Exchange;
  /** Open connections, for status pages and tests. */
  connections(): number;
  close(): Promise<void>;
}

/** The first value of a header, or null. */
export function headerOf(headers: HeaderView, name: string): string | null {
  const value = headers[name];
  if (value === undefined) return null;
  return typeof value === 'string' ? value : (value[0] ?? null);
}
