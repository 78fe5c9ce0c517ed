// Calls a running router with Anthropic's client: a message, a stream, a tool, a count, and what the reply discloses. For users.
import Anthropic from '@anthropic-ai/sdk';

const client = new Anthropic({
  baseURL: process.env['ANTHROPIC_BASE_URL'] ?? 'http://127.0.0.1:8787',
  apiKey: process.env['ANTHROPIC_API_KEY'] ?? 'local',
});
const model = 'demo-large';
const textOf = ({ content }: Anthropic.Message) =>
  content.map((block) => (block.type === 'text' ? block.text : '')).join('');

const { data: message, response } = await client.messages
  .create({ model, max_tokens: 256, messages: [{ role: 'user', content: 'What is a spillway?' }] })
  .withResponse();
console.log('message:', textOf(message));
console.log('served by:', response.headers.get('x-spillway-served'), 'id:', response.headers.get('request-id'));

let pieces = 0;
const stream = client.messages.stream({
  model,
  max_tokens: 32,
  messages: [{ role: 'user', content: 'Count to three.' }],
});
stream.on('text', () => pieces++);
console.log('stream:', (await stream.finalMessage()).stop_reason, 'after', pieces, 'pieces');

// A demo worker calls the tool whose name stands in the question.
const tools: Anthropic.Tool[] = [
  {
    name: 'weather',
    description: 'The weather of a city',
    input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
];
const question: Anthropic.MessageParam = { role: 'user', content: 'Ask weather about Lisbon.' };
const asking = await client.messages.create({ model, max_tokens: 256, tools, messages: [question] });
const call = asking.content.find((block) => block.type === 'tool_use');
if (call === undefined) throw new Error('no tool was called');
console.log('tool:', call.name, JSON.stringify(call.input));
const answer = await client.messages.create({
  model,
  max_tokens: 256,
  tools,
  messages: [
    question,
    { role: 'assistant', content: asking.content },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: call.id, content: 'sunny, 24 degrees' }] },
  ],
});
console.log('answer:', textOf(answer));

const { input_tokens } = await client.messages.countTokens({ model, messages: [question] });
console.log('tokens:', input_tokens);
