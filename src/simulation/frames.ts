// The few bytes that a simulated worker answers with, and who reads them. For the transport and simulated calls.
import type { StreamJudge, Usage } from '../core/dialect.ts';
import type { RouterError } from '../core/errors.ts';
import type { Stop } from '../core/runs.ts';
import { FORWARD } from '../wire/sse.ts';

const CONTENT = 0x63;
const END = 0x65;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** First content. */
export const CONTENT_FRAME = encoder.encode('c\n\n');

/** The terminal event, with what the attempt used. */
export function endFrame(uncachedTokens: number, cachedTokens: number, outputTokens: number): Uint8Array {
  return encoder.encode(`e ${uncachedTokens} ${cachedTokens} ${outputTokens}\n\n`);
}

/** The in-band error behind a head that went out. */
export function errorFrame(error: RouterError): Uint8Array {
  return encoder.encode(`x ${error.code}\n\n`);
}

export function usageOf(bytes: Uint8Array, start: number, end: number): Usage {
  const [, uncached, cached, output] = decoder.decode(bytes.subarray(start, end)).trim().split(' ').map(Number);
  return { uncachedTokens: uncached!, cachedTokens: cached!, outputTokens: output!, reasoningTokens: 0 };
}

export class FrameJudge implements StreamJudge {
  started = false;
  finished = false;
  done = false;
  readonly fault = null;
  usage: Usage | null = null;
  stop: Stop | null = null;
  readonly servedModel = null;
  readonly reportedMs = null;
  readonly contentEvents = 0;
  readonly skippedEvents = 0;
  readonly #stop: Stop | null;

  constructor(stop: Stop | null) {
    this.#stop = stop;
  }

  judge(bytes: Uint8Array, start: number, end: number): number {
    if (bytes[start] === CONTENT) this.started = true;
    else if (bytes[start] === END) {
      this.started = true;
      this.finished = true;
      this.done = true;
      this.usage = usageOf(bytes, start, end);
      this.stop = this.#stop;
    }
    return FORWARD;
  }

  tail(): void {}

  failure(error: RouterError): Uint8Array {
    return errorFrame(error);
  }
}
