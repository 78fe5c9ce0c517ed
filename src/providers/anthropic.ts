// Anthropic's own API. For operators with an account there.
import { kind } from './kind.ts';

export const anthropic = kind('anthropic', {
  baseUrl: 'https://api.anthropic.com',
  versioned: false,
  auth: 'x-api-key',
  speaks: ['anthropic-messages', 'anthropic-count-tokens'],
  rerank: null,
  maxItems: null,
  // All that its replies add is of the account: limits, organisation, the provider's own request id.
  replyHeaders: [],
});
