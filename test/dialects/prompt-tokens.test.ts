// Decides how far the estimate of a prompt's tokens may be off, before anybody parses it. For the gate and the scheduler.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Dialect } from '../../src/core/dialect.ts';
import { dialects } from '../../src/dialects/index.ts';
import { claudeCodeRequest, codexRequest } from '../fakes/agent-requests.ts';
import { parseCall } from '../fakes/call-parts.ts';
import { agentBody, prose } from '../fakes/chat-requests.ts';
import { bytesOf } from './json-bodies.ts';

const { 'openai-chat': chat, 'openai-completions': completions, 'openai-responses': responses } = dialects;
const { 'anthropic-messages': messages, 'anthropic-count-tokens': count } = dialects;

const tokensOf = (dialect: Dialect, body: object | string) =>
  parseCall(dialect, bytesOf(typeof body === 'string' ? body : JSON.stringify(body))).inputTokens;
const said = (content: unknown) => ({ model: 'm', max_tokens: 9, messages: [{ role: 'user', content }] });
const base64 = (length: number) => 'iVBORw0KGgo+/9aZ'.repeat(Math.ceil(length / 16)).slice(0, length);
/** As JSON that has no byte beyond ASCII, which is how some clients write. */
const inAscii = (value: object) =>
  JSON.stringify(value).replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

describe('the estimate of a prompt', () => {
  it('property: is within a factor of two of a quarter of the text’s bytes, in any script', () => {
    const words = fc.constantFrom(
      'read the file. ',
      'Lüftungsöffnung ',
      '请阅读文件。',
      'прочитай файл ',
      '👋🛠',
      '"path"\n',
    );
    fc.assert(
      fc.property(fc.array(words, { minLength: 60, maxLength: 400 }), fc.integer({ min: 1, max: 8 }), (parts, cuts) => {
        const text = parts.join('');
        const quarter = bytesOf(text).length / 4;
        const blocks = Array.from({ length: cuts }, (_, at) => {
          const size = Math.ceil(text.length / cuts);
          return { type: 'text', text: text.slice(at * size, (at + 1) * size).toWellFormed() };
        });
        for (const content of [text.toWellFormed(), blocks]) {
          for (const dialect of [chat, messages]) {
            const tokens = tokensOf(dialect, said(content));
            expect(tokens).toBeGreaterThan(quarter / 2);
            expect(tokens).toBeLessThan(quarter * 2 + 100);
          }
        }
      }),
    );
  });

  it('counts what the model reads, in every dialect, and nothing else', () => {
    const text = prose(40_000);
    const noise = { metadata: { note: text }, user: text.slice(0, 9_000) };
    const near = (tokens: number, wanted: number) => {
      expect(tokens).toBeGreaterThanOrEqual(wanted);
      expect(tokens).toBeLessThan(wanted * 1.15);
    };
    near(tokensOf(chat, { ...said(text), ...noise }), 10_000);
    near(
      tokensOf(chat, { ...said(text), tools: [{ type: 'function', function: { name: 'f', description: text } }] }),
      20_000,
    );
    near(tokensOf(completions, { model: 'm', prompt: text, ...noise }), 10_000);
    near(tokensOf(responses, { model: 'm', input: text, instructions: text, tools: [{ text }], ...noise }), 30_000);
    near(
      tokensOf(messages, { ...said(text), system: [{ type: 'text', text }], tools: [{ text }], metadata: noise }),
      30_000,
    );
    near(tokensOf(count, { ...said(text), system: text }), 20_000);
    expect(tokensOf(responses, { model: 'm', previous_response_id: 'r' })).toBe(0);
  });

  it('of real agents’ calls is their prompt’s size', () => {
    for (const [dialect, body] of [
      [messages, claudeCodeRequest('m').body],
      [responses, codexRequest('m').body],
      [chat, agentBody(220 * 1024)],
    ] as const) {
      const quarter = JSON.stringify(body).length / 4;
      expect(tokensOf(dialect, body)).toBeGreaterThan(quarter * 0.9);
      expect(tokensOf(dialect, body)).toBeLessThanOrEqual(quarter);
    }
  });

  it('takes a file for a thousand tokens, however long its base64 is and whoever’s form it has', () => {
    const data = base64(900_000);
    const url = `data:image/png;base64,${data}`;
    const text = prose(8_000);
    const forms: [Dialect, object][] = [
      [
        chat,
        said([
          { type: 'text', text },
          { type: 'image_url', image_url: { url } },
        ]),
      ],
      [
        chat,
        said([
          { type: 'text', text },
          { type: 'input_audio', input_audio: { data, format: 'wav' } },
        ]),
      ],
      [
        chat,
        said([
          { type: 'text', text },
          { type: 'file', file: { file_data: data } },
        ]),
      ],
      [
        messages,
        said([
          { type: 'text', text },
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data } },
        ]),
      ],
      [
        responses,
        {
          model: 'm',
          input: [
            {
              role: 'user',
              content: [
                { type: 'input_text', text },
                { type: 'input_image', image_url: url },
              ],
            },
          ],
        },
      ],
    ];
    for (const [dialect, body] of forms) {
      for (const json of [JSON.stringify(body), JSON.stringify(body, null, 2)]) {
        const tokens = tokensOf(dialect, json);
        expect(tokens).toBeGreaterThan(3_000);
        expect(tokens).toBeLessThan(3_200);
      }
    }
    const three = said(Array.from({ length: 3 }, () => ({ type: 'image_url', image_url: { url } })));
    expect(tokensOf(chat, three)).toBeGreaterThan(3_000);
    expect(tokensOf(chat, three)).toBeLessThan(3_100);
  });

  it('takes base64 that the model reads for text: encrypted reasoning, signatures, a page’s own pictures', () => {
    const data = base64(40_000);
    expect(
      tokensOf(responses, { model: 'm', input: [{ type: 'reasoning', encrypted_content: data }] }),
    ).toBeGreaterThan(10_000);
    expect(tokensOf(chat, said(`<img src="data:image/png;base64,${data}">`))).toBeGreaterThan(10_000);
    expect(tokensOf(chat, said(data))).toBeGreaterThan(10_000);
  });

  it('is the same for text beyond ASCII that comes in escapes', () => {
    const text = '请阅读文件，然后运行测试。'.repeat(400);
    const plain = tokensOf(chat, said(text));
    const escaped = tokensOf(chat, inAscii(said(text)));
    expect(escaped).toBeGreaterThan(plain * 0.9);
    expect(escaped).toBeLessThan(plain * 1.1);
    const half = `${prose(15_000)}${text}`;
    expect(Math.abs(tokensOf(chat, inAscii(said(half))) / tokensOf(chat, said(half)) - 1)).toBeLessThan(0.2);
  });

  it('is a whole number, one item, and never split', () => {
    fc.assert(
      fc.property(fc.json(), (content) => {
        // Names that no body may have.
        fc.pre(!/"(?:__proto__|constructor|prototype)"/.test(content));
        const call = parseCall(chat, bytesOf(`{"model":"m","messages":${content}}`));
        expect(Number.isSafeInteger(call.inputTokens) && call.inputTokens >= 0).toBe(true);
        expect([call.items, call.split(1)]).toEqual([1, null]);
      }),
    );
  });
});
