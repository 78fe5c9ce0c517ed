// What a Responses call asks of a target beyond the dialect: tools, a schema, images, audio. For openai-responses.
import type { Capability } from '../core/names.ts';

type Part = Readonly<Record<string, unknown>>;

const isPart = (value: unknown): value is Part => typeof value === 'object' && value !== null;
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const typeOf = (value: unknown): unknown => (isPart(value) ? value['type'] : undefined);

const IMAGES: ReadonlySet<unknown> = new Set(['input_image', 'computer_screenshot']);
const LOGPROBS = 'message.output_text.logprobs';

/** `value` gives a field of the body, undefined where there is none. */
export function responseNeeds(value: (key: string) => unknown): readonly Capability[] {
  const found: Capability[] = [];
  if (listOf(value('tools')).length > 0) found.push('tools');
  const text = value('text');
  if (isPart(text) && typeOf(text['format']) === 'json_schema') found.push('schema');
  if (listOf(value('include')).includes(LOGPROBS) || Number(value('top_logprobs')) > 0) found.push('logprobs');
  const types = new Set(contentTypes(value('input'), value('prompt')));
  if (types.has('input_audio')) found.push('audio');
  for (const type of types) {
    if (!IMAGES.has(type)) continue;
    found.push('vision');
    break;
  }
  return found;
}

/** Types of the items, of the content and output inside them, and of a stored prompt's variables. */
function* contentTypes(input: unknown, prompt: unknown): Iterable<unknown> {
  for (const item of listOf(input)) {
    yield typeOf(item);
    if (!isPart(item)) continue;
    for (const inner of [item['content'], item['output']]) {
      yield typeOf(inner);
      for (const part of listOf(inner)) yield typeOf(part);
    }
  }
  const variables = isPart(prompt) ? prompt['variables'] : undefined;
  if (isPart(variables)) for (const variable of Object.values(variables)) yield typeOf(variable);
}
