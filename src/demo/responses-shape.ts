// The response object of the Responses API and the events that build it up. For /v1/responses.
import { assembled, type Choice, type Delta } from './answer.ts';
import { type Call, seconds } from './call.ts';
import type { WorkerError } from './errors.ts';
import { namedEvent } from './events.ts';
import type { Body } from './fields.ts';
import type { Ending, Shape, TokenCounts } from './generation.ts';

type ItemStatus = 'in_progress' | 'completed' | 'incomplete';

const usageOf = ({ prompt, cached, completion }: TokenCounts) => ({
  input_tokens: prompt,
  input_tokens_details: { cached_tokens: cached, cache_write_tokens: 0 },
  output_tokens: completion,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: prompt + completion,
});

/** What the request said comes back, with the API's defaults where it said nothing. */
const echoed = (body: Body) => ({
  background: false,
  instructions: body['instructions'] ?? null,
  max_output_tokens: body['max_output_tokens'] ?? null,
  max_tool_calls: body['max_tool_calls'] ?? null,
  metadata: body['metadata'] ?? {},
  parallel_tool_calls: body['parallel_tool_calls'] ?? true,
  previous_response_id: body['previous_response_id'] ?? null,
  reasoning: body['reasoning'] ?? { effort: null, summary: null },
  service_tier: 'auto',
  store: body['store'] ?? true,
  temperature: body['temperature'] ?? 1,
  text: body['text'] ?? { format: { type: 'text' } },
  tool_choice: body['tool_choice'] ?? 'auto',
  tools: body['tools'] ?? [],
  top_logprobs: 0,
  top_p: body['top_p'] ?? 1,
  truncation: body['truncation'] ?? 'disabled',
});

/** vLLM calls an answer cancelled that sleep ended. */
function outcomeOf({ finishReason }: Ending) {
  if (finishReason === 'abort') return { status: 'cancelled', incomplete_details: null };
  if (finishReason !== 'length') return { status: 'completed', incomplete_details: null };
  return { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } };
}

const textPart = (text: string) => ({ type: 'output_text', text, annotations: [], logprobs: [] });

const messageItem = (id: string, status: ItemStatus, content: readonly object[]) => ({
  id,
  type: 'message',
  status,
  role: 'assistant',
  content,
});

const callItem = (id: string, status: ItemStatus, call: { id: string; name: string }, args: string) => ({
  id,
  type: 'function_call',
  status,
  call_id: call.id,
  name: call.name,
  arguments: args,
});

const itemStatus = ({ finishReason }: Ending): ItemStatus =>
  finishReason === 'length' || finishReason === 'abort' ? 'incomplete' : 'completed';

/** Ids of an answer's items: one for its text, or one for each call. */
interface ItemIds {
  readonly text: string;
  readonly calls: readonly string[];
}

function outputOf(choice: Choice, steps: number, ids: ItemIds, ending: Ending): object[] {
  const { content, calls } = assembled(choice, steps);
  const status = itemStatus(ending);
  if (calls.length === 0) return content === null ? [] : [messageItem(ids.text, status, [textPart(content)])];
  // Only the last call can have been cut.
  return calls.map((call, at) =>
    callItem(ids.calls[at]!, at === calls.length - 1 ? status : 'completed', call, call.arguments),
  );
}

/** The item that a stream is at. */
interface OpenItem {
  readonly call: { readonly id: string; readonly name: string } | null;
  readonly id: string;
  readonly index: number;
  said: string;
}

export function responsesShape(call: Call, choice: Choice, id: string): Shape {
  const { body, settings, clock, newId } = call;
  const ids: ItemIds = {
    text: `msg_${newId()}`,
    calls: assembled(choice, Number.POSITIVE_INFINITY).calls.map(() => `fc_${newId()}`),
  };
  const base = { id, object: 'response', created_at: seconds(clock), model: settings.model, ...echoed(body) };
  const begun = { ...base, status: 'in_progress', error: null, incomplete_details: null, output: [], usage: null };
  const final = (tokens: TokenCounts, steps: number, ending: Ending) => ({
    ...base,
    ...outcomeOf(ending),
    error: null,
    output: outputOf(choice, steps, ids, ending),
    usage: usageOf(tokens),
  });

  let sequence = 0;
  const event = (type: string, fields: object) => namedEvent(type, { sequence_number: sequence++, ...fields });
  let open: OpenItem | null = null;
  let items = 0;
  const place = ({ id: itemId, index }: OpenItem) => ({ item_id: itemId, output_index: index });

  const begin = (delta: Delta): string => {
    const index = items++;
    if ('id' in delta) {
      open = { call: delta, id: ids.calls[delta.call]!, index, said: '' };
      return event('response.output_item.added', {
        output_index: index,
        item: callItem(open.id, 'in_progress', delta, ''),
      });
    }
    open = { call: null, id: ids.text, index, said: '' };
    return (
      event('response.output_item.added', { output_index: index, item: messageItem(open.id, 'in_progress', []) }) +
      event('response.content_part.added', { ...place(open), content_index: 0, part: textPart('') })
    );
  };

  const end = (status: ItemStatus): string => {
    if (open === null) return '';
    const { call: made, said, index } = open;
    const at = place(open);
    const item = made === null ? messageItem(open.id, status, [textPart(said)]) : callItem(open.id, status, made, said);
    const content =
      made === null
        ? event('response.output_text.done', { ...at, content_index: 0, text: said, logprobs: [] }) +
          event('response.content_part.done', { ...at, content_index: 0, part: textPart(said) })
        : event('response.function_call_arguments.done', { ...at, name: made.name, arguments: said });
    open = null;
    return content + event('response.output_item.done', { output_index: index, item });
  };

  const add = (delta: Delta): string => {
    if ('id' in delta) return end('completed') + begin(delta);
    const text = open === null ? begin(delta) : '';
    const item = open!;
    const said = 'content' in delta ? delta.content : delta.piece;
    item.said += said;
    if (item.call !== null) return event('response.function_call_arguments.delta', { ...place(item), delta: said });
    return text + event('response.output_text.delta', { ...place(item), content_index: 0, delta: said, logprobs: [] });
  };

  return {
    accepted: () => event('response.created', { response: begun }) + event('response.in_progress', { response: begun }),
    opening: () => '',
    delta: (_index, delta) => add(delta),
    ending: (_index, ending) => end(itemStatus(ending)),
    closing: (tokens, steps, ending) => {
      const response = final(tokens, steps, ending);
      return event(response.status === 'incomplete' ? 'response.incomplete' : 'response.completed', { response });
    },
    failed: ({ message }: WorkerError) =>
      event('response.failed', { response: { ...begun, status: 'failed', error: { code: 'server_error', message } } }),
    whole: (tokens, steps, endingOf) => JSON.stringify(final(tokens, steps, endingOf(0))),
  };
}
