// Decides what the events of a streamed response look like, typed as the official SDK types them. For tests of the
// Responses dialect.
import type { Response, ResponseStreamEvent, ResponseUsage } from 'openai/resources/responses/responses';
import schema from '../fixtures/openai-responses-schema.json' with { type: 'json' };

/** What the SDK adds to a response, or knows of it beyond the published schema, is not on the wire. */
export type WireResponse = Omit<Response, 'output_text' | 'access_programs'>;
type Wire<Event> = Event extends { response: Response } ? Omit<Event, 'response'> & { response: WireResponse } : Event;
export type WireEvent = Wire<ResponseStreamEvent>;
type EventOf<Type extends WireEvent['type']> = Extract<WireEvent, { type: Type }>;

export const usage: ResponseUsage = {
  input_tokens: 10,
  input_tokens_details: { cached_tokens: 6, cache_write_tokens: 0 },
  output_tokens: 5,
  output_tokens_details: { reasoning_tokens: 2 },
  total_tokens: 15,
};

/** A response as it begins: with the instructions and tools of its call. */
export const begun = (more: Partial<WireResponse> = {}): WireResponse => ({
  id: 'resp_target',
  object: 'response',
  created_at: 1_740_855_869,
  status: 'in_progress',
  background: false,
  error: null,
  incomplete_details: null,
  instructions: 'Be brief.',
  max_output_tokens: null,
  metadata: { run: '12345678901234567890' },
  model: 'served-model-2026',
  output: [],
  parallel_tool_calls: true,
  previous_response_id: null,
  temperature: 1,
  text: { format: { type: 'text' } },
  tool_choice: 'auto',
  tools: [{ type: 'function', name: 'f', description: null, parameters: { type: 'object' }, strict: false }],
  top_p: 1,
  truncation: 'disabled',
  ...more,
});

export const created = (response: WireResponse = begun()): EventOf<'response.created'> => ({
  type: 'response.created',
  response,
  sequence_number: 0,
});

export const textDelta = (delta: string, sequence_number = 4): EventOf<'response.output_text.delta'> => ({
  type: 'response.output_text.delta',
  item_id: 'msg_1',
  output_index: 0,
  content_index: 0,
  delta,
  logprobs: [],
  sequence_number,
});

export const completed = (more: Partial<WireResponse> = {}): EventOf<'response.completed'> => ({
  type: 'response.completed',
  response: begun({ status: 'completed', usage, ...more }),
  sequence_number: 9,
});

/** Frames that open a message and say nothing. */
export const opening: readonly WireEvent[] = [
  created(),
  { type: 'response.in_progress', response: begun(), sequence_number: 1 },
  {
    type: 'response.output_item.added',
    output_index: 0,
    item: { id: 'msg_1', type: 'message', role: 'assistant', status: 'in_progress', content: [] },
    sequence_number: 2,
  },
  {
    type: 'response.content_part.added',
    item_id: 'msg_1',
    output_index: 0,
    content_index: 0,
    part: { type: 'output_text', text: '', annotations: [], logprobs: [] },
    sequence_number: 3,
  },
];

const part = { type: 'output_text' as const, text: 'Hello', annotations: [], logprobs: [] };
const message = { id: 'msg_1', type: 'message' as const, role: 'assistant' as const, content: [part] };
const place = { item_id: 'msg_1', output_index: 0, content_index: 0 };

/** A whole stream of one message. */
export const wholeStream: readonly WireEvent[] = [
  ...opening,
  textDelta('Hel'),
  textDelta('lo', 5),
  { type: 'response.output_text.done', ...place, text: 'Hello', logprobs: [], sequence_number: 6 },
  { type: 'response.content_part.done', ...place, part, sequence_number: 7 },
  {
    type: 'response.output_item.done',
    output_index: 0,
    item: { ...message, status: 'completed' },
    sequence_number: 8,
  },
  completed({ output: [{ ...message, status: 'completed' }] }),
];

/** An event as OpenAI writes it. */
export const wireText = (event: { readonly type: string }): string =>
  `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;

/** What of an event breaks the published schema; empty when nothing does. */
export function schemaFaults(event: Record<string, unknown>): string[] {
  const { type, response } = event as { type: string; response?: Record<string, unknown> };
  const required = (schema.events as Record<string, readonly string[]>)[type];
  if (required === undefined) return [`unknown event ${type}`];
  const faults = required.filter((key) => !(key in event)).map((key) => `${type} without ${key}`);
  return response === undefined ? faults : [...faults, ...responseFaults(response)];
}

export function responseFaults(response: Record<string, unknown>): string[] {
  const types = schema.responseTypes as Record<string, readonly string[]>;
  const faults = schema.responseRequired.filter((key) => !(key in response)).map((key) => `response without ${key}`);
  for (const [key, allowed] of Object.entries(types)) {
    const value = response[key];
    // The schema calls usage an object, and its own examples say null until it is known.
    if (value === undefined || (key === 'usage' && value === null)) continue;
    if (!kindsOf(value).some((kind) => allowed.includes(kind))) faults.push(`${key} is ${kindsOf(value)[0]}`);
  }
  const { object, status, error } = response as { object: string; status: string; error: object | null };
  if (object !== 'response') faults.push(`object is ${object}`);
  if (!schema.responseStatus.includes(status)) faults.push(`status is ${status}`);
  if (error !== null) {
    const { code } = error as { code: string };
    faults.push(...schema.errorRequired.filter((key) => !(key in error)).map((key) => `error without ${key}`));
    if (!schema.errorCodes.includes(code)) faults.push(`error code ${code}`);
  }
  return faults;
}

function kindsOf(value: unknown): readonly string[] {
  if (value === null) return ['null'];
  if (Array.isArray(value)) return ['array'];
  return Number.isInteger(value) ? ['integer', 'number'] : [typeof value];
}
