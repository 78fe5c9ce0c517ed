// Decides what well-formed replies of OpenAI and vLLM look like, field for field and in their order,
// for every test that needs a reply or a stream of chat, completions or embeddings.

export * from './chat-requests.ts';

export type Vendor = 'openai' | 'vllm';
export type Usage = { prompt: number; completion: number; cached?: number; reasoning?: number };
export type ToolCall = { id?: string; name: string; arguments: unknown };

export type ReplyOptions = {
  vendor?: Vendor;
  id?: string;
  model?: string;
  created?: number;
  text?: string;
  /** The pieces of the text, one a chunk; without them the text is split into words. */
  tokens?: readonly string[];
  reasoning?: string;
  toolCalls?: readonly ToolCall[];
  finishReason?: string | null;
  usage?: Usage;
};

export type StreamOptions = ReplyOptions & {
  /** `last`: one event without choices, as `include_usage` asks. `every`: vLLM's continuous_usage_stats. */
  usageEvents?: 'none' | 'last' | 'every';
  roleFrame?: boolean;
  done?: boolean;
  eol?: '\n' | '\r\n' | '\r';
};

const defaultText = 'The quick brown fox jumps over the lazy dog.';

function settled(options: ReplyOptions) {
  const tokens = options.tokens ?? (options.text ?? defaultText).match(/\s*\S+/g) ?? [];
  const toolCalls = options.toolCalls ?? [];
  const stop = toolCalls.length > 0 ? 'tool_calls' : 'stop';
  return {
    vendor: options.vendor ?? 'vllm',
    id: options.id ?? 'chatcmpl-7c6d1f0b2a9e4d53',
    model: options.model ?? 'support-7b',
    created: options.created ?? 1_795_000_000,
    tokens: toolCalls.length > 0 && options.text === undefined && options.tokens === undefined ? [] : tokens,
    toolCalls,
    reasoning: options.reasoning,
    finishReason: options.finishReason === undefined ? stop : options.finishReason,
    usage: options.usage ?? { prompt: 12, completion: Math.max(1, tokens.length) },
  };
}

