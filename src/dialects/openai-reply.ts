// Decides whether a whole buffered reply is what it claims to be. For OpenAI's dialects.
import { fieldOf, parseSpan } from '../wire/json-view.ts';
import type { ScannedObject } from '../wire/scan.ts';
import { inBandFault } from './faults.ts';
import { scanReply } from './reply.ts';

/** The scan of a reply that is an object without an error. Throws a RouterError blamed on the worker. */
export function checkedReply(reply: Uint8Array): ScannedObject {
  const scan = scanReply(reply);
  const error = fieldOf(scan, 'error');
  if (error !== undefined && error.kind !== 'null') throw inBandFault(parseSpan(reply, error.start, error.end));
  return scan;
}
