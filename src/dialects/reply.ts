// Decides whether a whole buffered reply can be read at all. For the dialects' checks.
import { RouterError } from '../core/errors.ts';
import { ScanFault, type ScannedObject, scanObject } from '../wire/scan.ts';

export const REPLY_LIMITS = { maxDepth: 128, maxTokens: Number.MAX_SAFE_INTEGER, forbidKeys: false } as const;

/** What `scan` reads of a reply. Throws a RouterError blamed on the worker where it is no JSON. */
export function readable<Scan>(scan: () => Scan): Scan {
  try {
    return scan();
  } catch (thrown) {
    if (!(thrown instanceof ScanFault)) throw thrown;
    throw new RouterError('upstream_error', 'The target answered 200 with a body that is not valid JSON.');
  }
}

/** The scan of a reply that is one object. */
export function scanReply(reply: Uint8Array): ScannedObject {
  return readable(() => scanObject(reply, REPLY_LIMITS));
}
