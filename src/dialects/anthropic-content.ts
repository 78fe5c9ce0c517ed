// Tells first content from frames that only open something. For anthropic-messages' judge.

type Values = Readonly<Record<string, unknown>>;

const isFilled = (value: unknown): boolean => {
  if (typeof value === 'string' || Array.isArray(value)) return value.length > 0;
  return typeof value === 'object' && value !== null;
};

/** The delta of a content_block_delta: text, thinking, a piece of JSON, a citation, a signature or what comes next. */
export function hasContent(delta: Values): boolean {
  for (const key in delta) if (key !== 'type' && isFilled(delta[key])) return true;
  return false;
}

/** The block of a content_block_start: most open empty and are filled by deltas, results of tools come whole. */
export function beginsWithContent(block: Values): boolean {
  const { type } = block;
  if (type === 'text') return isFilled(block['text']);
  if (type === 'thinking') return isFilled(block['thinking']);
  if (type === 'compaction') return isFilled(block['content']);
  if (typeof type === 'string' && type.endsWith('tool_use')) {
    const { input } = block;
    return typeof input === 'object' && input !== null && Object.keys(input).length > 0;
  }
  return typeof type === 'string';
}
