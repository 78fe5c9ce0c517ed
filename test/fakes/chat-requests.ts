// Decides what the bodies of real agent clients look like: member order, sizes, tool lists and habits,
// for tests of scanning, splicing and forwarding; made by code, the same on every run.

const words =
  'read the file then edit it run tests check output never guess path prefer small steps report what changed'.split(
    ' ',
  );

/** Prose of exactly `length` ASCII characters, with the line breaks and quotes that prompts have. */
export function prose(length: number, seed = 1): string {
  const parts: string[] = [];
  let size = 0;
  let state = seed >>> 0 || 1;
  for (let i = 1; size < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const word = words[state % words.length]!;
    const part = i % 97 === 0 ? `"${word}"\n\n` : i % 17 === 0 ? `${word}.\n` : `${word} `;
    parts.push(part);
    size += part.length;
  }
  return parts.join('').slice(0, length);
}

export type ToolShape = { type: 'function'; function: { name: string; description: string; parameters: object } };

const toolNames =
  'bash edit glob grep list patch read task todoread todowrite webfetch write question skill memory save_memory'.split(
    ' ',
  );

/** Tool definitions as coding agents send them, with descriptions of about `descriptionLength` characters. */
export function agentTools(count: number, descriptionLength: number): ToolShape[] {
  return Array.from({ length: count }, (_, i) => ({
    type: 'function' as const,
    function: {
      name: toolNames[i % toolNames.length]! + (i < toolNames.length ? '' : `_${i}`),
      description: prose(descriptionLength, i + 7),
      parameters: {
        type: 'object',
        properties: {
          filePath: { type: 'string', description: 'The absolute path of the file' },
          offset: { type: 'number', description: 'The line to start from' },
          pattern: { type: 'string', enum: ['a', 'b', 'c'] },
        },
        required: ['filePath'],
        additionalProperties: false,
        $schema: 'https://json-schema.org/draft/2020-12/schema',
      },
    },
  }));
}

/** opencode: about 10 KB, tools, `stream_options.include_usage` always. */
export const opencodeBody = (model = 'support-7b'): Record<string, unknown> => ({
  model,
  max_tokens: 32_000,
  temperature: 0.55,
  top_p: 1,
  messages: [
    { role: 'system', content: prose(4_000, 3) },
    { role: 'user', content: 'Fix the failing test in src/app.test.ts' },
  ],
  tools: agentTools(10, 200),
  tool_choice: 'auto',
  stream: true,
  stream_options: { include_usage: true },
});

/** Qwen Code: 76 KB for a prompt of one line, user content as text blocks, 14 tools. */
export const qwenCodeBody = (model = 'support-7b'): Record<string, unknown> => ({
  model,
  messages: [
    { role: 'system', content: prose(38_000, 5) },
    { role: 'user', content: [{ type: 'text', text: prose(2_400, 6) }] },
    { role: 'assistant', content: 'Got it. Thanks for the context!' },
    { role: 'user', content: [{ type: 'text', text: 'say hi – in “French”, s’il te plaît 👋' }] },
  ],
  max_tokens: 8_000,
  stream: true,
  stream_options: { include_usage: true },
  tools: agentTools(14, 2_050),
});

/** The openai SDK, used plainly. */
export const openaiSdkBody = (model = 'support-7b', stream = false): Record<string, unknown> => ({
  model,
  messages: [{ role: 'user', content: 'Say hello.' }],
  ...(stream ? { stream: true } : {}),
});

/** The openai SDK and LangChain ask for base64 unless told otherwise. */
export const embeddingsBody = (model = 'embed-small', input: string | readonly string[] = ['one', 'two']) => ({
  input,
  model,
  encoding_format: 'base64',
});

/** LangChain's ChatOpenAI, streaming with one bound tool. */
export const langchainBody = (model = 'support-7b'): Record<string, unknown> => ({
  model,
  temperature: 0,
  n: 1,
  stream: true,
  stream_options: { include_usage: true },
  tools: agentTools(1, 120),
  messages: [
    { role: 'system', content: 'You are a helpful assistant.' },
    { role: 'user', content: 'What is the weather in Lisbon?' },
    {
      role: 'assistant',
      content: '',
      tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'bash', arguments: '{"filePath":"/tmp/a"}' } }],
    },
    { role: 'tool', content: 'sunny, 21 °C', tool_call_id: 'call_1' },
  ],
});

/**
 * A long agent trajectory of at least `bytes` of JSON: tool loops with file contents in the tool results.
 * The stream comes last, so a scanner has to walk all of it.
 */
export function agentBody(bytes = 220 * 1024, model = 'support-7b'): Record<string, unknown> {
  const messages: object[] = [
    { role: 'system', content: prose(12_000, 11) },
    { role: 'user', content: prose(600, 12) },
  ];
  const tools = agentTools(12, 900);
  let size = 30_000;
  for (let step = 1; size < bytes; step++) {
    const id = `call_${String(step).padStart(24, '0')}`;
    const args = JSON.stringify({ filePath: `/repo/src/file-${step}.ts`, offset: step * 10 });
    const result = prose(Math.max(200, Math.min(4_000, bytes - size)), 100 + step);
    messages.push(
      {
        role: 'assistant',
        content: `Step ${step}.`,
        tool_calls: [{ id, type: 'function', function: { name: 'read', arguments: args } }],
      },
      { role: 'tool', tool_call_id: id, content: result },
    );
    size += result.length + 250;
  }
  return {
    model,
    max_tokens: 32_000,
    messages,
    tools,
    tool_choice: 'auto',
    stream: true,
    stream_options: { include_usage: true },
  };
}
