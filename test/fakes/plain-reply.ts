// Decides what the fault upstream answers when no script is set: canned, well-formed and fast,
// for load tests and for the calls around a fault.

import { chatReply, chatStream, completionReply, embeddingReply } from './chat-fixtures.ts';
import type { LoggedRequest } from './fault-exchange.ts';
import { raw, type Script } from './fault-steps.ts';

function buffered(body: unknown): Buffer {
  const bytes = Buffer.from(JSON.stringify(body));
  const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${bytes.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), bytes]);
}

function streamed(events: readonly Buffer[]): Buffer {
  const chunks = events.flatMap((bytes) => [
    Buffer.from(`${bytes.length.toString(16)}\r\n`),
    bytes,
    Buffer.from('\r\n'),
  ]);
  const head =
    'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n';
  return Buffer.concat([Buffer.from(head), ...chunks, Buffer.from('0\r\n\r\n')]);
}

// The response is canned with its framing, so the exchange only has to hand it over.
const scripts = {
  chat: [raw(buffered(chatReply()))],
  chatStream: [raw(streamed(chatStream()))],
  completion: [raw(buffered(completionReply()))],
  embedding: [raw(buffered(embeddingReply({ inputs: 1, encoding: 'float' })))],
  base64: [raw(buffered(embeddingReply({ inputs: 1, encoding: 'base64' })))],
} satisfies Record<string, Script>;

const asksFor = (body: Buffer, member: string) => body.includes(`"${member}`);

export function plainReply({ path, body }: LoggedRequest): Script {
  if (path.includes('/embeddings'))
    return asksFor(body, 'encoding_format":"base64"') ? scripts.base64 : scripts.embedding;
  if (path.includes('/completions') && !path.includes('/chat/')) return scripts.completion;
  return asksFor(body, 'stream":true') || asksFor(body, 'stream": true') ? scripts.chatStream : scripts.chat;
}
