// Decides whether a whole buffered reply is what it claims to be. For OpenAI's dialects.
import { RouterError } from '../core/errors.ts';
import { fieldOf, parseSpan } from '../wire/json-view.ts';
import { ScanFault, type ScannedObject, scanObject } from '../wire/scan.ts';
import { inBandFault } from './openai-errors.ts';

const REPLY_LIMITS = { maxDepth: 128, maxTokens: Number.MAX_SAFE_INTEGER, forbidKeys: false } as const;

/** The scan of a reply that is an object without an error. Throws a RouterError blamed on the worker. */
export function checkedReply(reply: Uint8Array): ScannedObject {
  let scan: ScannedObject;
  try {
    scan = scanObject(reply, REPLY_LIMITS);
  } catch (thrown) {
    if (!(thrown instanceof ScanFault)) throw thrown;
    throw new RouterError('upstream_error', 'The target answered 200 with a body that is not valid JSON.');
  }
  const error = fieldOf(scan, 'error');
  if (error !== undefined && error.kind !== 'null') throw inBandFault(parseSpan(reply, error.start, error.end));
  return scan;
}
