// Has a running router put texts into an order, with Cohere's client, and prints what the scores mean. For users.
import { CohereClientV2 } from 'cohere-ai';

const client = new CohereClientV2({
  environment: process.env['SPILLWAY_URL'] ?? 'http://127.0.0.1:8787',
  token: process.env['SPILLWAY_KEY'] ?? 'local',
});
const documents = [
  'Cats sleep all day.',
  'A spillway lets water pass a dam.',
  'The spillway of a dam carries water that the lake cannot hold.',
  'Tokens are counted.',
];

const { data, rawResponse } = await client
  .rerank({ model: 'demo-rerank', query: 'What carries water past a dam?', documents, topN: 2 })
  .withRawResponse();
for (const { index, relevanceScore } of data.results) console.log(relevanceScore.toFixed(3), documents[index]);
console.log('served by:', rawResponse.headers.get('x-spillway-served'));
console.log('scores:', rawResponse.headers.get('x-spillway-scores'));
if (data.results.length !== 2) process.exitCode = 1;
