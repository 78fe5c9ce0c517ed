// POST /v1/messages. For clients that speak Anthropic's dialect, Claude Code among them.
import type { BodyLimits, CallHead, Dialect, ParsedCall } from '../core/dialect.ts';
import { errorShape } from './anthropic-errors.ts';
import { checkMessage } from './anthropic-reply.ts';
import { isStored, needsOf, readAsked } from './anthropic-request.ts';
import { createMessageJudge } from './anthropic-stream.ts';
import { readCount, readFlag } from './fields.ts';
import { runInUserId } from './named-run.ts';
import { sameForm } from './same-form.ts';

const PATH = '/v1/messages';

function parse(body: Uint8Array, limits: BodyLimits, head: CallHead): ParsedCall {
  const asked = readAsked(body, limits, head);
  const maxOutputTokens = readCount(body, asked.scan, 'max_tokens', 0);
  const path = PATH + asked.query;
  const judge = () => createMessageJudge(maxOutputTokens);
  return {
    model: asked.model,
    stream: readFlag(asked.scan, 'stream'),
    get needs() {
      return needsOf(asked);
    },
    maxOutputTokens,
    stored: isStored(asked),
    get inputTokens() {
      return asked.prompt.inputTokens;
    },
    items: 1,
    get answersTool() {
      return asked.prompt.answersTool;
    },
    namedRun: () => runInUserId(asked.scan),
    print: () => asked.prompt.print(),
    marks: () => asked.prompt.marks(),
    split: () => null,
    toward: (_target, served) =>
      sameForm({ path, headers: asked.headers, body: asked.bodyFor(served), judge, check: checkMessage }),
  };
}

export const anthropicMessages: Dialect = {
  name: 'anthropic-messages',
  class: 'chat',
  routes: [PATH],
  parse,
  ...errorShape,
};
