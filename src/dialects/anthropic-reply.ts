// Decides whether a whole buffered reply is what it claims to be. For Anthropic's dialects.
import type { CheckedReply } from '../core/dialect.ts';
import { RouterError } from '../core/errors.ts';
import { fieldOf, parseSpan, stringOf } from '../wire/json-view.ts';
import type { ScannedObject } from '../wire/scan.ts';
import { anthropicFault } from './anthropic-errors.ts';
import { stopOf } from './anthropic-stop.ts';
import { usageFrom } from './anthropic-usage.ts';
import { scanReply } from './reply.ts';
import { timingsIn } from './timings.ts';

/** The scan of a reply that is an object and no error. */
function scanned(reply: Uint8Array): ScannedObject {
  const scan = scanReply(reply);
  const error = fieldOf(scan, 'error');
  if (error !== undefined && error.kind !== 'null') throw anthropicFault(parseSpan(reply, error.start, error.end));
  if (stringOf(reply, fieldOf(scan, 'type')) === 'error') throw anthropicFault(null);
  return scan;
}

/** A message with content; an empty list is one. */
export function checkMessage(reply: Uint8Array): CheckedReply {
  const scan = scanned(reply);
  if (stringOf(reply, fieldOf(scan, 'type')) !== 'message' || fieldOf(scan, 'content')?.kind !== 'array')
    throw new RouterError('upstream_error', 'The target answered 200 with a reply that is no message.');
  const usage = fieldOf(scan, 'usage');
  const reason = stringOf(reply, fieldOf(scan, 'stop_reason'));
  return {
    usage: usage === undefined ? null : usageFrom(parseSpan(reply, usage.start, usage.end)),
    servedModel: stringOf(reply, fieldOf(scan, 'model')) ?? null,
    stop: reason === undefined ? null : stopOf(reason),
    reportedMs: timingsIn(scan),
    body: reply,
  };
}

/** A count of tokens. It says what a message would use and uses none itself. */
export function checkCount(reply: Uint8Array): CheckedReply {
  if (fieldOf(scanned(reply), 'input_tokens')?.kind !== 'number')
    throw new RouterError('upstream_error', 'The target answered 200 with a reply that has no token count.');
  return { usage: null, servedModel: null, stop: null, reportedMs: null, body: reply };
}
