// Decides how a span of UTF-8 bytes becomes a string, cheaply for names that every request repeats.
// For the scan, the views and the event framing; nothing here validates: the span was scanned before.

// ignoreBOM: a byte order mark inside a span is a character of it, not a mark.
const DECODER = new TextDecoder('utf-8', { ignoreBOM: true });
const ENCODER = new TextEncoder();

/** Longest span built character by character; beyond it the call into TextDecoder pays off. */
const SHORT_BYTES = 32;
const SLOTS = 1024;

/** Top-level keys of the dialects, roles and event names: found by bytes, so no string is built for them. */
const WELL_KNOWN = `model messages stream stream_options max_tokens max_completion_tokens temperature top_p top_k n stop
stop_sequences tools tool_choice parallel_tool_calls response_format seed user metadata store logprobs top_logprobs
logit_bias presence_penalty frequency_penalty prompt_cache_key prompt_cache_retention safety_identifier service_tier
reasoning reasoning_effort verbosity modalities audio prediction functions function_call web_search_options system
thinking container mcp_servers context_management output_config output_format input instructions previous_response_id
conversation include background truncation text max_output_tokens max_tool_calls prompt suffix echo best_of
encoding_format dimensions input_type query documents top_n return_documents max_tokens_per_doc rank_fields truncate
texts raw_scores id object created created_at choices usage system_fingerprint type role content delta index
finish_reason stop_reason stop_sequence error message code param status output incomplete_details results data
embedding relevance_score score request_id prompt_tokens completion_tokens total_tokens input_tokens output_tokens
response sequence_number item item_id output_index content_index content_block usage_metadata refusal tool_calls
message_start content_block_start ping content_block_delta content_block_stop message_delta message_stop
response.created response.in_progress response.output_item.added response.content_part.added
response.output_text.delta response.output_text.done response.content_part.done response.output_item.done
response.completed response.failed response.incomplete response.function_call_arguments.delta`.split(/\s+/);

function slot(length: number, first: number, middle: number, last: number): number {
  return (length * 31 + first * 7 + middle * 57 + last * 131) & (SLOTS - 1);
}

const TABLE: string[] = new Array(SLOTS).fill('');
for (const word of WELL_KNOWN) {
  const at = slot(word.length, word.charCodeAt(0), word.charCodeAt(word.length >> 1), word.charCodeAt(word.length - 1));
  // The earlier, more frequent word keeps its slot; a later one is merely built each time.
  if (TABLE[at] === '') TABLE[at] = word;
}

/** The UTF-8 text of [start, end); malformed bytes become U+FFFD. */
export function textOf(bytes: Uint8Array, start: number, end: number): string {
  const length = end - start;
  if (length <= 0) return '';
  const known =
    TABLE[slot(length, bytes[start] as number, bytes[start + (length >> 1)] as number, bytes[end - 1] as number)] ?? '';
  if (known.length === length) {
    let i = 0;
    while (i < length && known.charCodeAt(i) === bytes[start + i]) i++;
    if (i === length) return known;
  }
  if (length > SHORT_BYTES) return DECODER.decode(bytes.subarray(start, end));
  let text = '';
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number;
    if (byte >= 0x80) return DECODER.decode(bytes.subarray(start, end));
    text += String.fromCharCode(byte);
  }
  return text;
}

export function bytesOf(text: string): Uint8Array {
  return ENCODER.encode(text);
}
