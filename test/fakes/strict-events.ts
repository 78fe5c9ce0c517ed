// Decides whether bytes are a run of whole server-sent events, more strictly than the standard asks,
// for tests of streams: a half event, a stray line or broken UTF-8 is an error here, not skipped.

export type StrictEvent = { event?: string; id?: string; data: string };

const known = new Set(['data', 'event', 'id', 'retry']);

/** Comment-only blocks are dropped; a block without data is an error. */
export function strictEvents(bytes: Uint8Array | string): StrictEvent[] {
  const text = typeof bytes === 'string' ? bytes : new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  const events: StrictEvent[] = [];
  const lines = text.split(/\r\n|\n|\r/);
  const unfinished = lines.pop();
  if (unfinished !== '') throw new Error(`half a line at the end: ${JSON.stringify(unfinished)}`);
  let data: string[] = [];
  let fields: { event?: string; id?: string } = {};
  let open = false;
  for (const line of lines) {
    if (line === '') {
      if (open && data.length === 0) throw new Error(`event without data: ${JSON.stringify(fields)}`);
      if (open) events.push({ ...fields, data: data.join('\n') });
      data = [];
      fields = {};
      open = false;
      continue;
    }
    if (line.startsWith(':')) continue;
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    if (!known.has(name)) throw new Error(`not a field of an event: ${JSON.stringify(line.slice(0, 200))}`);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    open = true;
    if (name === 'data') data.push(value);
    if (name === 'event' || name === 'id') fields[name] = value;
  }
  if (open) throw new Error(`half an event at the end: ${JSON.stringify(data.join('\n').slice(0, 200))}`);
  return events;
}

/** The events parsed as JSON; `[DONE]` stays that string. */
export function strictJsonEvents(bytes: Uint8Array | string): unknown[] {
  return strictEvents(bytes).map(({ data }) => (data === '[DONE]' ? data : (JSON.parse(data) as unknown)));
}
