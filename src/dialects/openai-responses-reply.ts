// Decides what a response object says of itself, whole or as the last event of a stream. For openai-responses.
import type { CheckedReply, ReplyFacts } from '../core/dialect.ts';
import { RouterError } from '../core/errors.ts';
import { boundedId, type Stop } from '../core/runs.ts';
import { firstEntry, nextEntry, valueEnd } from '../wire/entries.ts';
import { fieldOf, parseSpan, stringOf } from '../wire/json-view.ts';
import { ScanFault, type ScannedObject, scanObject } from '../wire/scan.ts';
import { responseFault } from './openai-responses-fault.ts';
import { asksForTool } from './openai-responses-tools.ts';
import { usageFrom } from './openai-usage.ts';
import { REPLY_LIMITS, scanReply } from './reply.ts';
import { timingsIn } from './timings.ts';
import { tierIn } from './usage.ts';

/**
 * The scan of the object that lies in [start, end); null where there is none. A response repeats the tools of its call,
 * which were allowed 64 levels, inside an event of its own: so events have the limits of whole replies.
 */
export function scanned(bytes: Uint8Array, start: number, end: number): ScannedObject | null {
  try {
    return scanObject(bytes, REPLY_LIMITS, start, end);
  } catch (thrown) {
    if (thrown instanceof ScanFault) return null;
    throw thrown;
  }
}

/** Checks a whole reply. Any status but `failed` is an answer: a call in the background is answered while it is queued. */
export function checkResponse(reply: Uint8Array): CheckedReply {
  const scan = scanReply(reply);
  const fault = statedFault(reply, scan);
  if (fault !== null) throw fault;
  const object = stringOf(reply, fieldOf(scan, 'object'));
  if (object === 'error') throw responseFault(parseSpan(reply, scan.open, scan.close + 1));
  if (object !== 'response' || fieldOf(scan, 'output')?.kind !== 'array')
    throw new RouterError('upstream_error', 'The target answered 200 with something other than a response.');
  return { ...responseFacts(reply, scan), body: reply };
}

/** The failure that a response says it ended in; null where it says none. */
export function statedFault(bytes: Uint8Array, response: ScannedObject): RouterError | null {
  const error = fieldOf(response, 'error');
  if (error !== undefined && error.kind !== 'null') return responseFault(parseSpan(bytes, error.start, error.end));
  return stringOf(bytes, fieldOf(response, 'status')) === 'failed' ? responseFault(null) : null;
}

export function responseFacts(bytes: Uint8Array, response: ScannedObject): ReplyFacts {
  return {
    usage: responseUsage(bytes, response),
    servedModel: stringOf(bytes, fieldOf(response, 'model')) ?? null,
    stop: responseStop(bytes, response),
    replyId: boundedId(stringOf(bytes, fieldOf(response, 'id'))),
    reportedMs: timingsIn(response),
  };
}

/** Null while it is not over: in the background, or at the beginning of a stream. */
function responseStop(bytes: Uint8Array, response: ScannedObject): Stop | null {
  // Some servers leave the status of a whole reply out.
  const status = stringOf(bytes, fieldOf(response, 'status')) ?? 'completed';
  if (status !== 'completed') return status === 'queued' || status === 'in_progress' ? null : 'other';
  const output = fieldOf(response, 'output');
  let item = output === undefined ? -1 : firstEntry(response, output.start);
  for (; item >= 0; item = nextEntry(response, valueEnd(response, item)))
    if (asksForTool(response, item)) return 'tool_use';
  return 'end_turn';
}

function responseUsage(bytes: Uint8Array, response: ScannedObject) {
  const field = fieldOf(response, 'usage');
  if (field?.kind !== 'object') return null;
  const said = parseSpan(bytes, field.start, field.end) as Record<string, unknown>;
  const usage = {
    prompt_tokens: said['input_tokens'],
    prompt_tokens_details: said['input_tokens_details'],
    completion_tokens: said['output_tokens'],
    completion_tokens_details: said['output_tokens_details'],
  };
  return usageFrom(usage, tierIn(bytes, response));
}
