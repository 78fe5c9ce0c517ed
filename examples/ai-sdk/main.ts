// Calls a running router with the AI SDK: three providers, a stream, an object, a tool loop, vectors. For users.
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { embed, generateText, isStepCount, Output, streamText, tool } from 'ai';
import { z } from 'zod';

const baseURL = `${process.env['SPILLWAY_URL'] ?? 'http://127.0.0.1:8787'}/v1`;
const apiKey = process.env['SPILLWAY_KEY'] ?? 'local';

// `includeUsage` makes it ask for the usage of streams, `supportsStructuredOutputs` send schemas.
const spillway = createOpenAICompatible({
  name: 'spillway',
  baseURL,
  apiKey,
  includeUsage: true,
  supportsStructuredOutputs: true,
});

const chat = await generateText({ model: spillway('demo-large'), prompt: 'What is a spillway?' });
console.log('text:', chat.text);
console.log('served by:', chat.response.headers?.['x-spillway-served']);

const responses = createOpenAI({ baseURL, apiKey });
const stream = streamText({ model: responses('demo-large'), prompt: 'Count to three.' });
let pieces = 0;
for await (const _ of stream.textStream) pieces++;
console.log('stream:', pieces, 'pieces,', (await stream.usage).outputTokens, 'tokens');

const messages = createAnthropic({ baseURL, apiKey });
const { text, steps } = await generateText({
  model: messages('demo-large'),
  maxOutputTokens: 512,
  prompt: 'Ask weather about Lisbon.',
  tools: {
    weather: tool({
      description: 'The weather of a city',
      inputSchema: z.object({ city: z.string() }),
      execute: () => 'sunny, 24 degrees',
    }),
  },
  stopWhen: isStepCount(3),
});
console.log('tool loop:', steps.length, 'steps:', text);

const person = z.object({ name: z.string(), age: z.int() });
const { output } = await generateText({
  model: spillway('demo-large'),
  prompt: 'Somebody.',
  output: Output.object({ schema: person }),
});
console.log('object:', JSON.stringify(output));

const { embedding } = await embed({ model: spillway.embeddingModel('demo-embed'), value: 'water' });
console.log('vector:', embedding.length, 'numbers');
if (chat.text === '' || pieces === 0 || steps.length !== 2) process.exitCode = 1;
