// Decides nothing: it keeps what a transport tells of one exchange, in order. For tests of the transport.

import type { HeaderView, TransportFault, UpstreamHandler } from '../../src/core/transport.ts';

/** Keeps what it is told. `on` runs inside the callback of that name. */
export class Listener implements UpstreamHandler {
  readonly told: string[] = [];
  status = 0;
  headers: HeaderView = {};
  bytes = 0;
  fault: TransportFault | null = null;
  readonly #on: Partial<Record<string, () => void>>;

  constructor(on: Partial<Record<string, () => void>> = {}) {
    this.#on = on;
  }
  sent(): void {
    this.#tell('sent');
  }
  head(code: number, headers: HeaderView): void {
    this.status = code;
    this.headers = headers;
    this.#tell('head');
  }
  data(chunk: Uint8Array): void {
    this.bytes += chunk.length;
    this.#tell('data');
  }
  end(): void {
    this.#tell('end');
  }
  fail(fault: TransportFault): void {
    this.fault = fault;
    this.#tell('fail');
  }
  get over(): boolean {
    return this.told.includes('end') || this.told.includes('fail');
  }
  #tell(what: string): void {
    if (what !== 'data' || this.told.at(-1) !== 'data') this.told.push(what);
    this.#on[what]?.();
  }
}
