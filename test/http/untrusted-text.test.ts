// Decides that what a caller writes is data all the way: no address in it is visited, and nothing in it becomes an
// event, a line or a header of a reply. For targets inside the house, and for clients that parse streams.

import { createServer } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { event, json, streamHead } from '../fakes/fault-upstream.ts';
import { strictJsonEvents } from '../fakes/raw-client.ts';
import { CHAT, chatBody, expectRefusal, type Stage, startStage } from './stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
});
afterAll(() => stage.close());

describe('addresses', () => {
  it('F026 no address in a body is visited, and the body reaches the target as it is', async () => {
    let visits = 0;
    const trap = createServer((socket) => {
      visits++;
      socket.destroy();
    });
    await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve));
    const { port } = trap.address() as { port: number };
    const url = `http://127.0.0.1:${port}/secret`;
    const body = chatBody({
      webhook: url,
      url,
      user: url,
      messages: [
        {
          role: 'user',
          content: [
            { type: 'image_url', image_url: { url } },
            { type: 'file', file: { file_url: url } },
          ],
        },
        { role: 'user', content: [{ type: 'input_audio', input_audio: { data: url, format: 'wav' } }] },
        {
          role: 'user',
          content: [{ type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(9_999)}` } }],
        },
      ],
    });
    const text = JSON.stringify(body);
    const response = await stage.post(text, { host: 'localhost', referer: url });
    expect(response.status).toBe(200);
    expect(stage.upstream.requests.at(-1)!.body.toString()).toBe(text.replace('"asked"', '"served-1"'));
    expect(stage.upstream.requests.at(-1)!.path).toBe(CHAT);
    await stage.quiet();
    expect(visits).toBe(0);
    await new Promise((resolve) => trap.close(resolve));
  });

  it('F026 a model named like an address is a model that is not there', async () => {
    const model = 'http://127.0.0.1:1/v1';
    expectRefusal(await stage.post(chatBody({ model })), 404, 'model_not_found');
  });
});

describe('streams', () => {
  const nasty = fc
    .array(
      fc.oneof(
        fc.constantFrom(
          '\r',
          '\n',
          '\r\n',
          '\n\n',
          'data: ',
          'event: error\n',
          ': ',
          '\u2028',
          '\u2029',
          '\u0085',
          '[DONE]',
        ),
        fc.constantFrom(
          'data: [DONE]\n\n',
          'id: 1\n',
          'retry: 0\n',
          '"finish_reason":"stop"',
          '{"error":{}}',
          '\u0000',
          '\ufeff',
        ),
        fc.string({ unit: 'grapheme', maxLength: 8 }),
      ),
      { minLength: 1, maxLength: 12 },
    )
    .map((parts) => parts.join(''));

  it('F027 property: text with line ends, fields and separators comes back whole, and adds no event', async () => {
    await fc.assert(
      fc.asyncProperty(nasty, fc.constantFrom('\n', '\r\n', '\r'), async (text, eol) => {
        const chunks = [
          {
            id: 'a',
            object: 'chat.completion.chunk',
            model: text,
            choices: [{ index: 0, delta: { content: text }, finish_reason: null }],
          },
          {
            id: 'a',
            object: 'chat.completion.chunk',
            model: text,
            choices: [{ index: 0, delta: {}, finish_reason: 'stop' }],
          },
        ];
        stage.upstream.next(streamHead(), ...chunks.map((chunk) => event(chunk, { eol })), event('[DONE]', { eol }));
        const response = await stage.post(
          chatBody({ stream: true, user: text, messages: [{ role: 'user', content: text }] }),
        );
        expect(response.status).toBe(200);
        expect(response.complete).toBe(true);
        expect(strictJsonEvents(response.body)).toEqual([...chunks, '[DONE]']);
        const sent = JSON.parse(stage.upstream.requests.at(-1)!.body.toString()) as { user: string };
        expect(sent.user).toBe(text);
      }),
      { numRuns: 200 },
    );
  });

  it('F027 the event that ends a broken stream holds nothing of the caller or the target', async () => {
    const canary = 'canary\r\n\r\ndata: [DONE]\n\n';
    stage.upstream.next(
      streamHead(),
      event({ choices: [{ index: 0, delta: { content: 'a' } }] }),
      event({ error: { message: canary, type: canary, code: canary } }),
    );
    const response = await stage.post(chatBody({ stream: true, user: canary }));
    const events = strictJsonEvents(response.body);
    expect(events).toHaveLength(2);
    expect(events[1]).toMatchObject({ error: { code: 'upstream_error', type: 'api_error', param: null } });
    expect(response.body.toString()).not.toContain('canary');
    expect(response.body.toString()).not.toContain('[DONE]');
  });

  it('F038 a refusal by the target is told in our words: nothing of its text is passed on', async () => {
    const echo = { error: { message: 'canary prompt and sk-canary', type: 'canary', param: null, code: 'canary' } };
    for (const status of [400, 401, 404, 422, 429, 500, 503]) {
      stage.upstream.next(json(status, echo));
      stage.upstream.next(json(status, echo));
      const response = await stage.post(chatBody());
      expect(response.status).toBeGreaterThanOrEqual(400);
      expect(response.body.toString() + response.rawHead).not.toContain('canary');
    }
    expect(stage.router.log.text()).not.toContain('canary');
  });
});
