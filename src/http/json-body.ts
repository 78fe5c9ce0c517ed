// Whether a request says that its body is plain JSON: no page in a browser can send that elsewhere unasked. For the routes.
import { RouterError } from '../core/errors.ts';
import { type HeaderView, headerOf } from '../core/transport.ts';

export function checkMedia(headers: HeaderView): void {
  const type = (headerOf(headers, 'content-type') ?? '').toLowerCase();
  const bare = type.split(';', 1)[0]!.trim();
  if (bare !== 'application/json') {
    throw new RouterError('unsupported_media_type', 'Send the body as JSON, with "content-type: application/json".');
  }
  const encoding = headerOf(headers, 'content-encoding');
  if (encoding !== null && encoding.trim().toLowerCase() !== 'identity') {
    throw new RouterError('unsupported_media_type', 'Compressed request bodies are not taken; send the body as it is.');
  }
}
