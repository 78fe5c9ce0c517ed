// Whether an item of a response asks the caller to run a tool. For openai-responses' replies and streams.
import { memberAt, stringAt } from '../wire/entries.ts';
import type { ScannedObject } from '../wire/scan.ts';

const MAX_TYPE_BYTES = 64;
/** Calls whose answer the target finds by itself. */
const TARGETS_OWN: ReadonlySet<string> = new Set([
  'web_search_call',
  'file_search_call',
  'code_interpreter_call',
  'image_generation_call',
  'mcp_call',
  'tool_search_call',
]);

/** `item` is where it opens. */
export function asksForTool(scan: ScannedObject, item: number): boolean {
  const type = stringAt(scan, memberAt(scan, item, 'type'), MAX_TYPE_BYTES);
  return type?.endsWith('_call') === true && !TARGETS_OWN.has(type);
}
