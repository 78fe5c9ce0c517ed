// What a rerank caller asks beyond query, documents, cut and echo, and how much of it a worker can be told. For rerank calls.
import { fieldOf } from '../../wire/json-view.ts';
import type { ScannedObject } from '../../wire/scan.ts';
import { readCount, readFlag } from '../fields.ts';
import type { CallerForm, Fields, OptionName, RerankOptions, WorkerForm } from './form.ts';

/** Longest list of dropped names, and longest name in it: both come from the caller and end in a header. */
const MOST_NAMES = 16;
const NAME_LENGTH = 64;

/** A boolean; absent and null give null. */
export function readSaid(scan: ScannedObject, key: string): boolean | null {
  const field = fieldOf(scan, key);
  return field === undefined || field.kind === 'null' ? null : readFlag(scan, key);
}

export function readOptions(body: Uint8Array, scan: ScannedObject, form: CallerForm): Partial<RerankOptions> {
  const options: { -readonly [Name in OptionName]?: RerankOptions[Name] } = {};
  for (const [key, name] of Object.entries(form.options)) {
    if (name === 'maxTokensPerDocument') {
      const value = readCount(body, scan, key, 1);
      if (value !== null) options[name] = value;
    } else {
      const value = readSaid(scan, key);
      if (value !== null) options[name] = value;
    }
  }
  return options;
}

/** The options as fields of the worker's form, and those that it cannot be told. */
export function tellOptions(
  { tell }: WorkerForm,
  { truncate, rawScores, maxTokensPerDocument }: Partial<RerankOptions>,
): { readonly fields: Fields; readonly untold: ReadonlySet<OptionName> } {
  const untold = new Set<OptionName>();
  const kept = (name: OptionName, fields: Fields | null | undefined): Fields => {
    if (fields === null || fields === undefined) untold.add(name);
    return fields ?? {};
  };
  const fields = {
    ...(truncate === undefined ? {} : kept('truncate', tell.truncate?.(truncate))),
    ...(rawScores === undefined ? {} : kept('rawScores', tell.rawScores?.(rawScores))),
    ...(maxTokensPerDocument === undefined
      ? {}
      : kept('maxTokensPerDocument', tell.maxTokensPerDocument?.(maxTokensPerDocument))),
  };
  return { fields, untold };
}

/** Names of fields as a header can hold them. */
export function droppedNames(names: readonly string[]): readonly string[] {
  const shown = names.slice(0, MOST_NAMES).map((name) => name.slice(0, NAME_LENGTH).replace(/[^\w.[\]-]/g, '?'));
  return names.length > MOST_NAMES ? [...shown, `${names.length - MOST_NAMES} more`] : shown;
}
