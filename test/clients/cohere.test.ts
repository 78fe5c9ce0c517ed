// The official Cohere client, unchanged, against a demo worker and its own API as a managed one, behind a key.
import { CohereClientV2 } from 'cohere-ai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Stage, served, startStage } from './stage.ts';

let stage: Stage;

beforeAll(async () => {
  stage = await startStage();
});
afterAll(() => stage.close());

const client = (token = stage.key) => new CohereClientV2({ environment: stage.origin, token, maxRetries: 0 });
const documents = ['Cats sleep.', 'A dam holds a lake, and its spillway lets water pass.', 'A dam.'];
const query = 'the spillway of a dam';

describe.each([
  ['demo-rerank', 'demo-rerank/demo-rerank'],
  ['rerank-v4', 'cohere/rerank-v4'],
])('%s', (model, target) => {
  it('best first, with disclosure', async () => {
    const { data, rawResponse } = await client().rerank({ model, query, documents, topN: 2 }).withRawResponse();
    expect(data.results).toHaveLength(2);
    expect(data.results[0]!.index).toBe(1);
    expect(data.results[0]!.relevanceScore).toBeGreaterThan(data.results[1]!.relevanceScore);
    expect(served(rawResponse.headers as unknown as Headers)).toBe(target);
  });

  it('a key that nobody made is an error of 401, in Cohere’s form', async () => {
    const refused = client('nobody').rerank({ model, query, documents });
    await expect(refused).rejects.toMatchObject({
      statusCode: 401,
      body: { message: expect.stringContaining('No valid key') },
    });
  });
});
