// Which events follow each other in a stream, and what each must carry. For messages and responses.
import { describe, expect, it } from 'vitest';
import { strictEvents } from '../fakes/strict-events.ts';
import { started } from './started.ts';

type Fields = Record<string, 'string' | 'number' | 'object' | 'array'>;

const LIFE: Fields = { response: 'object' };
const ITEM: Fields = { output_index: 'number', item: 'object' };
const PLACE: Fields = { item_id: 'string', output_index: 'number' };
const PART: Fields = { ...PLACE, content_index: 'number' };

/** Fields of every event, beside its type; those of responses have a sequence number, too. */
const FIELDS: Record<string, Fields> = {
  message_start: { message: 'object' },
  content_block_start: { index: 'number', content_block: 'object' },
  content_block_delta: { index: 'number', delta: 'object' },
  content_block_stop: { index: 'number' },
  message_delta: { delta: 'object', usage: 'object' },
  message_stop: {},
  'response.created': LIFE,
  'response.in_progress': LIFE,
  'response.output_item.added': ITEM,
  'response.content_part.added': { ...PART, part: 'object' },
  'response.output_text.delta': { ...PART, delta: 'string', logprobs: 'array' },
  'response.output_text.done': { ...PART, text: 'string', logprobs: 'array' },
  'response.content_part.done': { ...PART, part: 'object' },
  'response.function_call_arguments.delta': { ...PLACE, delta: 'string' },
  'response.function_call_arguments.done': { ...PLACE, name: 'string', arguments: 'string' },
  'response.output_item.done': ITEM,
  'response.completed': LIFE,
  'response.incomplete': LIFE,
};

/** As a pattern over the names of the events, each followed by a blank. */
const TEXT_ITEM =
  '(response.output_item.added response.content_part.added (response.output_text.delta )+' +
  'response.output_text.done response.content_part.done response.output_item.done )';
const CALL_ITEM =
  '(response.output_item.added (response.function_call_arguments.delta )+' +
  'response.function_call_arguments.done response.output_item.done )';
const BLOCK = '(content_block_start (content_block_delta )+content_block_stop )';
const messages = (blocks: string) => `message_start ${blocks}message_delta message_stop `;
const responses = (items: string, end = 'completed') =>
  `response.created response.in_progress ${items}response.${end} `;

const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const tools = ['one', 'two'].map((name) => ({ name, input_schema: schema }));
const functions = ['one', 'two'].map((name) => ({ type: 'function', name, parameters: schema }));
const anthropic = (text: string, more: object = {}) => ({
  max_tokens: 99,
  messages: [{ role: 'user', content: text }],
  ...more,
});

const kindOf = (value: unknown) => (Array.isArray(value) ? 'array' : typeof value);

describe('a stream of events', () => {
  it.each<[string, string, object, string]>([
    ['messages, text', '/v1/messages', anthropic('hi'), messages(BLOCK)],
    ['messages, two calls', '/v1/messages', anthropic('one two', { tools }), messages(`${BLOCK}{2}`)],
    ['messages, cut', '/v1/messages', anthropic('hi', { max_tokens: 2 }), messages(BLOCK)],
    ['responses, text', '/v1/responses', { input: 'hi' }, responses(TEXT_ITEM)],
    ['responses, two calls', '/v1/responses', { input: 'one two', tools: functions }, responses(`${CALL_ITEM}{2}`)],
    ['responses, cut', '/v1/responses', { input: 'hi', max_output_tokens: 2 }, responses(TEXT_ITEM, 'incomplete')],
    [
      'responses, a call cut',
      '/v1/responses',
      { input: 'one', tools: functions, max_output_tokens: 3 },
      responses(CALL_ITEM, 'incomplete'),
    ],
  ])('of %s has its order, and every event its fields', async (_name, path, body, order) => {
    const { post } = await started();
    const response = await post(path, { model: 'demo-large', stream: true, ...body });
    const text = await response.text();
    expect(text).not.toContain('[DONE]');
    const events = strictEvents(text);
    expect(events.map(({ event }) => `${event} `).join('')).toMatch(new RegExp(`^${order.replaceAll('.', '\\.')}$`));
    events.forEach(({ event, data }, at) => {
      const { type, sequence_number: number, ...fields } = JSON.parse(data) as Record<string, unknown>;
      expect(type).toBe(event);
      if (path === '/v1/responses') expect(number).toBe(at);
      const kinds = Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, kindOf(value)]));
      expect(kinds).toEqual(FIELDS[event!]);
    });
  });

  it('builds up exactly what its last event says', async () => {
    const { post } = await started();
    for (const input of ['hi', 'one two']) {
      const body = { model: 'demo-large', stream: true, input, tools: functions };
      const events = strictEvents(await (await post('/v1/responses', body)).text()).map(({ data }) => JSON.parse(data));
      const done = events.filter(({ type }) => type === 'response.output_item.done').map(({ item }) => item);
      expect(events.at(-1).response.output).toEqual(done);
      const said = events.filter(({ type }) => /\.delta$/.test(type)).map(({ delta }) => delta);
      const kept = done.map((item) => item.arguments ?? item.content[0].text);
      expect(said.join('')).toBe(kept.join(''));
    }
  });
});
