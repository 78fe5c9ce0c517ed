// POST /v1/messages/count_tokens. For clients that ask how long a prompt is before they send it.
import type { BodyLimits, CallHead, Dialect, ParsedCall } from '../core/dialect.ts';
import { errorShape } from './anthropic-errors.ts';
import { checkCount } from './anthropic-reply.ts';
import { needsOf, readAsked } from './anthropic-request.ts';
import { createMessageJudge } from './anthropic-stream.ts';
import { runInUserId } from './named-run.ts';
import { sameForm } from './same-form.ts';

const PATH = '/v1/messages/count_tokens';
/** The answer is one number: nothing of it is streamed. */
const judge = () => createMessageJudge(null);

function parse(body: Uint8Array, limits: BodyLimits, head: CallHead): ParsedCall {
  const asked = readAsked(body, limits, head);
  const path = PATH + asked.query;
  return {
    model: asked.model,
    stream: false,
    get needs() {
      return needsOf(asked);
    },
    maxOutputTokens: null,
    stored: false,
    get inputTokens() {
      return asked.prompt.inputTokens;
    },
    items: 1,
    answersTool: false,
    namedRun: () => runInUserId(asked.scan),
    // Nothing is generated, so nothing of it lies ready for the next call.
    print: () => null,
    split: () => null,
    toward: (_target, served) =>
      sameForm({ path, headers: asked.headers, body: asked.bodyFor(served), judge, check: checkCount }),
  };
}

export const anthropicCountTokens: Dialect = {
  name: 'anthropic-count-tokens',
  class: 'chat',
  routes: [PATH],
  parse,
  ...errorShape,
};
