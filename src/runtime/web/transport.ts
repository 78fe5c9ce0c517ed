// Upstream HTTP on any web-standard runtime: one fetch per exchange, read no faster than it is wanted. For runtime/web.
import type {
  Exchange,
  HeaderView,
  Transport,
  TransportFault,
  UpstreamHandler,
  UpstreamRequest,
} from '../../core/transport.ts';
import { faultOf } from '../fault.ts';

/** As much of the standard's `fetch` as is used here. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface WebTransportOptions {
  readonly fetch: Fetch;
  /**
   * Content codings that this fetch undoes by itself, as the standard has it. It leaves their header in place, which
   * then no longer says what the bytes are.
   */
  readonly decodes?: readonly string[];
}

const DECODES = ['gzip', 'x-gzip', 'deflate', 'br'];
const FIXED = { 'accept-encoding': 'identity', 'user-agent': 'spillway' };

/**
 * What fetch does not tell: when a connection is there (`sent` comes when the request begins, so the time to connect is
 * the runtime's own), how many connections there are (open exchanges are counted), where one header ends and the next of
 * its name begins (they come joined by commas).
 */
export function createWebTransport({ fetch, decodes = DECODES }: WebTransportOptions): Transport {
  const open = new Map<WebExchange, Promise<void>>();
  const decoded = new Set(decodes);
  return {
    send(request, handler) {
      const exchange = new WebExchange(handler, () => open.delete(exchange));
      open.set(exchange, exchange.run(fetch, request, decoded));
      return exchange;
    },
    connections: () => open.size,
    async close() {
      const ending = [...open];
      for (const [exchange] of ending) exchange.fail({ kind: 'reset', text: 'the transport was closed' });
      await Promise.all(ending.map(([, run]) => run));
    },
  };
}

/** One fetch. After `abort` and after its end it is deaf. */
class WebExchange implements Exchange {
  #handler: UpstreamHandler | null;
  readonly #over: () => void;
  readonly #abort = new AbortController();
  #resumed: PromiseWithResolvers<void> | null = null;

  constructor(handler: UpstreamHandler, over: () => void) {
    this.#handler = handler;
    this.#over = over;
  }

  pause(): void {
    if (this.#handler !== null) this.#resumed ??= Promise.withResolvers<void>();
  }

  resume(): void {
    const resumed = this.#resumed;
    this.#resumed = null;
    resumed?.resolve();
  }

  abort(): void {
    if (this.#finish() !== null) this.#abort.abort();
  }

  fail(fault: TransportFault): void {
    const handler = this.#finish();
    if (handler === null) return;
    this.#abort.abort();
    handler.fail(fault);
  }

  /** Never rejects. */
  async run(fetch: Fetch, request: UpstreamRequest, decoded: ReadonlySet<string>): Promise<void> {
    try {
      // The caller gets its exchange before it is told anything.
      await null;
      this.#handler?.sent();
      if (this.#handler === null) return;
      // Called bare: many runtimes refuse a fetch that is a method of something.
      const response = await fetch(request.origin + request.path, this.#init(request));
      // A browser hides what a redirect says; that it is one is all that matters.
      const status = response.type === 'opaqueredirect' ? 302 : response.status;
      this.#handler?.head(status, headersOf(response.headers, decoded));
      await this.#read(response.body);
      this.#finish()?.end();
    } catch (thrown) {
      this.fail(faultOf(thrown instanceof Error ? thrown : new Error(String(thrown))));
    }
  }

  #init({ method, headers, body }: UpstreamRequest): RequestInit {
    const all = new Headers(FIXED);
    if (method === 'POST') all.set('content-type', 'application/json');
    for (let at = 0; at + 1 < headers.length; at += 2) all.append(headers[at]!, headers[at + 1]!);
    return { method, headers: all, body: body as BodyInit | null, redirect: 'manual', signal: this.#abort.signal };
  }

  /** A chunk is asked for when the last one was wanted, so what nobody wants stays in the runtime's buffers and the network. */
  async #read(body: ReadableStream<Uint8Array> | null): Promise<void> {
    const reader = body?.getReader();
    while (reader !== undefined && this.#handler !== null) {
      if (this.#resumed !== null) await this.#unpaused();
      const { done, value } = await reader.read();
      // A chunk that was on its way when the pause came waits here.
      if (this.#resumed !== null) await this.#unpaused();
      if (done) return;
      this.#handler?.data(value);
    }
  }

  async #unpaused(): Promise<void> {
    while (this.#resumed !== null) await this.#resumed.promise;
  }

  /** From here on nothing is told; whoever gets the handler says the last word. */
  #finish(): UpstreamHandler | null {
    const handler = this.#handler;
    this.#handler = null;
    if (handler !== null) this.#over();
    this.resume();
    return handler;
  }
}

/** Without the header of codings that the runtime has undone, and the length that went with them. */
function headersOf(headers: Headers, decoded: ReadonlySet<string>): HeaderView {
  const view: Record<string, string> = Object.fromEntries(headers);
  const codings = view['content-encoding']?.toLowerCase().split(',') ?? [];
  if (codings.length > 0 && codings.every((coding) => decoded.has(coding.trim()))) {
    delete view['content-encoding'];
    delete view['content-length'];
  }
  return view;
}