/** The usage object of a vendor, in the vendor's member order. */
export function usageOf(vendor: Vendor, { prompt, completion, cached, reasoning }: Usage): Record<string, unknown> {
  const total = prompt + completion;
  if (vendor === 'vllm') {
    const details = cached === undefined ? null : { cached_tokens: cached };
    return {
      prompt_tokens: prompt,
      total_tokens: total,
      completion_tokens: completion,
      prompt_tokens_details: details,
    };
  }
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: total,
    prompt_tokens_details: { cached_tokens: cached ?? 0, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: reasoning ?? 0,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

const callId = (call: ToolCall, index: number) => call.id ?? `call_${String(index).padStart(24, '0')}`;

/** The events of a streamed chat reply, each a whole event with its blank line. */
export function chatStream(options: StreamOptions = {}): Buffer[] {
  const { vendor, id, model, created, tokens, toolCalls, reasoning, finishReason, usage } = settled(options);
  const { usageEvents = 'none', roleFrame = true, done = true, eol = '\n' } = options;
  const openai = vendor === 'openai';
  const base = {
    id,
    object: 'chat.completion.chunk',
    created,
    model,
    ...(openai ? { service_tier: 'default', system_fingerprint: 'fp_560af6e559' } : {}),
  };
  let sent = 0;
  const usageNow = () => usageOf(vendor, { ...usage, completion: Math.min(sent, usage.completion) });
  const chunk = (delta: object, finish: string | null = null) => ({
    ...base,
    choices: [
      {
        index: 0,
        delta,
        logprobs: null,
        finish_reason: finish,
        ...(openai ? {} : finish === null ? { token_ids: null } : { stop_reason: null, token_ids: null }),
      },
    ],
    ...(openai && usageEvents !== 'none' ? { usage: null } : {}),
    ...(!openai && usageEvents === 'every' ? { usage: usageNow() } : {}),
  });

  const chunks: unknown[] = [];
  if (roleFrame) {
    const role = { role: 'assistant', content: '', ...(openai ? { refusal: null } : {}) };
    chunks.push(openai ? chunk(role) : { ...chunk(role), prompt_token_ids: null });
  }
  for (const piece of reasoning?.match(/\s*\S+/g) ?? []) {
    sent += 1;
    chunks.push(chunk({ reasoning_content: piece }));
  }
  for (const token of tokens) {
    sent += 1;
    chunks.push(chunk({ content: token }));
  }
  toolCalls.forEach((call, index) => {
    const text = JSON.stringify(call.arguments);
    const half = Math.ceil(text.length / 2);
    const named = { name: call.name, arguments: '' };
    chunks.push(chunk({ tool_calls: [{ index, id: callId(call, index), type: 'function', function: named }] }));
    for (const part of [text.slice(0, half), text.slice(half)]) {
      sent += 1;
      chunks.push(chunk({ tool_calls: [{ index, function: { arguments: part } }] }));
    }
  });
  sent = usage.completion;
  if (finishReason !== null) chunks.push(chunk(openai ? {} : { content: '' }, finishReason));
  if (usageEvents !== 'none') chunks.push({ ...base, choices: [], usage: usageOf(vendor, usage) });

  const lines = chunks.map((value) => JSON.stringify(value));
  if (done) lines.push('[DONE]');
  return lines.map((line) => Buffer.from(`data: ${line}${eol}${eol}`));
}

/** A buffered chat reply as an object; JSON.stringify gives its bytes. */
export function chatReply(options: ReplyOptions = {}): Record<string, unknown> {
  const { vendor, id, model, created, tokens, toolCalls, reasoning, finishReason, usage } = settled(options);
  const openai = vendor === 'openai';
  const calls = toolCalls.map((call, index) => ({
    id: callId(call, index),
    type: 'function',
    function: { name: call.name, arguments: JSON.stringify(call.arguments) },
  }));
  const content = tokens.length === 0 ? null : tokens.join('');
  const message = openai
    ? {
        role: 'assistant',
        content,
        ...(calls.length > 0 ? { tool_calls: calls } : {}),
        refusal: null,
        annotations: [],
      }
    : {
        role: 'assistant',
        content,
        refusal: null,
        annotations: null,
        audio: null,
        function_call: null,
        tool_calls: calls,
        reasoning_content: reasoning ?? null,
      };
  const choice = { index: 0, message, logprobs: null, finish_reason: finishReason };
  return {
    id,
    object: 'chat.completion',
    created,
    model,
    choices: [openai ? choice : { ...choice, stop_reason: null, token_ids: null }],
    ...(openai ? {} : { service_tier: null, system_fingerprint: null }),
    usage: usageOf(vendor, usage),
    ...(openai
      ? { service_tier: 'default', system_fingerprint: 'fp_560af6e559' }
      : { prompt_logprobs: null, prompt_token_ids: null, kv_transfer_params: null }),
  };
}

/** A reply of the old completions endpoint. */
export function completionReply(options: ReplyOptions = {}): Record<string, unknown> {
  const { vendor, model, created, tokens, finishReason, usage } = settled(options);
  const choice = { index: 0, text: tokens.join(''), logprobs: null, finish_reason: finishReason };
  return {
    id: options.id ?? 'cmpl-5f0c2b7e9a1d4c68',
    object: 'text_completion',
    created,
    model,
    choices: [vendor === 'vllm' ? { ...choice, stop_reason: null, prompt_logprobs: null } : choice],
    usage: usageOf(vendor, usage),
  };
}

/** The same, streamed. */
export function completionStream(options: StreamOptions = {}): Buffer[] {
  const { vendor, model, created, tokens, finishReason, usage } = settled(options);
  const { usageEvents = 'none', done = true, eol = '\n' } = options;
  const base = { id: options.id ?? 'cmpl-5f0c2b7e9a1d4c68', object: 'text_completion', created, model };
  const chunk = (text: string, finish: string | null) => ({
    ...base,
    choices: [{ index: 0, text, logprobs: null, finish_reason: finish }],
  });
  const chunks: unknown[] = tokens.map((token) => chunk(token, null));
  if (finishReason !== null) chunks.push(chunk('', finishReason));
  if (usageEvents !== 'none') chunks.push({ ...base, choices: [], usage: usageOf(vendor, usage) });
  const lines = chunks.map((value) => JSON.stringify(value));
  if (done) lines.push('[DONE]');
  return lines.map((line) => Buffer.from(`data: ${line}${eol}${eol}`));
}

export type EmbeddingOptions = {
  inputs?: number;
  dimensions?: number;
  encoding?: 'float' | 'base64';
  model?: string;
  promptTokens?: number;
};

/** A unit vector that depends on nothing but its number, exact in 32-bit floats. */
export function embeddingVector(index: number, dimensions: number): Float32Array {
  const vector = Float32Array.from({ length: dimensions }, (_, i) => Math.sin((index + 1) * 12.9898 + i * 78.233));
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

export function embeddingReply(options: EmbeddingOptions = {}): Record<string, unknown> {
  const { inputs = 1, dimensions = 8, encoding = 'float', model = 'embed-small', promptTokens = inputs * 6 } = options;
  const data = Array.from({ length: inputs }, (_, index) => {
    const vector = embeddingVector(index, dimensions);
    const embedding = encoding === 'float' ? [...vector] : Buffer.from(vector.buffer).toString('base64');
    return { object: 'embedding', index, embedding };
  });
  return { object: 'list', data, model, usage: { prompt_tokens: promptTokens, total_tokens: promptTokens } };
}
