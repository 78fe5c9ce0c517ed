// How long a target says that it worked for a call. For all dialects; money is counted by it.
import { type HeaderView, headerOf } from '../core/transport.ts';
import { memberAt, numberAt } from '../wire/entries.ts';
import { fieldOf } from '../wire/json-view.ts';
import type { ScannedObject } from '../wire/scan.ts';

/** No attempt takes longer: a larger number is a lie or a bug. */
const MOST_MS = 86_400_000;

/** Times of 0 are cut down to it, not measured; they and absurd ones say nothing. */
const known = (ms: number): number | null => (ms > 0 && ms <= MOST_MS ? ms : null);

/** llama.cpp's `timings`, in a whole reply or the event that ends a stream: prompt and answer, without its own queue. */
export function timingsIn(scan: ScannedObject): number | null {
  const field = fieldOf(scan, 'timings');
  if (field?.kind !== 'object') return null;
  const promptMs = numberAt(scan, memberAt(scan, field.start, 'prompt_ms'));
  const predictedMs = numberAt(scan, memberAt(scan, field.start, 'predicted_ms'));
  // An embedding has no answer to predict.
  if (promptMs >= 0) return known(promptMs + (predictedMs >= 0 ? predictedMs : 0));
  return predictedMs >= 0 ? known(predictedMs) : null;
}

const MS = /^\d{1,9}(?:\.\d{1,9})?$/;

/** TEI's headers: the model's own time, else that of the whole call within the server. */
export function computeTimeIn(headers: HeaderView): number | null {
  const said = headerOf(headers, 'x-inference-time') ?? headerOf(headers, 'x-compute-time');
  return said !== null && MS.test(said) ? known(Number(said)) : null;
}
