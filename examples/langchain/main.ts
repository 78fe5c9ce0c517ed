// Calls a running router with LangChain.js: OpenAI's and Anthropic's models, a stream, a tool, a search by vectors. For users.
import { ChatAnthropic } from '@langchain/anthropic';
import { HumanMessage, ToolMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { z } from 'zod';

const origin = process.env['SPILLWAY_URL'] ?? 'http://127.0.0.1:8787';
const apiKey = process.env['SPILLWAY_KEY'] ?? 'local';
const configuration = { baseURL: `${origin}/v1` };

const openai = new ChatOpenAI({ model: 'demo-large', apiKey, configuration });
console.log('text:', (await openai.invoke('What is a spillway?')).text);

const anthropic = new ChatAnthropic({ model: 'demo-large', apiKey, anthropicApiUrl: origin });
let pieces = 0;
for await (const chunk of await anthropic.stream('Count to three.')) if (chunk.text !== '') pieces++;
console.log('stream:', pieces, 'pieces');

const weather = tool(() => 'sunny, 24 degrees', {
  name: 'weather',
  description: 'The weather of a city',
  schema: z.object({ city: z.string() }),
});
const bound = openai.bindTools([weather]);
const question = new HumanMessage('Ask weather about Lisbon.');
const asking = await bound.invoke([question]);
const [call] = asking.tool_calls ?? [];
if (call?.id === undefined) throw new Error('no tool was called');
const result = new ToolMessage({ content: await weather.invoke({ city: 'Lisbon' }), tool_call_id: call.id });
console.log('tool:', call.name, (await bound.invoke([question, asking, result])).text);

const texts = ['The dam holds the lake.', 'Cats sleep all day.', 'Tokens are counted.'];
const embeddings = new OpenAIEmbeddings({ model: 'demo-embed', apiKey, configuration });
const [vectors, asked] = await Promise.all([
  embeddings.embedDocuments(texts),
  embeddings.embedQuery('a dam and a lake'),
]);
const alike = vectors.map((vector) => vector.reduce((sum, value, at) => sum + value * asked[at]!, 0));
console.log('nearest:', texts[alike.indexOf(Math.max(...alike))]);
if (pieces === 0) process.exitCode = 1;
