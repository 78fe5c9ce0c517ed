// Decides how a user of each client library asks for one text, whole or streamed, and hears of failures.
// For the suite that compares what clients make of faults with the router and without.
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import Anthropic from '@anthropic-ai/sdk';
import { ChatAnthropic } from '@langchain/anthropic';
import type { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { ChatOpenAI } from '@langchain/openai';
import { generateText, type LanguageModel, streamText } from 'ai';
import OpenAI from 'openai';
import type { Family } from './faulty-replies.ts';

export interface Place {
  /** Scheme, host and port of the router or of the target itself. */
  readonly origin: string;
  readonly model: string;
  /** Default: the client's own number. */
  readonly maxRetries?: number;
}

export interface ClientCall {
  readonly name: string;
  readonly family: Family;
  /** The text that the user has in the end. Rejects where the client says that there is none. */
  text(place: Place, stream: boolean): Promise<string>;
}

const messages = [{ role: 'user' as const, content: 'Say something.' }];
const KEY = 'any';
const retries = ({ maxRetries }: Place) => (maxRetries === undefined ? {} : { maxRetries });

async function joined<T>(stream: AsyncIterable<T>, textOf: (piece: T) => string | null | undefined): Promise<string> {
  let text = '';
  for await (const piece of stream) text += textOf(piece) ?? '';
  return text;
}

const openai = (place: Place) => new OpenAI({ baseURL: `${place.origin}/v1`, apiKey: KEY, ...retries(place) });

async function openaiChat(place: Place, stream: boolean): Promise<string> {
  const ask = { model: place.model, messages };
  const { completions } = openai(place).chat;
  if (!stream) return (await completions.create(ask)).choices[0]!.message.content!;
  return joined(await completions.create({ ...ask, stream: true }), ({ choices }) => choices[0]?.delta.content);
}

async function openaiResponses(place: Place, stream: boolean): Promise<string> {
  const ask = { model: place.model, input: 'Say something.' };
  const { responses } = openai(place);
  if (!stream) return (await responses.create(ask)).output_text;
  return joined(await responses.create({ ...ask, stream: true }), (event) => {
    // This client leaves it to its user to look for a failure.
    if (event.type === 'response.failed' || event.type === 'error') throw new Error('failed');
    return event.type === 'response.output_text.delta' ? event.delta : '';
  });
}

async function anthropicMessages(place: Place, stream: boolean): Promise<string> {
  const client = new Anthropic({ baseURL: place.origin, apiKey: KEY, ...retries(place) });
  const ask = { model: place.model, max_tokens: 64, messages };
  const whole = stream ? await client.messages.stream(ask).finalMessage() : await client.messages.create(ask);
  return whole.content.map((block) => (block.type === 'text' ? block.text : '')).join('');
}

const aiSdk =
  (model: (baseURL: string, name: string) => LanguageModel): ClientCall['text'] =>
  async (place, stream) => {
    const call = {
      model: model(`${place.origin}/v1`, place.model),
      prompt: 'Say something.',
      maxOutputTokens: 64,
      ...retries(place),
    };
    if (!stream) return (await generateText(call)).text;
    return joined(streamText({ ...call, onError() {} }).stream, (part) => {
      if (part.type === 'error') throw part.error;
      return part.type === 'text-delta' ? part.text : '';
    });
  };

const langchain =
  (model: (place: Place) => BaseChatModel): ClientCall['text'] =>
  async (place, stream) => {
    if (!stream) return (await model(place).invoke('Say something.')).text;
    return joined(await model(place).stream('Say something.'), ({ text }) => text);
  };

const chatOpenAi = (useResponsesApi: boolean) => (place: Place) =>
  new ChatOpenAI({
    model: place.model,
    apiKey: KEY,
    configuration: { baseURL: `${place.origin}/v1` },
    useResponsesApi,
    ...retries(place),
  });

const chatAnthropic = (place: Place) =>
  new ChatAnthropic({ model: place.model, apiKey: KEY, anthropicApiUrl: place.origin, ...retries(place) });

export const CLIENTS: readonly ClientCall[] = [
  { name: 'openai, chat', family: 'chat', text: openaiChat },
  { name: 'openai, responses', family: 'responses', text: openaiResponses },
  { name: '@anthropic-ai/sdk', family: 'messages', text: anthropicMessages },
  {
    name: '@ai-sdk/openai-compatible',
    family: 'chat',
    text: aiSdk((baseURL, name) => createOpenAICompatible({ name: 'x', baseURL, apiKey: KEY })(name)),
  },
  {
    name: '@ai-sdk/openai, chat',
    family: 'chat',
    text: aiSdk((baseURL, name) => createOpenAI({ baseURL, apiKey: KEY }).chat(name)),
  },
  {
    name: '@ai-sdk/openai, responses',
    family: 'responses',
    text: aiSdk((baseURL, name) => createOpenAI({ baseURL, apiKey: KEY }).responses(name)),
  },
  {
    name: '@ai-sdk/anthropic',
    family: 'messages',
    text: aiSdk((baseURL, name) => createAnthropic({ baseURL, apiKey: KEY })(name)),
  },
  { name: '@langchain/openai, chat', family: 'chat', text: langchain(chatOpenAi(false)) },
  { name: '@langchain/openai, responses', family: 'responses', text: langchain(chatOpenAi(true)) },
  { name: '@langchain/anthropic', family: 'messages', text: langchain(chatAnthropic) },
];
