// Decides what a streamed message looks like, typed as the official SDK types it. For tests of the Anthropic dialects.
import type Anthropic from '@anthropic-ai/sdk';

type Event = Anthropic.RawMessageStreamEvent;

export const usage = (more: Partial<Anthropic.Usage> = {}): Anthropic.Usage => ({
  cache_creation: null,
  cache_creation_input_tokens: 20,
  cache_read_input_tokens: 300,
  inference_geo: null,
  input_tokens: 4,
  output_tokens: 1,
  output_tokens_details: null,
  server_tool_use: null,
  service_tier: 'standard',
  speed: null,
  ...more,
});

export const message = (more: Partial<Anthropic.Message> = {}): Anthropic.Message => ({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'served-model-2026',
  content: [],
  container: null,
  diagnostics: null,
  stop_details: null,
  stop_reason: null,
  stop_sequence: null,
  usage: usage(),
  ...more,
});

export const begin = (more: Partial<Anthropic.Message> = {}): Event => ({
  type: 'message_start',
  message: message(more),
});

export const open = (content_block: Anthropic.ContentBlock, index = 0): Event => ({
  type: 'content_block_start',
  index,
  content_block,
});
export const openText = (text = ''): Event => open({ type: 'text', text, citations: null });
export const openTool = (input: object = {}): Event =>
  open({ type: 'tool_use', id: 'toolu_1', name: 'read', input, caller: { type: 'direct' } });

export const delta = (said: Anthropic.RawContentBlockDelta, index = 0): Event => ({
  type: 'content_block_delta',
  index,
  delta: said,
});
export const text = (said: string): Event => delta({ type: 'text_delta', text: said });

export const close = (index = 0): Event => ({ type: 'content_block_stop', index });

export const reason = (
  stop_reason: Anthropic.StopReason | null = 'end_turn',
  more: Partial<Anthropic.MessageDeltaUsage> = {},
): Event => ({
  type: 'message_delta',
  delta: { container: null, stop_details: null, stop_reason, stop_sequence: null },
  usage: {
    cache_creation_input_tokens: null,
    cache_read_input_tokens: null,
    input_tokens: null,
    output_tokens: 7,
    output_tokens_details: null,
    server_tool_use: null,
    ...more,
  },
});

export const end: Event = { type: 'message_stop' };
export const ping = { type: 'ping' } as const;

/** A whole answer, as the API sends it. */
export const whole: readonly (Event | typeof ping)[] = [
  begin(),
  openText(),
  ping,
  text('Two'),
  text(' words'),
  close(),
  reason(),
  end,
];

/** An event on the wire, named by its type. */
export const frame = (event: { readonly type: string }): string =>
  `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
