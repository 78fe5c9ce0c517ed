// Reads the few request fields that the router uses, and refuses what is ambiguous or wrongly typed. For all dialects.
import type { BodyLimits } from '../core/dialect.ts';
import { RouterError } from '../core/errors.ts';
import { fieldOf, parseSpan, stringOf } from '../wire/json-view.ts';
import { type Field, ScanFault, type ScanFaultCode, type ScannedObject, scanObject } from '../wire/scan.ts';

const FAULT_TEXT: Record<ScanFaultCode, (fault: ScanFault) => string> = {
  invalid_json: (fault) => `The body is not valid JSON (byte ${fault.offset}).`,
  too_deep: () => 'The body is nested deeper than 64 levels.',
  too_complex: () => 'The body has more than 200000 JSON tokens.',
  forbidden_key: (fault) => `The key "${fault.key ?? ''}" is not allowed in a body.`,
  duplicate_key: () => 'A top-level key stands twice in the body; it is not said which of the two is meant.',
};

/** By these other gateways let a caller say where a call goes, and with which credential; docs/decisions says more. */
const CHOOSES_TARGET: ReadonlySet<string> = new Set([
  'api_base',
  'api_key',
  'api_version',
  'base_url',
  'custom_host',
  'custom_llm_provider',
  'extra_headers',
]);

function choosesTarget(key: string): RouterError {
  const text = `"${key}" is not taken: callers name a model, and where its calls go is set in the policy.`;
  return new RouterError('forbidden_key', text, { param: key });
}

/** Scans a request body; a fault becomes the caller's 400. */
export function scanBody(body: Uint8Array, limits: BodyLimits, uncountedKey?: string): ScannedObject {
  try {
    const base = { maxDepth: limits.maxDepth, maxTokens: limits.maxTokens, forbidKeys: true };
    const scan = scanObject(body, uncountedKey === undefined ? base : { ...base, uncountedKey });
    for (const { key } of scan.fields) if (key.length >= 7 && CHOOSES_TARGET.has(key)) throw choosesTarget(key);
    return scan;
  } catch (thrown) {
    if (!(thrown instanceof ScanFault)) throw thrown;
    throw new RouterError(thrown.code, FAULT_TEXT[thrown.code](thrown));
  }
}

/** The asked model: 1 to 256 characters, none of them a control character (F011). */
export function readModel(body: Uint8Array, scan: ScannedObject): { model: string; field: Field } {
  const field = fieldOf(scan, 'model');
  if (field === undefined) throw missing('model', 'a string: the model to ask');
  if (field.kind !== 'string') throw wrong('model', 'a string');
  const model = stringOf(body, field)!;
  if (model.length === 0 || model.length > 256) throw wrong('model', 'a string of 1 to 256 characters');
  for (let i = 0; i < model.length; i++) {
    const code = model.charCodeAt(i);
    if (code < 0x20 || code === 0x7f) throw wrong('model', 'a string without control characters');
  }
  return { model, field };
}

/** A boolean; absent and null mean false. */
export function readFlag(scan: ScannedObject, key: string): boolean {
  const field = fieldOf(scan, key);
  if (field === undefined || field.kind === 'null') return false;
  if (field.kind !== 'true' && field.kind !== 'false') throw wrong(key, 'true or false');
  return field.kind === 'true';
}

/** A whole number of at least `min`; absent and null give null. */
export function readCount(body: Uint8Array, scan: ScannedObject, key: string, min: number): number | null {
  const field = fieldOf(scan, key);
  if (field === undefined || field.kind === 'null') return null;
  const value = field.kind === 'number' ? parseSpan(body, field.start, field.end) : null;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min) {
    throw wrong(key, `a whole number of at least ${min}`);
  }
  return value;
}

export function missing(key: string, what: string): RouterError {
  return new RouterError('missing_field', `The body has no "${key}": give ${what}.`, { param: key });
}

export function wrong(key: string, what: string): RouterError {
  return new RouterError('invalid_value', `"${key}" must be ${what}.`, { param: key });
}
